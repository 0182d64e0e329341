"""Counts by time: a fixed number of buckets, the oldest given up for the newest."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracectl.analysis.codes import count_into


class TimeRing:
    """Counts of ``shape`` in each of ``length`` buckets. A bucket is a time divided by the width
    that the user of it has chosen."""

    def __init__(self, shape: tuple[int, ...], length: int, dtype: Any = np.int64) -> None:
        self.length = length
        self.newest = -1
        self.oldest = -1
        """The first bucket ever counted in."""
        self._counts = np.zeros((length, *shape), dtype)

    def advance(self, bucket: int) -> None:
        """``bucket`` is now the newest, unless a newer one is."""
        if self.newest < 0:
            self.newest = self.oldest = bucket
        for gone in range(max(self.newest + 1, bucket - self.length + 1), bucket + 1):
            self._counts[gone % self.length] = 0
        self.newest = max(self.newest, bucket)
        # One that was handed over late may be older than the first.
        self.oldest = min(self.oldest, max(bucket, self.newest - self.length + 1))

    def holds(self, buckets: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which are not too old to be counted."""
        kept: NDArray[np.bool_] = buckets > self.newest - self.length
        return kept

    def add(self, buckets: NDArray[np.int64], *index: NDArray[Any], weights: Any = 1) -> None:
        """Counts at ``index`` in each of ``buckets``; those that are too old are left out."""
        if not len(buckets):
            return
        self.advance(int(buckets.max()))
        self.advance(int(buckets.min()))
        kept = self.holds(buckets)
        if not kept.all():
            buckets, index = buckets[kept], tuple(column[kept] for column in index)
            weights = weights if np.isscalar(weights) else weights[kept]
        place = np.ravel_multi_index((buckets % self.length, *index), self._counts.shape)
        flat = self._counts.reshape(-1)
        if np.isscalar(weights):
            count_into(flat, place)
        else:
            np.add.at(flat, place, weights)

    def last(self, count: int) -> NDArray[Any]:
        """The newest ``count`` buckets, oldest first, as a copy; zeroes before the first one."""
        count = min(count, self.length)
        order = np.arange(self.newest - count + 1, self.newest + 1)
        taken = self._counts[order % self.length]
        taken[order < max(self.oldest, 0)] = 0
        return taken

    def resize(self, rows: int) -> None:
        """Room for ``rows`` in the first dimension after time."""
        grown = np.zeros((self.length, rows, *self._counts.shape[2:]), self._counts.dtype)
        grown[:, : self._counts.shape[1]] = self._counts
        self._counts = grown

    def keep(self, rows: NDArray[np.intp]) -> None:
        """Only these of the first dimension after time, moved to its start; the rest is zero."""
        kept = np.zeros_like(self._counts)
        kept[:, : len(rows)] = self._counts[:, rows]
        self._counts = kept
