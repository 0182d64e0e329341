"""The course of things over time: events and losses by CPU, durations of calls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracectl.abi.records import FRAMING_KINDS
from tracectl.analysis.histogram import OCTAVES, octave_of
from tracectl.decode.subbuffer import Records
from tracectl.live.ended import Ended
from tracectl.live.page import I64
from tracectl.live.ring import TimeRing

LENGTH = 300


@dataclass(frozen=True, slots=True)
class Course:
    """By bucket of time, oldest first; ``first`` is the number of the oldest bucket.

    ``events`` has shape (n, CPUs), n being LENGTH unless it was folded; ``heat`` has the calls that
    ended then, by octave of their duration in ns, shape (n, OCTAVES).
    """

    first: int
    width_ns: int
    events: I64
    heat: I64

    @property
    def rate(self) -> NDArray[np.float64]:
        """Events a second of all CPUs."""
        rate: NDArray[np.float64] = self.events.sum(axis=1) * (1e9 / self.width_ns)
        return rate

    def folded(self, buckets: int) -> Course:
        """Into ``buckets`` or fewer, each of as many of these together; those before the first
        event are left out."""
        used = np.flatnonzero(self.events.any(axis=1) | self.heat.any(axis=1))
        start = int(used[0]) if len(used) else LENGTH - 1
        factor = -(-(LENGTH - start) // max(buckets - 1, 1))
        first = (self.first + start) // factor
        group = np.arange(self.first, self.first + LENGTH) // factor - first
        kept = group >= 0
        count = int(group[-1]) + 1
        events = np.zeros((count, self.events.shape[1]), np.int64)
        heat = np.zeros((count, self.heat.shape[1]), np.int64)
        np.add.at(events, group[kept], self.events[kept])
        np.add.at(heat, group[kept], self.heat[kept])
        return Course(first, self.width_ns * factor, events, heat)


class History:
    def __init__(self, cpus: int, width_ns: int) -> None:
        self.width_ns = width_ns
        self._events = TimeRing((cpus,), LENGTH)
        self._heat = TimeRing((OCTAVES,), LENGTH)

    @property
    def newest(self) -> int:
        return self._events.newest

    def add_records(self, records: Records, span_ns: tuple[int, int] | None) -> None:
        """Its events, of the time between ``span_ns`` where that is given."""
        events = ~np.isin(records.kind, list(FRAMING_KINDS))
        if span_ns is not None:
            events &= (records.time_ns >= span_ns[0]) & (records.time_ns < span_ns[1])
        buckets = records.time_ns[events].astype(np.int64) // self.width_ns
        self._events.add(buckets, np.full(len(buckets), records.cpu))

    def add_ends(self, ended: Ended) -> None:
        buckets = ended.exit_ns // self.width_ns
        self._heat.add(buckets, np.minimum(octave_of(ended.buckets), OCTAVES - 1))

    def add_counts(self, bucket: int, events: I64, heat: I64) -> None:
        """What was counted in one bucket: ``events`` by CPU, ``heat`` by octave."""
        for ring, counts in ((self._events, events), (self._heat, heat)):
            places = np.flatnonzero(counts)
            ring.add(np.full(len(places), bucket), places, weights=counts[places])

    def advance(self, bucket: int) -> None:
        self._events.advance(bucket)
        self._heat.advance(bucket)

    def course(self) -> Course:
        self._heat.advance(self._events.newest)
        self._events.advance(self._heat.newest)
        return Course(
            first=self._events.newest - LENGTH + 1,
            width_ns=self.width_ns,
            events=self._events.last(LENGTH),
            heat=self._heat.last(LENGTH),
        )
