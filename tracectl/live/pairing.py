"""Entries and exits that are not in the same place, paired by thread as sub-buffers come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tracectl.analysis.gaps import Gaps
from tracectl.analysis.halves import Half
from tracectl.analysis.matching import match
from tracectl.decode.subbuffer import Records
from tracectl.live.page import EXIT, I64, Far

_MAX_OPEN = 1 << 17


@dataclass(frozen=True, slots=True)
class Pairs:
    """Calls that ended: their entries, and when and with what they ended."""

    entries: Far
    exit_ns: I64
    result: I64


class Pairing:
    """Keeps what has no partner yet. ``orphans`` are exits whose entry never came, but for a
    new thread's return from the call that its parent made, ``unfinished``
    entries whose exit did not: their thread entered another call or ended, events were lost in
    between, or there were too many.

    As tracectl.analysis.pairing, of calls that stay in their pages: what ends gets only its result.
    """

    def __init__(self) -> None:
        self.orphans = 0
        self.unfinished = 0
        self._rest = _empty()
        self._gaps = Gaps()
        self._renames: list[tuple[int, int, int]] = []
        self._newborn: dict[int, None] = {}

    @property
    def waiting(self) -> int:
        return len(self._rest)

    def note(self, records: Records) -> None:
        """Of each sub-buffer, in its CPU's order: where events were lost, nothing is paired."""
        self._gaps.add(records.place)

    def rename(self, when_ns: int, old_tid: int, new_tid: int) -> None:
        """An exec in a thread other than the leader: its open call ends under the leader's id."""
        self._renames.append((when_ns, old_tid, new_tid))

    def bear(self, tid: int) -> None:
        """A new thread, which returns first: nothing tells of that where it is filtered out."""
        self._newborn[tid] = None
        if len(self._newborn) > _MAX_OPEN:
            del self._newborn[next(iter(self._newborn))]

    def add(self, parts: Sequence[Far], settled_ns: int) -> Pairs:
        """Pairs what is older than ``settled_ns``, up to which all of each CPU has been added: what
        is newer may have something in between that has not come yet."""
        events = _join([self._rest, *parts])
        is_later = events.time_ns >= settled_ns
        later, events = _take(events, is_later), _take(events, ~is_later)
        tid = self._renamed(events, settled_ns)
        order = np.lexsort((events.index == EXIT, events.time_ns, tid))
        events = _take(events, order)
        events.tid[:] = tid[order]
        is_exit = events.index == EXIT
        half = np.where(events.index >= 0, np.uint8(Half.ENTRY), np.uint8(Half.END))
        owner, still = match(np.arange(len(half)), events.tid, half)
        exits = np.flatnonzero(is_exit & (owner >= 0))
        exits = exits[~self._is_lost_between(events.time_ns[owner[exits]], events.time_ns[exits])]
        entries = _take(events, owner[exits])
        is_exit[exits] = False
        self._count_orphans(events.tid[is_exit].tolist())
        left = _take(events, still)
        # An exit that comes after a gap may be of another call.
        left = _take(left, ~self._is_lost_between(left.time_ns, np.full(len(left), settled_ns)))
        left = self._newest(left)
        self.unfinished += int((events.index >= 0).sum()) - len(exits) - len(left)
        self._gaps.forget(settled_ns)
        self._rest = _join([left, later])
        return Pairs(entries, events.time_ns[exits], events.result[exits])

    def _count_orphans(self, tids: Sequence[int]) -> None:
        for tid in tids:
            if tid in self._newborn:
                del self._newborn[tid]
            else:
                self.orphans += 1

    def _newest(self, entries: Far) -> Far:
        surplus = len(entries) - _MAX_OPEN
        return entries if surplus <= 0 else _take(entries, np.argsort(entries.time_ns)[surplus:])

    def _renamed(self, events: Far, settled_ns: int) -> I64:
        tid = events.tid.copy()
        later = []
        for when_ns, old_tid, new_tid in self._renames:
            if when_ns >= settled_ns:
                later.append((when_ns, old_tid, new_tid))
                continue
            tid[(tid == old_tid) & (events.time_ns <= when_ns)] = new_tid
        self._renames = later
        return tid

    def _is_lost_between(self, from_ns: I64, to_ns: I64) -> np.ndarray:
        return self._gaps.between(from_ns.astype(np.uint64), to_ns.astype(np.uint64))


def _join(parts: Sequence[Far]) -> Far:
    return Far(*(np.concatenate([getattr(part, name) for part in parts]) for name in _COLUMNS))


def _take(events: Far, rows: np.ndarray) -> Far:
    return Far(*(getattr(events, name)[rows] for name in _COLUMNS))


def _empty() -> Far:
    return Far(*(np.zeros(0, np.int64) for _ in _COLUMNS))


_COLUMNS = tuple(Far.__slots__)
