"""Where the time of threads went: user mode, the kernel, blocked, waiting for a CPU.

A call's entry and exit tell the mode, the scheduler's switches whether the thread had a CPU. An
interrupt's time is that of the thread it came in. Of a CPU that goes offline the kernel tells no
more switches: its last thread, the one that takes it down, seems to run until it is back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracectl.abi.records import EXIT_KINDS, NR_BITS, Kind
from tracectl.abi.totals import CpuTotals
from tracectl.analysis.gaps import Gaps
from tracectl.analysis.tasks import TaskEvent, iter_task_events, lives_of
from tracectl.capture.metadata import Calibration, Task
from tracectl.decode.arguments import numbers_of
from tracectl.decode.near import named_by
from tracectl.decode.subbuffer import Records, Rows

NO_CALL = -1
"""``Span.call`` of a kernel thread's time, and of user mode."""
_KTHREADD = 2
_TASK_DEAD = 0x80  # include/linux/sched.h

# What an event begins.
_USER, _KERNEL, _RUNNING, _BLOCKED, _WAITING, _BORN, _GONE, _FOUND = range(8)
_MODES = (_USER, _KERNEL, _BORN)
_PLACES = (_RUNNING, _BLOCKED, _WAITING, _BORN, _GONE)

_I64 = NDArray[np.int64]
_U64 = NDArray[np.uint64]
_Piece = tuple[Rows, Any, Any, Any]
"""Rows of a sub-buffer, and what is there: tid, code and call of each, or of all."""


@dataclass(slots=True)
class Span:
    """Time in ns of one process in user mode (``call`` is NO_CALL) or in one system call, ABI << 32
    | number: on a CPU in user mode and in the kernel, blocked, and ready but without a CPU."""

    tgid: int
    call: int
    calls: int = 0
    user_ns: int = 0
    kernel_ns: int = 0
    blocked_ns: int = 0
    waiting_ns: int = 0

    @property
    def whole_ns(self) -> int:
        return self.user_ns + self.kernel_ns + self.blocked_ns + self.waiting_ns


