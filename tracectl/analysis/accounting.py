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
from tracectl.analysis.timeline import (
    BLOCKED,
    BORN,
    FOUND,
    GONE,
    KERNEL,
    NO_CALL,
    RUNNING,
    USER,
    WAITING,
    Events,
    Timeline,
    join_events,
)
from tracectl.capture.metadata import Calibration, Task
from tracectl.decode.arguments import numbers_of
from tracectl.decode.near import named_by
from tracectl.decode.subbuffer import Records, Rows

_KTHREADD = 2
_TASK_DEAD = 0x80  # include/linux/sched.h

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
    """Takes the sub-buffers of a capture, each CPU's in their order. ``tasks`` are the threads that
    tracing found alive, ``totals`` the end block's. Of a capture that ``is_partial`` only processes
    with calls are looked at: of others no more is seen than that they were next. ``unknown_ns`` is
    time of threads in which some CPU lost events, which may have been theirs: it is nobody's.

    ``advance`` sums up what is settled. What is held then is the last of each thread, and all of
    those of which nothing has told yet where they were when they were found."""

    def __init__(
        self,
        tasks: Iterable[Task] = (),
        totals: Iterable[CpuTotals] = (),
        *,
        is_partial: bool = False,
    ) -> None:
        totals = list(totals)
        self.unknown_ns = 0
        self.waiting = 0
        self._gaps = Gaps(totals)
        self._tasks = list(tasks)
        self._is_partial = is_partial
        # Entries that were withheld come when others after them have been summed up.
        self._may_advance = not any(
            counts.withheld for cpu in totals for counts in cpu.syscalls.values()
        )
        self._parts: list[Events] = []
        self._held: Events | None = None
        self._sums: dict[tuple[int, int], NDArray[np.int64]] = {}
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
            (forks, children["tid"], BORN, NO_CALL),
        ]
        rows = np.concatenate([piece[0] for piece in pieces])
        # Times may be equal; the order of the CPU's records is not.
        order = np.argsort(rows, kind="stable")
        columns = [
            np.concatenate([np.broadcast_to(piece[at], len(piece[0])) for piece in pieces])
            for at in (1, 2, 3)
        ]
        tid, code, call = (column.astype(np.int64)[order] for column in columns)
        told = np.ones(len(order), np.bool_)
        self._parts.append(Events(records.time_ns[rows[order]], tid, code, call, told))
        self.waiting += len(order)
        tids, first = np.unique(records.tid, return_index=True)
        self._tgid_of |= zip(tids.tolist(), records.tgid[first].tolist(), strict=True)
        self._tgid_of |= zip(children["tid"].tolist(), children["tgid"].tolist(), strict=True)

    def advance(self, settled_ns: int) -> None:
        """Each CPU's sub-buffers up to there have been added."""
        if not self._may_advance:
            return
        ready, later = [], []
        for part in self._parts:
            is_ready = part.time_ns < np.uint64(settled_ns)
            ready.append(part.take(is_ready))
            later.append(part.take(~is_ready))
        self._parts = [part for part in later if len(part)]
        self._sum_up(ready, is_end=False)
        self.waiting = sum(map(len, self._parts))

    def spans(self) -> list[Span]:
        """A row a process and call, the one with the most time first. The idle threads are none."""
        self._sum_up(self._parts, is_end=True)
        self._parts = []
        sums: dict[tuple[int, int], NDArray[np.int64]] = {}
        for (tgid, call), values in self._sums.items():
            # Of a thread whose process was told later.
            key = (tgid if tgid >= 0 else self._tgid_of.get(-tgid, -tgid), call)
            sums[key] = sums.get(key, 0) + values
        rows = [Span(*key, *values.tolist()) for key, values in sums.items()]
        if self._is_partial:
            callers = {row.tgid for row in rows if row.calls}
            rows = [row for row in rows if row.tgid in callers]
        return sorted(
            (row for row in rows if row.calls or row.whole_ns),
            key=lambda row: (-row.whole_ns, row.tgid, row.call),
        )

    def comms(self) -> dict[int, str]:
        """What each process was called last, by its id."""
        lives = lives_of(self._tasks, self._events)
        return {life.tgid: life.comm for life in lives if life.tid == life.tgid}

    def _found(self) -> Events:
        """The threads that tracing found, from its first moment on."""
        tid = np.array([task.tid for task in self._tasks], np.int64)
        begins = np.full(len(tid), self._first_ns, np.uint64)
        told = np.zeros(len(tid), np.bool_)
        return Events(begins, tid, np.full_like(tid, FOUND), np.full_like(tid, NO_CALL), told)

    def _sum_up(self, parts: list[Events], *, is_end: bool) -> None:
        held = self._found() if self._held is None else self._held
        events = join_events([held, *parts])
        order = np.lexsort((events.time_ns, events.tid))
        events = events.take(order[events.tid[order] != 0])
        tids, which = np.unique(events.tid, return_inverse=True)
        tgid = np.array([self._tgid_of.get(one, -one) for one in tids.tolist()], np.int64)[which]
        kernel_threads = {task.tgid for task in self._tasks if task.ppid == _KTHREADD}
        is_kthread = np.isin(tgid, list(kernel_threads | {_KTHREADD}))
        line = Timeline(events, is_kthread)
        is_known = np.ones(len(events), np.bool_) if is_end else line.is_known
        spent_ns = line.spent_ns(self._last_ns if is_end else None)
        spent_ns[~is_known] = 0
        lost = self._gaps.between(events.time_ns, events.time_ns + spent_ns.view(np.uint64))
        self.unknown_ns += int(spent_ns[lost].sum())
        spent_ns[lost] = 0
        entered = events.told & (events.code == KERNEL) & is_known
        self._add(tgid, line, entered, spent_ns)
        self._held = None if is_end else line.rest(is_known)

    def _add(self, tgid: _I64, line: Timeline, entered: NDArray[np.bool_], spent_ns: _I64) -> None:
        rows = np.flatnonzero(entered | (spent_ns > 0))
        keys, group = np.unique(
            np.stack((tgid[rows], line.current_call[rows])), axis=1, return_inverse=True
        )
        group, spent_ns = group.reshape(-1), spent_ns[rows]
        mode, place = line.mode[rows], line.place[rows]
        weights = (
            entered[rows],
            spent_ns * ((place == RUNNING) & (mode == USER)),
            spent_ns * ((place == RUNNING) & (mode == KERNEL)),
            spent_ns * (place == BLOCKED),
            spent_ns * (place == WAITING),
        )
        sums = np.stack([np.bincount(group, one, keys.shape[1]) for one in weights], axis=1)
        for (one, call), values in zip(keys.T.tolist(), sums.astype(np.int64), strict=True):
            self._sums[one, call] = self._sums.get((one, call), 0) + values


def _calls_in(records: Records) -> Iterator[_Piece]:
    entries = records.rows(Kind.ENTRY)
    abi = records.id[entries].astype(np.int64) >> NR_BITS
    yield entries, records.tid[entries], KERNEL, _key(abi, numbers_of(records, entries))
    exits = records.rows(*EXIT_KINDS)
    ids = records.id[named_by(records, exits)].astype(np.int64)
    yield exits, records.tid[exits], USER, _key(ids >> NR_BITS, ids & (1 << NR_BITS) - 1)


def _switches_in(records: Records) -> Iterator[_Piece]:
    rows = records.rows(Kind.SWITCH)
    bodies = records.bodies(Kind.SWITCH, rows)
    state = bodies["state"]
    left = np.where(state == 0, WAITING, np.where(state & _TASK_DEAD, GONE, BLOCKED))
    yield rows, records.tid[rows], left, NO_CALL
    yield rows, bodies["next_tid"], RUNNING, NO_CALL


def _key(abi: _I64, nr: _I64) -> _I64:
    return abi << 32 | nr & 0xFFFFFFFF


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
