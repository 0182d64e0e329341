"""Who was who: processes and threads over the time of a capture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from tracectl.abi.records import Kind
from tracectl.capture.metadata import Task
from tracectl.decode.subbuffer import Records

FOREVER_NS = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class TaskEvent:
    """A FORK, EXEC or TASK_EXIT of thread ``tid``. ``other_tid`` and ``other_tgid`` are the child
    of a fork, ``other_tid`` the id before an exec; ``code`` is a wait status."""

    time_ns: int
    kind: Kind
    tid: int
    tgid: int
    other_tid: int = 0
    other_tgid: int = 0
    code: int = 0
    comm: str = ""
    path: str = ""


@dataclass(slots=True)
class Life:
    """A thread, under one name: an exec ends one life and begins the next.

    ``start_ns`` is 0 where tracing found it alive; ``end_ns`` FOREVER_NS where it outlived that.
    ``comm`` is empty where nothing told it; ``ppid`` is the parent's tgid, 0 where it is not known.
    ``exit_code`` is a wait status, None unless it exited.
    """

    tid: int
    tgid: int
    ppid: int
    comm: str
    start_ns: int
    end_ns: int = FOREVER_NS
    path: str = ""
    exit_code: int | None = None


def iter_task_events(records: Records) -> Iterator[TaskEvent]:
    """Those of one sub-buffer, in its order."""
    rows = records.rows(Kind.FORK, Kind.EXEC, Kind.TASK_EXIT)
    for row in rows.tolist():
        kind = Kind(int(records.kind[row]))
        one = np.array([row], np.intp)
        body = records.bodies(kind, one)[0]
        who = int(records.time_ns[row]), kind, int(records.tid[row]), int(records.tgid[row])
        if kind == Kind.FORK:
            yield TaskEvent(*who, other_tid=int(body["tid"]), other_tgid=int(body["tgid"]))
        elif kind == Kind.EXEC:
            comm = bytes(body["comm"]).split(b"\0")[0]
            (path,) = records.iter_strings(one)
            old_tid = int(body["old_tid"])
            yield TaskEvent(*who, other_tid=old_tid, comm=text_of(comm), path=text_of(path))
        else:
            yield TaskEvent(*who, code=int(body["code"]))


def task_events_of(records: Records) -> list[TaskEvent]:
    return list(iter_task_events(records))


def text_of(data: bytes) -> str:
    """Names are bytes; what is no UTF-8 is shown escaped."""
    return data.decode(errors="backslashreplace")


def lives_of(tasks: Iterable[Task], events: Iterable[TaskEvent]) -> list[Life]:
    """The lives of all threads, by their start; ``tasks`` are those alive when tracing started."""
    lives = [Life(task.tid, task.tgid, task.ppid, task.comm, 0) for task in tasks]
    open_: dict[int, Life] = {life.tid: life for life in lives}
    for event in sorted(events, key=lambda event: event.time_ns):
        before = _life_of(event, open_, lives)
        if event.kind == Kind.TASK_EXIT:
            before.end_ns, before.exit_code = event.time_ns, event.code
            open_.pop(event.tid, None)
            continue
        if event.kind == Kind.FORK:
            is_thread = event.other_tgid == event.tgid
            parent = before.ppid if is_thread else event.tgid
            after = Life(event.other_tid, event.other_tgid, parent, before.comm, event.time_ns)
        else:
            after = Life(
                event.tid, event.tgid, before.ppid, event.comm, event.time_ns, path=event.path
            )
        for tid in {after.tid, event.other_tid}:
            if tid in open_:
                open_.pop(tid).end_ns = event.time_ns
        open_[after.tid] = after
        lives.append(after)
    return sorted(lives, key=lambda life: life.start_ns)


def _life_of(event: TaskEvent, open_: dict[int, Life], lives: list[Life]) -> Life:
    """Of the thread that ``event`` is of; one without a name where nothing told of it before."""
    tid = event.other_tid if event.kind == Kind.EXEC else event.tid
    if tid not in open_:
        open_[tid] = Life(tid, event.tgid, 0, "", 0)
        lives.append(open_[tid])
    return open_[tid]


class ProcessNames:
    """What a process was called at a time: its leader's name, as exec and fork told it."""

    def __init__(self, lives: Iterable[Life]) -> None:
        self.names = [""]
        index = {"": 0}
        self._spans: dict[int, tuple[NDArray[np.int64], NDArray[np.int64]]] = {}
        leaders = sorted(
            (life for life in lives if life.tid == life.tgid),
            key=lambda life: (life.tgid, life.start_ns),
        )
        for tgid, group in groupby(leaders, key=lambda life: life.tgid):
            mine = list(group)
            for life in mine:
                if life.comm not in index:
                    index[life.comm] = len(self.names)
                    self.names.append(life.comm)
            starts = np.array([life.start_ns for life in mine], np.int64)
            self._spans[tgid] = starts, np.array([index[life.comm] for life in mine], np.int64)

    def find(self, tgid: NDArray[np.int64], time_ns: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Indices into ``names``; that of "" where nothing told."""
        found = np.zeros(len(tgid), np.int64)
        order = np.argsort(tgid, kind="stable")
        values, first = np.unique(tgid[order], return_index=True)
        for value, rows in zip(values.tolist(), np.split(order, first[1:]), strict=False):
            if value in self._spans:
                starts, names = self._spans[value]
                at = np.searchsorted(starts, time_ns[rows].astype(np.int64), side="right") - 1
                found[rows] = np.where(at >= 0, names[np.maximum(at, 0)], 0)
        return found
