"""What threads did from one of their events to the next: in which mode, and whether on a CPU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

NO_CALL = -1
"""The call of a kernel thread's time, and of user mode."""

# What an event begins.
USER, KERNEL, RUNNING, BLOCKED, WAITING, BORN, GONE, FOUND = range(8)
_MODES = (USER, KERNEL, BORN)
_PLACES = (RUNNING, BLOCKED, WAITING, BORN, GONE)

_I64 = NDArray[np.int64]
_Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Events:
    """A row an event. Those that are not ``told`` stand for what a thread had begun before."""

    time_ns: NDArray[np.uint64]
    tid: _I64
    code: _I64
    call: _I64
    told: _Mask

    def __len__(self) -> int:
        return self.tid.size

    def take(self, rows: NDArray[Any]) -> Events:
        return Events(*(getattr(self, item.name)[rows] for item in fields(self)))


def join_events(parts: Sequence[Events]) -> Events:
    return Events(
        *(np.concatenate([getattr(part, item.name) for part in parts]) for item in fields(Events))
    )


class Timeline:
    """Of ``events`` by thread, each one's in order of time: ``mode``, ``place`` and
    ``current_call`` from each to the next. ``is_known`` are the rows of threads of which what is
    still to come changes nothing in that."""

    def __init__(self, events: Events, is_kthread: _Mask) -> None:
        self.events = events
        self._is_kthread = is_kthread
        is_new = np.append(True, events.tid[1:] != events.tid[:-1])[: len(events)]
        # Ids are used again.
        self._thread = np.cumsum(is_new | (events.code == BORN))
        self._is_open = np.zeros(len(events), np.bool_)
        self.mode, call = self._modes()
        self.place = self._places()
        self.current_call = np.where(self.mode == KERNEL, call, NO_CALL)

    @property
    def is_known(self) -> _Mask:
        if not len(self._thread):
            return ~self._is_open
        open_threads = np.zeros(int(self._thread[-1]) + 1, np.bool_)
        open_threads[self._thread[self._is_open & ~self._is_over()]] = True
        known: _Mask = ~open_threads[self._thread]
        return known

    def spent_ns(self, end_ns: int | None) -> _I64:
        """From each event to the next of its thread; from the last one to ``end_ns``, or nothing.
        A thread whose id another one has is gone."""
        count, time_ns = len(self.events), self.events.time_ns
        after = np.append(time_ns[1:], np.uint64(0))[:count]
        last = self._is_last()
        after[last] = time_ns[last]
        if end_ns is not None:
            after[last] = np.maximum(np.uint64(end_ns), time_ns[last])
        spent_ns = (after - time_ns).astype(np.int64)
        spent_ns[(self.place == GONE) | (self.place == FOUND)] = 0
        return spent_ns

    def rest(self, is_known: _Mask) -> Events:
        """All of the threads that are not known, and of the others what the last of each has
        begun, at its last event."""
        last = np.flatnonzero(self._is_last() & is_known)
        events = self.events.take(last)
        told = np.zeros(len(last), np.bool_)
        modes = replace(events, code=self.mode[last], call=self.current_call[last], told=told)
        places = replace(events, code=self.place[last], call=np.full_like(last, NO_CALL), told=told)
        return join_events([self.events.take(~is_known), modes, places])

    def _is_last(self) -> _Mask:
        """Of all threads that had an id."""
        tid = self.events.tid
        return np.append(tid[1:] != tid[:-1], True)[: len(tid)]

    def _is_over(self) -> _Mask:
        """Of threads before the last one of their id."""
        tid = self.events.tid
        ends = np.searchsorted(tid, tid, side="right") - 1
        over: _Mask = self._thread[ends] != self._thread
        return over

    def _modes(self) -> tuple[_I64, _I64]:
        code, calls = self.events.code, self.events.call
        before, after = self._nearest(np.isin(code, _MODES))
        # A new thread is inside the call that made it, which its first exit names.
        begun = np.where(before >= 0, code[before], FOUND).astype(np.int64)
        ends = np.where(after >= 0, code[after], FOUND)
        is_inside = (begun == BORN) | (begun == FOUND)
        self._is_open |= is_inside & (after < 0) & ~self._is_kthread
        mode = np.where(is_inside, np.where(ends == USER, KERNEL, USER), begun)
        mode[(begun == BORN) | self._is_kthread] = KERNEL
        call = np.where(is_inside, calls[after], calls[before])
        call[self._is_kthread | (is_inside & (after < 0))] = NO_CALL
        return mode, call

    def _places(self) -> _I64:
        code = self.events.code
        before, after = self._nearest(np.isin(code, _PLACES))
        begun = np.where(before >= 0, code[before], FOUND).astype(np.int64)
        begun[begun == BORN] = WAITING
        self._is_open |= (begun == FOUND) & (after < 0)
        # Who leaves a CPU had one; who gets one was away, mostly in a call that waits.
        ends = np.where(after >= 0, code[after], FOUND)
        earlier = np.where(ends == RUNNING, BLOCKED, RUNNING)
        # Nothing but its being found: it slept all the time, or it ran all the time.
        has_calls = self._nearest(np.isin(code, _MODES))
        is_silent = (after < 0) & (has_calls[0] < 0) & (has_calls[1] < 0)
        earlier[is_silent] = FOUND
        return np.where(begun == FOUND, earlier, begun)

    def _nearest(self, which: _Mask) -> tuple[_I64, _I64]:
        """The last such event of the thread, up to each, and the first one after it; -1: none."""
        thread, count = self._thread, len(which)
        index = np.arange(count)
        before = np.maximum.accumulate(np.where(which, index, -1))
        before = np.where((before >= 0) & (thread[before] == thread), before, -1)
        following = np.minimum.accumulate(np.where(which, index, count)[::-1])[::-1]
        after = np.append(following[1:], count)[:count]
        inside = np.minimum(after, max(count - 1, 0))
        return before, np.where((after < count) & (thread[inside] == thread), after, -1)
