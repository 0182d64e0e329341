"""Sums and histograms by group, made of chunks in any order and on any core."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracectl import walk
from tracectl.analysis.calls import Calls, State
from tracectl.analysis.codes import arrange
from tracectl.analysis.histogram import BUCKETS, bucket_of, quantiles_of_runs

_I64 = NDArray[np.int64]
_QUANTILES = (0.5, 0.95, 0.99)
_MOST_PENDING = 1 << 20


@dataclass(frozen=True, slots=True)
class Row:
    """Times in ns, of the calls whose entry and exit were recorded."""

    calls: int
    errors: int
    total_ns: int
    p50_ns: int
    p95_ns: int
    p99_ns: int
    max_ns: int


@dataclass(frozen=True, slots=True)
class Part:
    """The sums of one chunk, by ``keys``; the histogram as ``codes``, ascending, of key index and
    bucket, with the count of each."""

    keys: list[Hashable]
    calls: _I64
    errors: _I64
    total_ns: _I64
    max_ns: _I64
    codes: _I64
    counts: _I64


def part_of(keys: Sequence[Hashable], group: NDArray[np.intp], calls: Calls) -> Part:
    """``group`` has for each call the index of its key. Returns of new threads, which are exits
    without an entry, are no calls."""
    size = len(keys)
    if walk.compiled is not None:
        sums, histogram = np.zeros((4, size), np.int64), np.empty((2, len(calls)), np.int64)
        spans = calls.state, calls.entry_ns, calls.exit_ns, calls.result
        found = walk.compiled.tally(group, *spans, sums, histogram[0], histogram[1])
        if found is not None:
            return Part(list(keys), *sums, *histogram[:, :found].copy())
    began = calls.state != State.NO_ENTRY
    counted = group if bool(began.all()) else group[began]
    paired = calls.state == State.PAIRED
    if bool(paired.all()):
        mine, result, spent = group, calls.result, calls.exit_ns - calls.entry_ns
    else:
        mine, result = group[paired], calls.result[paired]
        spent = calls.exit_ns[paired] - calls.entry_ns[paired]
    failed = (result < 0) & (result >= -4095)
    max_ns = np.zeros(size, np.uint64)
    np.maximum.at(max_ns, mine, spent)
    codes, counts = _count(mine * BUCKETS + bucket_of(spent), size * BUCKETS)
    return Part(
        keys=list(keys),
        calls=np.bincount(counted, minlength=size),
        errors=np.bincount(mine[failed], minlength=size),
        total_ns=_sum_by(mine, spent, size),
        max_ns=max_ns.astype(np.int64),
        codes=codes,
        counts=counts,
    )


def _sum_by(group: NDArray[np.intp], values: NDArray[np.uint64], size: int) -> _I64:
    """Floats hold such sums of a chunk exactly."""
    low, high = values & np.uint64(0xFFFFFFFF), values >> np.uint64(32)
    sums = (np.bincount(group, half.astype(np.float64), size) for half in (low, high))
    low_sum, high_sum = (half.astype(np.int64) for half in sums)
    return low_sum + (high_sum << 32)


def _count(codes: _I64, size: int) -> tuple[_I64, _I64]:
    if size <= 16 * len(codes):
        counts = np.bincount(codes)
        found = np.flatnonzero(counts)
        return found, counts[found]
    return np.unique(codes, return_counts=True)


@dataclass(slots=True)
class Tally:
    """The sum of all parts added."""

    keys: dict[Hashable, int] = field(default_factory=dict)
    _sums: _I64 = field(default_factory=lambda: np.zeros((4, 0), np.int64))
    _codes: list[_I64] = field(default_factory=list)
    _counts: list[_I64] = field(default_factory=list)
    _pending: int = 0

    def add(self, part: Part) -> None:
        where = np.array([self.keys.setdefault(key, len(self.keys)) for key in part.keys], np.int64)
        missing = len(self.keys) - self._sums.shape[1]
        if missing > 0:
            room = max(missing, self._sums.shape[1])
            self._sums = np.concatenate((self._sums, np.zeros((4, room), np.int64)), axis=1)
        self._sums[0, where] += part.calls
        self._sums[1, where] += part.errors
        self._sums[2, where] += part.total_ns
        self._sums[3, where] = np.maximum(self._sums[3, where], part.max_ns)
        if len(part.codes):
            index, bucket = np.divmod(part.codes, BUCKETS)
            self._codes.append(where[index] * BUCKETS + bucket)
            self._counts.append(part.counts)
            self._pending += len(part.codes)
            if self._pending > _MOST_PENDING:
                self._pack()

    def renamed(self, name_of: Callable[[Any], Hashable]) -> Tally:
        """With the keys that ``name_of`` makes of these; those that become equal are summed up."""
        self._pack()
        made = Tally()
        keys = [name_of(key) for key in self.keys]
        where = np.array([made.keys.setdefault(key, len(made.keys)) for key in keys], np.int64)
        made._sums = np.zeros((4, len(made.keys)), np.int64)
        for row in range(3):
            np.add.at(made._sums[row], where, self._sums[row, : len(keys)])
        np.maximum.at(made._sums[3], where, self._sums[3, : len(keys)])
        for codes, counts in zip(self._codes, self._counts, strict=True):
            index, bucket = np.divmod(codes, BUCKETS)
            made._codes += [where[index] * BUCKETS + bucket]
            made._counts += [counts]
        # Not in order any more.
        made._codes.append(np.zeros(0, np.int64))
        made._counts.append(np.zeros(0, np.int64))
        return made

    def rows(self) -> dict[Hashable, Row]:
        """By key, in the order of their first calls."""
        self._pack()
        codes = np.concatenate(self._codes) if self._codes else np.zeros(0, np.int64)
        counts = np.concatenate(self._counts) if self._counts else np.zeros(0, np.int64)
        ends = np.searchsorted(codes, np.arange(len(self.keys) + 1) * BUCKETS)
        quantiles = quantiles_of_runs(codes % BUCKETS, counts, ends, _QUANTILES)
        sums = self._sums[:, : len(self.keys)]
        columns = (*sums[:3], *np.minimum(quantiles.T, sums[3]), sums[3])
        rows = map(Row, *(column.tolist() for column in columns))
        return dict(zip(self.keys, rows, strict=True))

    def _pack(self) -> None:
        """Equal codes into one."""
        if len(self._codes) < 2:
            return
        codes, counts = np.concatenate(self._codes), np.concatenate(self._counts)
        order = arrange(codes, codes)
        codes, counts = codes[order], counts[order]
        first = np.flatnonzero(np.concatenate(([True], codes[1:] != codes[:-1])))
        self._codes, self._counts = [codes[first]], [np.add.reduceat(counts, first)]
        self._pending = 0