class Accountant:
    """Takes the sub-buffers of a capture, each CPU's in their order; about 30 bytes an event.
    ``tasks`` are the threads that tracing found alive, ``totals`` the end block's. Of a capture
    that ``is_partial`` only processes with calls are looked at: of others no more is seen than that
    they were next. ``unknown_ns`` is time of threads in which some CPU lost events, which may have
    been theirs: it is nobody's."""

    def __init__(
        self,
        tasks: Iterable[Task] = (),
        totals: Iterable[CpuTotals] = (),
        *,
        is_partial: bool = False,
    ) -> None:
        self.unknown_ns = 0
        self._gaps = Gaps(totals)
        self._tasks = list(tasks)
        self._is_partial = is_partial
        self._parts: list[tuple[_U64, _I64, _I64, _I64]] = []
        self._tgid_of = {task.tid: task.tgid for task in self._tasks}
        self._events: list[TaskEvent] = []
        self._first_ns = (1 << 63) - 1
        self._last_ns = 0

    def add(self, records: Records) -> None:
        self._gaps.add(records.place)
        self._first_ns = min(self._first_ns, records.first_ns)
        self._last_ns = max(self._last_ns, records.last_ns)
        self._events += iter_task_events(records)
        forks = records.rows(Kind.FORK)
        children = records.bodies(Kind.FORK, forks)
        pieces = [
            *_calls_in(records),
            *_switches_in(records),
            (forks, children["tid"], _BORN, NO_CALL),
        ]
        rows = np.concatenate([piece[0] for piece in pieces])
        # Times may be equal; the order of the CPU's records is not.
        order = np.argsort(rows, kind="stable")
        columns = [
            np.concatenate([np.broadcast_to(piece[at], len(piece[0])) for piece in pieces])
            for at in (1, 2, 3)
        ]
        tid, code, call = (column.astype(np.int64)[order] for column in columns)
        self._parts.append((records.time_ns[rows[order]], tid, code, call))
        tids, first = np.unique(records.tid, return_index=True)
        self._tgid_of |= zip(tids.tolist(), records.tgid[first].tolist(), strict=True)
        self._tgid_of |= zip(children["tid"].tolist(), children["tgid"].tolist(), strict=True)

    def spans(self) -> list[Span]:
        """A row a process and call, the one with the most time first. The idle threads are none."""
        found = np.array([task.tid for task in self._tasks], np.int64)
        begins = np.full(len(found), self._first_ns, np.uint64)
        first = begins, found, np.full_like(found, _FOUND), np.full_like(found, NO_CALL)
        time_ns, tid, code, call = (
            np.concatenate(column) for column in zip(first, *self._parts, strict=True)
        )
        order = np.lexsort((time_ns, tid))
        order = order[tid[order] != 0]
        if not len(order):
            return []
        thread = _threads_of(tid[order], code[order])
        mine = _Timeline(time_ns[order], thread, code[order], call[order])
        return self._sum(mine, tid[order])

    def comms(self) -> dict[int, str]:
        """What each process was called last, by its id."""
        lives = lives_of(self._tasks, self._events)
        return {life.tgid: life.comm for life in lives if life.tid == life.tgid}

    def _sum(self, line: _Timeline, tid: _I64) -> list[Span]:
        tids, which = np.unique(tid, return_inverse=True)
        tgid = np.array([self._tgid_of.get(one, one) for one in tids.tolist()], np.int64)[which]
        kernel_threads = {task.tgid for task in self._tasks if task.ppid == _KTHREADD}
        is_kthread = np.isin(tgid, list(kernel_threads | {_KTHREADD}))
        spent_ns, mode, place, call = line.spent(self._last_ns, is_kthread)
        lost = self._gaps.between(line.time_ns, line.time_ns + spent_ns.view(np.uint64))
        self.unknown_ns = int(spent_ns[lost].sum())
        spent_ns[lost] = 0
        keys, group = np.unique(np.stack((tgid, call)), axis=1, return_inverse=True)
        group = group.reshape(-1)

        def total(weights: NDArray[Any]) -> list[int]:
            sums: list[int] = np.bincount(group, weights, keys.shape[1]).astype(np.int64).tolist()
            return sums

        columns = (
            *keys.tolist(),
            total(line.entered),
            total(spent_ns * ((place == _RUNNING) & (mode == _USER))),
            total(spent_ns * ((place == _RUNNING) & (mode == _KERNEL))),
            total(spent_ns * (place == _BLOCKED)),
            total(spent_ns * (place == _WAITING)),
        )
        rows = [Span(*values) for values in zip(*columns, strict=True)]
        if self._is_partial:
            callers = {row.tgid for row in rows if row.calls}
            rows = [row for row in rows if row.tgid in callers]
        return sorted(
            (row for row in rows if row.calls or row.whole_ns), key=lambda row: -row.whole_ns
        )


def _calls_in(records: Records) -> Iterator[_Piece]:
    entries = records.rows(Kind.ENTRY)
    abi = records.id[entries].astype(np.int64) >> NR_BITS
    yield entries, records.tid[entries], _KERNEL, _key(abi, numbers_of(records, entries))
    exits = records.rows(*EXIT_KINDS)
    ids = records.id[named_by(records, exits)].astype(np.int64)
    yield exits, records.tid[exits], _USER, _key(ids >> NR_BITS, ids & (1 << NR_BITS) - 1)


def _switches_in(records: Records) -> Iterator[_Piece]:
    rows = records.rows(Kind.SWITCH)
    bodies = records.bodies(Kind.SWITCH, rows)
    state = bodies["state"]
    left = np.where(state == 0, _WAITING, np.where(state & _TASK_DEAD, _GONE, _BLOCKED))
    yield rows, records.tid[rows], left, NO_CALL
    yield rows, bodies["next_tid"], _RUNNING, NO_CALL


