"""Counts by key, for a table that is sorted by them: bounded, with what was given up as a sum."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tracectl.analysis.codes import codes_of, count_into
from tracectl.analysis.histogram import TIMED_BUCKETS, quantiles_of_rows
from tracectl.live.ended import Ended
from tracectl.live.ring import TimeRing

WINDOW = 10
"""Buckets of time that count as now."""
HISTORY = 60
"""Buckets of time that a sparkline shows."""
_START = 64
_QUANTILES = (0.5, 0.95, 0.99)

I64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Table:
    """A copy of a ranking's rows, a column each. ``recent`` are calls in the last WINDOW buckets,
    ``history`` calls by bucket, oldest first, shape (n, HISTORY); ``percentiles`` p50, p95 and p99
    in ns, shape (n, 3), all 0 where the ranking has no histograms. Times in ns.
    ``dropped_rows`` and ``dropped_calls`` are what the ranking has given up."""

    key: I64
    calls: I64
    errors: I64
    total_ns: I64
    size_bytes: I64
    recent: I64
    history: NDArray[np.int32]
    percentiles: I64
    dropped_rows: int = 0
    dropped_calls: int = 0

    def __len__(self) -> int:
        return len(self.key)

    def take(self, rows: NDArray[np.intp]) -> Table:
        """Only these."""
        arrays = [name for name in Table.__slots__ if not name.startswith("dropped")]
        return replace(self, **{name: getattr(self, name)[rows] for name in arrays})


def empty_table() -> Table:
    zeros, columns = np.zeros(0, np.int64), np.zeros((0, 3), np.int64)
    history = np.zeros((0, HISTORY), np.int32)
    return Table(zeros, zeros, zeros, zeros, zeros, zeros, history, columns)


class Ranking:
    """Rows by key, at most ``capacity``: then the half with the fewest calls lately is given up,
    and counted in ``dropped_rows`` and ``dropped_calls``."""

    def __init__(self, capacity: int, *, with_histograms: bool = False) -> None:
        self.capacity = capacity
        self.dropped_rows = 0
        self.dropped_calls = 0
        self._places: dict[int, int] = {}
        self._counts = np.zeros((4, _START), np.int64)
        self._ring = TimeRing((_START,), HISTORY, np.int32)
        self._counted = np.zeros((_START, TIMED_BUCKETS), np.int64) if with_histograms else None

    def __len__(self) -> int:
        return len(self._places)

    def add_calls(self, keys: I64, buckets: I64, weights: I64 | None = None) -> None:
        """Calls that were entered, in these buckets of time."""
        if not len(keys):
            return
        places = self._places_of(keys)
        count = np.bincount(places, minlength=self._counts.shape[1])
        self._counts[0] += count
        self._ring.add(buckets, places)

    def add_ends(self, keys: I64, ended: Ended) -> None:
        """The same calls, when they have ended; a key for each."""
        if not len(keys):
            return
        places = self._places_of(keys)
        width = self._counts.shape[1]
        self._counts[1] += np.bincount(places[ended.is_error], minlength=width)
        # Sums of ns fit a double's 53 bits for 104 days of calls in one batch.
        self._counts[2] += np.bincount(places, ended.duration_ns, width).astype(np.int64)
        if self._counted is not None:
            count_into(self._counted.reshape(-1), places * TIMED_BUCKETS + ended.buckets)

    def add_bytes(self, keys: I64, sizes: I64) -> None:
        if len(keys):
            places = self._places_of(keys)
            self._counts[3] += np.bincount(places, sizes, self._counts.shape[1]).astype(np.int64)

    def keys(self) -> list[int]:
        return list(self._places)

    def table(self) -> Table:
        count = len(self._places)
        history = self._ring.last(HISTORY)[:, :count].T
        calls, errors, total_ns, size_bytes = self._counts[:, :count].copy()
        found = np.zeros((count, len(_QUANTILES)), np.int64)
        if self._counted is not None:
            found = quantiles_of_rows(self._counted[:count], _QUANTILES)
        return Table(
            key=np.fromiter(self._places, np.int64, count),
            calls=calls,
            errors=errors,
            total_ns=total_ns,
            size_bytes=size_bytes,
            recent=history[:, -WINDOW:].sum(axis=1, dtype=np.int64),
            history=history,
            percentiles=found,
            dropped_rows=self.dropped_rows,
            dropped_calls=self.dropped_calls,
        )

    def advance(self, bucket: int) -> None:
        """Time passes, also without calls."""
        self._ring.advance(bucket)

    def _places_of(self, keys: I64) -> NDArray[np.intp]:
        which, different = codes_of(keys)
        if len(self._places) + len(different) > self.capacity:
            self._drop()
        places = []
        for key in different:
            place = self._places.get(key)
            if place is None:
                place = self._places[key] = len(self._places)
            places.append(place)
        if len(self._places) > self._counts.shape[1]:
            self._grow(len(self._places))
        return np.array(places, np.intp)[which]

    def _grow(self, wanted: int) -> None:
        width = max(wanted, 2 * self._counts.shape[1])
        counts = np.zeros((4, width), np.int64)
        counts[:, : self._counts.shape[1]] = self._counts
        self._counts = counts
        self._ring.resize(width)
        if self._counted is not None:
            bins = np.zeros((width, TIMED_BUCKETS), np.int64)
            bins[: len(self._counted)] = self._counted
            self._counted = bins

    def _drop(self) -> None:
        count = len(self._places)
        recent = self._ring.last(HISTORY)[:, :count].sum(axis=0)
        order = np.lexsort((self._counts[0, :count], recent))
        kept = np.sort(order[count - self.capacity // 2 :]) if count else order
        gone = order[: count - len(kept)]
        self.dropped_rows += len(gone)
        self.dropped_calls += int(self._counts[0, gone].sum())
        keys = list(self._places)
        self._places = {keys[place]: at for at, place in enumerate(kept.tolist())}
        for array in (self._counts.T, self._counted):
            if array is not None:
                array[: len(kept)] = array[kept]
                array[len(kept) :] = 0
        self._ring.keep(kept)
