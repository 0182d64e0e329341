"""Entries and exits that are not in the same place, paired by thread as sub-buffers come."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tracectl.decode.subbuffer import Records
from tracectl.live.page import EXIT, I64, Far

_MAX_OPEN = 1 << 17
_MAX_GAPS = 1 << 10


@dataclass(frozen=True, slots=True)
class Pairs:
    """Calls that ended: their entries, and when and with what they ended."""

    entries: Far
    exit_ns: I64
    result: I64


class Pairing:
    """Keeps what has no partner yet. ``orphans`` are exits whose entry never came, ``unfinished``
    entries whose exit did not: their thread entered another call or ended, events were lost in
    between, or there were too many."""

    def __init__(self) -> None:
        self.orphans = 0
        self.unfinished = 0
        self._rest = _empty()
        self._last: dict[int, tuple[int, int, int]] = {}
        self._gaps: list[tuple[int, int]] = []
        self._renames: list[tuple[int, int, int]] = []

    @property
    def waiting(self) -> int:
        return len(self._rest)

    def note(self, records: Records) -> None:
        """Of each sub-buffer, in its CPU's order: where events were lost, nothing is paired."""
        lost, seq, last_ns = self._last.get(records.cpu, (0, -1, 0))
        if sum(records.lost) != lost or (records.seq != seq + 1 and seq >= 0):
            insort(self._gaps, (last_ns, records.first_ns))
            del self._gaps[:-_MAX_GAPS]
        self._last[records.cpu] = (sum(records.lost), records.seq, records.last_ns)

    def rename(self, when_ns: int, old_tid: int, new_tid: int) -> None:
        """An exec in a thread other than the leader: its open call ends under the leader's id."""
        self._renames.append((when_ns, old_tid, new_tid))

    def add(self, parts: Sequence[Far], settled_ns: int) -> Pairs:
        """Pairs what is older than ``settled_ns``, up to which all of each CPU has been added: what
        is newer may have something in between that has not come yet."""
        events = _join([self._rest, *parts])
        is_later = events.time_ns >= settled_ns
        later, events = _take(events, is_later), _take(events, ~is_later)
        tid = self._renamed(events, settled_ns)
        order = np.lexsort((events.index == EXIT, events.time_ns, tid))
        events, tid = _take(events, order), tid[order]
        is_entry, is_exit = events.index >= 0, events.index == EXIT
        same = tid[1:] == tid[:-1]
        follows = np.zeros(len(events), np.bool_)
        follows[1:] = is_entry[:-1] & is_exit[1:] & same
        exits = np.flatnonzero(follows)
        exits = exits[~self._overlaps_gap(events.time_ns[exits - 1], events.time_ns[exits])]
        is_open = is_entry.copy()
        is_open[:-1] &= ~same
        self.unfinished += int(is_entry.sum() - is_open.sum()) - len(exits)
        self.orphans += int(is_exit.sum()) - len(exits)
        events.tid[:] = tid
        self._rest = _join([self._newest(_take(events, is_open)), later])
        return Pairs(_take(events, exits - 1), events.time_ns[exits], events.result[exits])

    def _newest(self, entries: Far) -> Far:
        surplus = len(entries) - _MAX_OPEN
        if surplus <= 0:
            return entries
        self.unfinished += surplus
        return _take(entries, np.argsort(entries.time_ns)[surplus:])

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

    def _overlaps_gap(self, from_ns: I64, to_ns: I64) -> np.ndarray:
        found = np.zeros(len(from_ns), np.bool_)
        for start, end in self._gaps:
            found |= (start < to_ns) & (end > from_ns)
        return found


def _join(parts: Sequence[Far]) -> Far:
    return Far(*(np.concatenate([getattr(part, name) for part in parts]) for name in _COLUMNS))


def _take(events: Far, rows: np.ndarray) -> Far:
    return Far(*(getattr(events, name)[rows] for name in _COLUMNS))


def _empty() -> Far:
    return Far(*(np.zeros(0, np.int64) for _ in _COLUMNS))


_COLUMNS = tuple(Far.__slots__)