def _key(abi: _I64, nr: _I64) -> _I64:
    return abi << 32 | nr & 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class _Timeline:
    """All events, thread by thread in order of time."""

    time_ns: _U64
    thread: _I64
    code: _I64
    call: _I64

    @property
    def entered(self) -> NDArray[np.bool_]:
        entered: NDArray[np.bool_] = self.code == _KERNEL
        return entered

    def spent(self, end_ns: int, is_kthread: NDArray[np.bool_]) -> tuple[_I64, _I64, _I64, _I64]:
        """The ns from each event to the next of its thread, and the mode, place and call then."""
        count = len(self.thread)
        is_last = np.append(self.thread[1:] != self.thread[:-1], True)[:count]
        after = np.append(self.time_ns[1:], np.uint64(end_ns))[:count]
        after[is_last] = np.maximum(np.uint64(end_ns), self.time_ns[is_last])
        spent_ns = (after - self.time_ns).astype(np.int64)
        mode, call = self._modes(is_kthread)
        place = self._places()
        spent_ns[(place == _GONE) | (place == _FOUND)] = 0
        return spent_ns, mode, place, np.where(mode == _KERNEL, call, NO_CALL)

    def _modes(self, is_kthread: NDArray[np.bool_]) -> tuple[_I64, _I64]:
        before, after = self._nearest(np.isin(self.code, _MODES))
        # A new thread is inside the call that made it, which its first exit names.
        begun = np.where(before >= 0, self.code[before], _FOUND).astype(np.int64)
        ends = np.where(after >= 0, self.code[after], _FOUND)
        is_inside = (begun == _BORN) | (begun == _FOUND)
        mode = np.where(is_inside, np.where(ends == _USER, _KERNEL, _USER), begun)
        mode[(begun == _BORN) | is_kthread] = _KERNEL
        call = np.where(is_inside, self.call[after], self.call[before])
        call[is_kthread | (is_inside & (after < 0))] = NO_CALL
        return mode, call

    def _places(self) -> _I64:
        before, after = self._nearest(np.isin(self.code, _PLACES))
        begun = np.where(before >= 0, self.code[before], _FOUND).astype(np.int64)
        begun[begun == _BORN] = _WAITING
        # Who leaves a CPU had one; who gets one was away, mostly in a call that waits.
        ends = np.where(after >= 0, self.code[after], _FOUND)
        earlier = np.where(ends == _RUNNING, _BLOCKED, _RUNNING)
        # Nothing but its being found: it slept all the time, or it ran all the time.
        has_calls = self._nearest(np.isin(self.code, _MODES))
        is_silent = (after < 0) & (has_calls[0] < 0) & (has_calls[1] < 0)
        earlier[is_silent] = _FOUND
        return np.where(begun == _FOUND, earlier, begun)

    def _nearest(self, which: NDArray[np.bool_]) -> tuple[_I64, _I64]:
        """The last such event of the thread, up to each, and the first one after it; -1: none."""
        count = len(which)
        index = np.arange(count)
        before = np.maximum.accumulate(np.where(which, index, -1))
        before = np.where((before >= 0) & (self.thread[before] == self.thread), before, -1)
        following = np.minimum.accumulate(np.where(which, index, count)[::-1])[::-1]
        after = np.append(following[1:], count)[:count]
        inside = np.minimum(after, max(count - 1, 0))
        return before, np.where((after < count) & (self.thread[inside] == self.thread), after, -1)


def _threads_of(tid: _I64, code: _I64) -> _I64:
    """A number for each thread: ids are used again."""
    is_new = np.append(True, tid[1:] != tid[:-1])[: len(tid)] | (code == _BORN)
    return np.cumsum(is_new)


def without_tracer(spans: Iterable[Span], calibration: Calibration) -> None:
    """Takes what recording the calls took out of ``spans``, down to 0."""
    calls: dict[int, int] = {}
    for span in spans:
        calls[span.tgid] = calls.get(span.tgid, 0) + span.calls
    for span in spans:
        inside_ns = round(span.calls * calibration.inside_ns)
        span.kernel_ns = max(0, span.kernel_ns - inside_ns)
        if span.call == NO_CALL:
            outside_ns = round(calls[span.tgid] * calibration.outside_ns)
            span.user_ns = max(0, span.user_ns - outside_ns)
