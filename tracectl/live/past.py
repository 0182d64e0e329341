"""What threads were at a time: their names, users and cgroups, as far as it is remembered."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tracectl.abi.records import Kind
from tracectl.analysis.codes import rows_of_each
from tracectl.analysis.tasks import TaskEvent
from tracectl.capture.metadata import Task
from tracectl.live.page import I64

_MOST = 1 << 18
_ENOUGH = 1 << 13

_time_of = itemgetter(0)


class Change(NamedTuple):
    """What is None stays as it was. ``comm`` may be the thread that it is inherited from and
    ``cgroup`` an inode: the events that tell of these may come later, from other CPUs."""

    time_ns: int
    comm: str | int | None = None
    uid: int | None = None
    cgroup: int | str | None = None


class Past:
    """One thread calls what changes it, any what finds. ``cgroups`` are paths by inode, which are
    told from elsewhere."""

    def __init__(self, tasks: Sequence[Task], cgroups: dict[int, str]) -> None:
        self._cgroups = cgroups
        self._since: dict[int, list[Change]] = {}
        self._tgids: dict[int, int] = {}
        for task in tasks:
            self._since[task.tid] = [Change(0, task.comm, task.uid, task.cgroup or None)]
            self._tgids[task.tid] = task.tgid
        self._first_cgroups = {task.cgroup for task in tasks} - {""}
        self._count = len(self._since)
        self._next_count = self._count + _ENOUGH
        self._ended: dict[int, int] = {}

    def __len__(self) -> int:
        """Changes that are remembered."""
        return self._count

    @property
    def cgroups(self) -> set[str]:
        """All that are known."""
        return {*self._cgroups.values(), *self._first_cgroups}

    def add(self, event: TaskEvent) -> None:
        if event.kind == Kind.FORK:
            self._tgids[event.other_tid] = event.other_tgid
            change = Change(event.time_ns, event.comm or event.tid, event.uid, event.cgroup)
            self._note(event.other_tid, change)
        elif event.kind == Kind.EXEC:
            self._tgids[event.tid] = event.tgid
            change = Change(event.time_ns, event.comm, event.uid, event.cgroup)
            self._note(event.tid, change)
        elif event.kind == Kind.RENAME:
            self._note(event.other_tid, Change(event.time_ns, comm=event.comm))
        elif event.kind == Kind.SETUID:
            self._note(event.tid, Change(event.time_ns, uid=event.uid))
        elif event.kind == Kind.ATTACH:
            for tid in self._moved_by(event):
                self._note(tid, Change(event.time_ns, cgroup=event.cgroup))
        elif event.kind == Kind.TASK_EXIT:
            self._ended.pop(event.tid, None)
            self._ended[event.tid] = event.time_ns

    def learn(self, tid: int, comm: str) -> None:
        """Its name from elsewhere: nothing tells since when."""
        known = self._since.setdefault(tid, [])
        if known:
            known[-1] = known[-1]._replace(comm=comm)
        else:
            known.append(Change(0, comm))
            self._count += 1

    def forget(self, before_ns: int) -> None:
        """Threads that ended before that, once it is worth it; and if there are too many, others
        that did."""
        if self._count < self._next_count:
            return
        while self._ended:
            tid, end_ns = next(iter(self._ended.items()))
            if end_ns >= before_ns and self._count <= _MOST:
                break
            del self._ended[tid]
            known = self._since.get(tid, [])
            # The id may be of another thread since.
            kept = known[bisect_right(known, end_ns, key=_time_of) :]
            self._count -= len(known) - len(kept)
            if kept:
                self._since[tid] = kept
            else:
                self._since.pop(tid, None)
                self._tgids.pop(tid, None)
        while self._count > _MOST:
            self._count -= len(self._since.pop(next(iter(self._since))))
        self._next_count = self._count + _ENOUGH

    def find_comm(
        self, tid: NDArray[Any], time_ns: I64, test: Callable[[str], bool]
    ) -> NDArray[np.bool_]:
        """Whether the name that each of the threads ``tid`` had at ``time_ns`` passes ``test``;
        what is not known does not."""

        def passes(one: Change) -> bool | None:
            return None if one.comm is None else test(self._comm_of(one.comm, one.time_ns))

        return self._find(tid, time_ns, passes)

    def find_uid(
        self, tid: NDArray[Any], time_ns: I64, test: Callable[[int], bool]
    ) -> NDArray[np.bool_]:
        return self._find(tid, time_ns, lambda one: None if one.uid is None else test(one.uid))

    def find_cgroup(
        self, tid: NDArray[Any], time_ns: I64, test: Callable[[str], bool]
    ) -> NDArray[np.bool_]:
        def passes(one: Change) -> bool | None:
            if one.cgroup is None or isinstance(one.cgroup, str):
                return None if one.cgroup is None else test(one.cgroup)
            return test(self._cgroups.get(one.cgroup, ""))

        return self._find(tid, time_ns, passes)

    def _find(
        self, tid: NDArray[Any], time_ns: I64, passes: Callable[[Change], bool | None]
    ) -> NDArray[np.bool_]:
        """``passes`` answers None for a change of something else."""
        found = np.zeros(len(tid), np.bool_)
        # What a damaged file says may be any number.
        now_ns = time_ns.astype(np.uint64)
        for value, rows in rows_of_each(tid):
            told = [(one.time_ns, passes(one)) for one in list(self._since.get(value, ()))]
            told = [(since_ns, is_it) for since_ns, is_it in told if is_it is not None]
            if any(is_it for _, is_it in told):
                times = np.array([since_ns for since_ns, _ in told], np.uint64)
                answers = np.array([False, *(is_it for _, is_it in told)], np.bool_)
                found[rows] = answers[np.searchsorted(times, now_ns[rows], side="right")]
        return found

    def _comm_of(self, told: str | int, time_ns: int) -> str:
        while isinstance(told, int):
            known = list(self._since.get(told, ()))
            before = known[: bisect_left(known, time_ns, key=_time_of)]
            last = next((one for one in reversed(before) if one.comm is not None), Change(0, ""))
            time_ns, told = last.time_ns, last.comm or ""
        return told

    def _moved_by(self, event: TaskEvent) -> list[int]:
        """The threads that an ATTACH is of."""
        tgid = self._tgids.get(event.other_tid)
        if tgid is None:
            return []
        if not event.is_whole:
            return [event.other_tid]
        return [tid for tid, of in self._tgids.items() if of == tgid]

    def _note(self, tid: int, change: Change) -> None:
        """Once, however often it is told: CPUs tell what they know at different times, and parts
        of a capture are read again."""
        known = self._since.setdefault(tid, [])
        at = bisect_right(known, change.time_ns, key=_time_of)
        if change not in known[max(at - 2, 0) : at]:
            known.insert(at, change)
            self._count += 1
