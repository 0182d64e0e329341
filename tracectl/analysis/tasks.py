"""Who was who: processes and threads over the time of a capture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracectl.abi.records import STRING_KINDS, Kind
from tracectl.analysis.codes import rows_of_each
from tracectl.capture.metadata import Task
from tracectl.decode.subbuffer import Records

FOREVER_NS = (1 << 63) - 1


TASK_KINDS = (
    Kind.FORK, Kind.EXEC, Kind.TASK_EXIT, Kind.RENAME, Kind.SETUID, Kind.CGROUP, Kind.ATTACH
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TaskEvent:
    """One of TASK_KINDS, told by thread ``tid``.

    ``other_tid`` and ``other_tgid`` are the child of a fork, ``other_tid`` the id before an exec or
    the thread that is renamed or put into a cgroup; ``code`` is a wait status, ``path`` an image's
    or, of a CGROUP, the directory's.
    """

    time_ns: int
    kind: Kind
    tid: int
    tgid: int
    other_tid: int = 0
    other_tgid: int = 0
    code: int = 0
    comm: str = ""
    path: str = ""
    uid: int | None = None
    cgroup: int = 0
    ppid: int = 0
    inner_tid: int = 0
    is_whole: bool = False


@dataclass(slots=True)
class Life:
    """A thread under one name, user and cgroup: what changes one of them ends one life and begins
    the next; ``cause`` is that event, None where tracing found the thread alive.

    ``start_ns`` is 0 where nothing told of a beginning; ``end_ns`` FOREVER_NS where it outlived the
    capture. ``comm``, ``path`` (of the image) and ``cgroup`` (from cgroup v2's root on) are empty
    where nothing told them, ``uid`` is None; ``ppid`` is the parent's tgid and ``inner_tid`` the id
    in the thread's own pid namespace, both 0 where they are not known. ``exit_code`` is a wait
    status, None unless it exited.
    """

    tid: int
    tgid: int
    ppid: int
    comm: str
    start_ns: int
    end_ns: int = FOREVER_NS
    path: str = ""
    exit_code: int | None = None
    uid: int | None = None
    cgroup: str = ""
    inner_tid: int = 0
    cause: Kind | None = None


def iter_task_events(records: Records) -> Iterator[TaskEvent]:
    """Those of one sub-buffer, in its order."""
    rows = records.rows(*TASK_KINDS)
    for row in rows.tolist():
        kind = Kind(int(records.kind[row]))
        one = np.array([row], np.intp)
        body = records.bodies(kind, one)[0]
        names = body.dtype.names
        path = records.strings(one)[0] if kind in STRING_KINDS else b""
        comm = bytes(body["comm"]).split(b"\0")[0] if "comm" in names else b""
        told = {name: int(body[name]) for name in _NUMBERS if name in names}
        yield TaskEvent(
            int(records.time_ns[row]),
            kind,
            int(records.tid[row]),
            int(records.tgid[row]),
            other_tid=int(body["old_tid" if kind == Kind.EXEC else "tid"]) if kind in _OF else 0,
            other_tgid=int(body["tgid"]) if kind == Kind.FORK else 0,
            comm=text_of(comm),
            path=text_of(path),
            is_whole=kind == Kind.ATTACH and bool(body["whole"]),
            **told,
        )


_NUMBERS = ("code", "uid", "cgroup", "ppid", "inner_tid")
_OF = (Kind.FORK, Kind.EXEC, Kind.RENAME, Kind.ATTACH)


def task_events_of(records: Records) -> list[TaskEvent]:
    return list(iter_task_events(records))


def text_of(data: bytes) -> str:
    """Names are bytes; what is no UTF-8 is shown escaped."""
    return data.decode(errors="backslashreplace")


def lives_of(
    tasks: Iterable[Task], events: Iterable[TaskEvent], cgroups: Mapping[int, str] | None = None
) -> list[Life]:
    """The lives of all threads, by their start; ``tasks`` and ``cgroups``, paths by inode, are
    those that were there when tracing started."""
    alive = _Alive(tasks, cgroups or {})
    for event in sorted(events, key=lambda event: event.time_ns):
        alive.follow(event)
    return sorted(alive.lives, key=lambda life: life.start_ns)


class _Alive:
    """The threads that are alive, and the lives of all so far."""

    def __init__(self, tasks: Iterable[Task], cgroups: Mapping[int, str]) -> None:
        self.lives = [
            Life(
                task.tid, task.tgid, task.ppid, task.comm, 0, path=task.exe, uid=task.uid,
                cgroup=task.cgroup, inner_tid=task.inner_tids[-1] if task.inner_tids else 0,
            )
            for task in tasks
        ]  # fmt: skip
        self._open = {life.tid: life for life in self.lives}
        self._cgroups = dict(cgroups)

    def follow(self, event: TaskEvent) -> None:
        if event.kind == Kind.CGROUP:
            self._cgroups[event.cgroup] = event.path
        elif event.kind == Kind.ATTACH:
            self._attach(event)
        elif event.kind == Kind.RENAME:
            self._change(event, self._find(event.other_tid, event.tgid), comm=event.comm)
        elif event.kind == Kind.SETUID:
            self._change(event, self._find(event.tid, event.tgid), uid=event.uid)
        elif event.kind == Kind.TASK_EXIT:
            life = self._find(event.tid, event.tgid)
            life.end_ns, life.exit_code = event.time_ns, event.code
            self._open.pop(event.tid, None)
        elif event.kind == Kind.FORK:
            self._fork(event)
        else:
            self._exec(event)

    def _fork(self, event: TaskEvent) -> None:
        parent = self._find(event.tid, event.tgid)
        is_thread = event.other_tgid == event.tgid
        self._begin(
            event,
            Life(
                event.other_tid,
                event.other_tgid,
                event.ppid or (parent.ppid if is_thread else event.tgid),
                event.comm or parent.comm,
                event.time_ns,
                path=parent.path,
                uid=event.uid,
                cgroup=self._cgroups.get(event.cgroup, ""),
                inner_tid=event.inner_tid,
                cause=event.kind,
            ),
        )

    def _exec(self, event: TaskEvent) -> None:
        before = self._find(event.other_tid, event.tgid)
        leader = self._open.get(event.tid, before)
        after = replace(
            before,
            tid=event.tid,
            tgid=event.tgid,
            comm=event.comm,
            start_ns=event.time_ns,
            path=event.path,
            uid=event.uid,
            cgroup=self._cgroups.get(event.cgroup, ""),
            inner_tid=leader.inner_tid,
            cause=event.kind,
        )
        if event.other_tid in self._open:
            self._open.pop(event.other_tid).end_ns = event.time_ns
        self._begin(event, after)

    def _attach(self, event: TaskEvent) -> None:
        target = self._open.get(event.other_tid)
        if target is None:
            return
        path = self._cgroups.get(event.cgroup, "")
        threads = [target]
        if event.is_whole:
            threads = [life for life in self._open.values() if life.tgid == target.tgid]
        for life in threads:
            self._change(event, life, cgroup=path)

    def _change(self, event: TaskEvent, life: Life, **changed: Any) -> None:
        self._begin(
            event,
            replace(life, start_ns=event.time_ns, end_ns=FOREVER_NS, cause=event.kind, **changed),
        )

    def _begin(self, event: TaskEvent, life: Life) -> None:
        if life.tid in self._open:
            self._open[life.tid].end_ns = event.time_ns
        self._open[life.tid] = life
        self.lives.append(life)

    def _find(self, tid: int, tgid: int) -> Life:
        """One without a name where nothing told of it before."""
        if tid not in self._open:
            self._open[tid] = Life(tid, tgid, 0, "", 0)
            self.lives.append(self._open[tid])
        return self._open[tid]


class Threads:
    """What a thread was at a time: its life then. ``lives[0]`` is one of which nothing is known."""

    def __init__(self, lives: Iterable[Life]) -> None:
        ordered = sorted(lives, key=lambda life: (life.tid, life.start_ns))
        self.lives = [Life(0, 0, 0, "", 0), *ordered]
        self._spans: dict[int, tuple[int, NDArray[np.int64]]] = {}
        first = 1
        for tid, group in groupby(ordered, key=lambda life: life.tid):
            starts = np.array([life.start_ns for life in group], np.int64)
            self._spans[tid] = first, starts
            first += len(starts)

    def find(self, tid: NDArray[np.int64], time_ns: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Indices into ``lives``; 0 where nothing told."""
        found = np.zeros(len(tid), np.int64)
        for value, rows in rows_of_each(tid):
            if value in self._spans:
                at, starts = self._spans[value]
                since = np.searchsorted(starts, time_ns[rows].astype(np.int64), side="right")
                found[rows] = np.where(since > 0, at + since - 1, 0)
        return found


class Processes(Threads):
    """What a process was at a time: its leader's life then."""

    def __init__(self, lives: Iterable[Life]) -> None:
        super().__init__(life for life in lives if life.tid == life.tgid)
