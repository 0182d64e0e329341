"""Entries paired with exits, thread by thread, as sub-buffers come.

What is held: the open call of each thread, and of each CPU what is later than the moment that all
CPUs have reached.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tracectl.abi.totals import CpuTotals
from tracectl.analysis.calls import Calls, State, join_calls, sort_calls
from tracectl.analysis.codes import arrange
from tracectl.analysis.gaps import FOREVER_NS, Gaps
from tracectl.analysis.halves import Half, Halves, join_halves, no_halves, split_calls
from tracectl.analysis.matching import match
from tracectl.decode.arguments import Shapes
from tracectl.decode.subbuffer import Place, Records, Rows

_MOST_EARLY = 1 << 14

_ENDS_CALL = np.zeros(256, np.bool_)
_ENDS_CALL[[Half.EXIT, Half.SURE_EXIT]] = True


class Pairing:
    """An exit that knows its entry pairs with that one; others with the thread's open call, if
    nothing was lost in between on any CPU.

    Without ``shapes`` the calls have neither arguments nor copies.

    ``horizon_ns``: all calls that began before it have been given out, but for those told only at
    their end, which are given out then. ``totals`` and ``doubt_ns`` are those of Gaps; a live
    source has neither.
    """

    def __init__(
        self,
        shapes: Shapes | None,
        totals: Iterable[CpuTotals] | None = None,
        doubt_ns: int = FOREVER_NS,
    ) -> None:
        self.horizon_ns = 0
        self._shapes = shapes
        self._gaps = Gaps(totals, doubt_ns)
        self._waiting: list[Halves] = []
        self._open = no_halves(self._shapes)
        # Copies of calls that are told only when they end.
        self._early: Halves | None = None

    def add(self, records: Records) -> Calls:
        """The next sub-buffer of its CPU; answers the calls that stand whole in it. DecodeError
        when it contradicts itself: nothing was taken of it then."""
        whole, left = split_calls(records, self._shapes)
        self.add_halves(records.place, left)
        return whole

    def add_halves(self, place: Place, left: Halves) -> None:
        """What somebody else has left of the sub-buffer that is at ``place``."""
        last_ns = self._gaps.add(place)
        if place.first_ns < last_ns:
            # Damage; a CPU's halves have to be in order.
            left = replace(left, time_ns=np.maximum(left.time_ns, np.uint64(last_ns)))
        if self._early is None and bool((left.half == Half.SURE_EXIT).any()):
            self._early = no_halves(self._shapes)
        if len(left):
            self._waiting.append(left)

    def advance(self, settled_ns: int) -> Calls:
        """Pairs what is older than ``settled_ns``: each CPU's sub-buffers up to there have been
        added, and one that is later."""
        ready, later = [], []
        for part in self._waiting:
            cut = int(np.searchsorted(part.told_ns, np.uint64(settled_ns)))
            if cut:
                ready.append(part[:cut])
            if cut < len(part):
                later.append(part[cut:])
        self._waiting = later
        done = self._pair_all(ready)
        done.append(self._give_up(settled_ns))
        # Only a gap that goes on can still matter to calls that are open.
        self._gaps.forget(settled_ns)
        oldest_ns = int(self._open.time_ns.min(initial=np.uint64(FOREVER_NS)))
        self.horizon_ns = min(settled_ns, oldest_ns)
        return join_calls(done)

    def finish(self) -> Calls:
        """The rest; what is open has no exit."""
        done = self._pair_all(self._waiting)
        done.append(_unfinished(self._open))
        self._waiting, self._open = [], no_halves(self._shapes)
        self.horizon_ns = FOREVER_NS
        return join_calls(done)

    def _pair_all(self, parts: list[Halves]) -> list[Calls]:
        if not any(bool((part.half == Half.RENAME).any()) for part in parts):
            return self._pair(parts)
        events = join_halves(parts)
        renames = events[events.half == Half.RENAME]
        events = events[events.half != Half.RENAME]
        done: list[Calls] = []
        for row in np.argsort(renames.time_ns, kind="stable").tolist():
            is_before = events.time_ns <= renames.time_ns[row]
            done += self._pair([events[is_before]])
            done.append(self._rename(int(renames.value[row]), int(renames.tid[row])))
            events = events[~is_before]
        return done + self._pair([events])

    def _pair(self, parts: list[Halves]) -> list[Calls]:
        if not sum(map(len, parts)):
            return []
        tids = np.concatenate([part.tid for part in parts])
        touched = _is_of(self._open, tids)
        events = join_halves([self._open[touched], *self._take_early(tids), *parts])
        order = arrange(events.tid, events.time_ns)
        owner, still = match(order, events.tid, events.half)
        half = events.half[order]
        inside = owner >= 0
        if self._early is not None:
            self._keep_early(events[order], ~inside)
        is_exit = _ENDS_CALL[half]
        wanted = np.flatnonzero(inside & (is_exit | (half == Half.COPY)))
        rows, owners = order[wanted], owner[wanted]
        sure = ~self._gaps.between(events.time_ns[owners], events.time_ns[rows])
        sure |= half[wanted] == Half.SURE_EXIT
        rows, owners, ends = rows[sure], owners[sure], is_exit[wanted[sure]]
        for row, of in zip(rows[~ends].tolist(), owners[~ends].tolist(), strict=True):
            events.copies[of] = (events.copies[of] or ()) + events.copies[row]
        exits, entries = rows[ends], owners[ends]
        alone = events.half == Half.ENTRY
        alone[entries] = alone[still] = False
        unentered = _ENDS_CALL[events.half]
        unentered[exits] = False
        self._open = join_halves([self._open[~touched], events[still]])
        return [
            _calls_of(events, entries, exits),
            _calls_of(events, np.flatnonzero(alone), None),
            _calls_of(events, None, np.flatnonzero(unentered)),
        ]

    def _take_early(self, tids: NDArray[np.int64]) -> list[Halves]:
        """The early copies of the threads ``tids``."""
        if self._early is None or not len(self._early):
            return []
        touched = _is_of(self._early, tids)
        taken, self._early = self._early[touched], self._early[~touched]
        return [taken]

    def _keep_early(self, events: Halves, outside: NDArray[np.bool_]) -> None:
        """Copies ``outside`` of calls, and after all else of their thread. ``events`` are in order
        of their threads."""
        assert self._early is not None
        is_copy = events.half == Half.COPY
        count = len(events)
        ahead = np.where(is_copy, count, np.arange(count))
        following = np.minimum.accumulate(ahead[::-1])[::-1]
        is_last = following == count
        is_last |= events.tid[np.minimum(following, count - 1)] != events.tid
        kept = join_halves([self._early, events[is_copy & outside & is_last]])
        # A thread may make none but calls that are filtered out.
        self._early = kept[np.argsort(kept.time_ns, kind="stable")[-_MOST_EARLY:]]

    def _rename(self, old_tid: int, new_tid: int) -> Calls:
        """What was open of ``new_tid``, the leader that is gone, does not end."""
        gone = self._open.tid == new_tid
        ended = self._open[gone]
        self._open = self._open[~gone]
        self._open.tid[self._open.tid == old_tid] = new_tid
        return _unfinished(ended)

    def _give_up(self, settled_ns: int) -> Calls:
        """No exit pairs with a call that a gap followed."""
        times = self._open.time_ns
        lost = self._gaps.between(times, np.full(len(times), settled_ns, np.uint64))
        ended = self._open[lost]
        if len(ended):
            self._open = self._open[~lost]
        return _unfinished(ended)


def _calls_of(events: Halves, entries: Rows | None, exits: Rows | None) -> Calls:
    """A row a pair of rows of ``events``; None stands for halves that are not there."""
    begin = entries if entries is not None else exits
    end = exits if exits is not None else entries
    assert begin is not None
    assert end is not None
    nothing: NDArray[np.int64] = np.zeros(len(begin), np.int64)
    if entries is None:
        state = State.NO_ENTRY
    else:
        state = State.UNFINISHED if exits is None else State.PAIRED
    copies = events.copies[begin]
    with_copies = np.flatnonzero(copies.astype(np.bool_)).tolist()
    return Calls(
        tid=events.tid[end],
        tgid=events.tgid[begin],
        abi=events.abi[begin],
        nr=events.nr[begin],
        entry_ns=nothing.view(np.uint64) if entries is None else events.time_ns[entries],
        exit_ns=nothing.view(np.uint64) if exits is None else events.time_ns[exits],
        result=nothing if exits is None else events.value[exits],
        state=np.full(len(begin), state, np.uint8),
        cpu=events.cpu[end],
        arguments=events.arguments[begin],
        copies=[copy for row in with_copies for copy in copies[row]],
        copy_row=[row for row in with_copies for _ in copies[row]],
        entry_cpu=None if entries is None or exits is None else events.cpu[entries],
    )


def _is_of(held: Halves, tids: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of those held are of the threads ``tids``."""
    # Not asked before the first call is shown: numpy imports its masked arrays for it.
    return np.isin(held.tid, tids) if len(held) else np.zeros(0, np.bool_)


def _unfinished(entries: Halves) -> Calls:
    return _calls_of(entries, np.arange(len(entries)), None)


def pair_calls(
    all_records: Iterable[Records], shapes: Shapes, totals: Iterable[CpuTotals] | None
) -> Calls:
    """The calls of sub-buffers that are all at hand, in order of time."""
    pairing = Pairing(shapes, totals)
    blocks = [pairing.add(records) for records in all_records]
    return sort_calls(join_calls([*blocks, pairing.finish()]))
