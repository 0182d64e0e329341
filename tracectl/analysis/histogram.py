"""Log-linear histograms: 64 buckets for each factor of two, so that a value is known to 1 %."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_STEPS = 64
BUCKETS = 64 * _STEPS + 1
OCTAVES = 43
TIMED_BUCKETS = OCTAVES * _STEPS + 1
"""Up to two hours in ns: who keeps all buckets of many things can do without the rest."""
# What a float32 has of 1.0 above the mantissa bits that are dropped.
_SHIFT = 23 - 6
_ONE = 127 * _STEPS
_MOST = float((1 << 63) - 1024)


def bucket_of(values: NDArray[np.uint64]) -> NDArray[np.int64]:
    """The exponent of a float and the first bits of its mantissa are such a bucket. 0 has one of
    its own, and each value up to 127, too."""
    bits = values.astype(np.float32).view(np.uint32) >> _SHIFT
    return np.maximum(bits.astype(np.int64) - (_ONE - 1), 0)


def octave_of(bucket: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many times it can be halved."""
    octave: NDArray[np.int64] = np.maximum(bucket - 1, 0) // _STEPS
    return octave


def value_of(bucket: NDArray[np.int64]) -> NDArray[np.int64]:
    """The middle of each bucket."""
    power = 2.0 ** ((bucket - 1) // _STEPS)
    lowest = power * (1 + (bucket - 1) % _STEPS / _STEPS)
    middle = lowest + np.maximum(power / _STEPS - 1, 0) / 2
    return np.where(bucket == 0, 0, np.minimum(middle, _MOST).astype(np.int64))


def quantiles_of(
    buckets: NDArray[np.int64], counts: NDArray[np.int64], quantiles: Sequence[float]
) -> list[int]:
    """Of the values in ``buckets``, which ascend: the least that so many are not above."""
    found: list[int] = quantiles_of_runs(buckets, counts, np.array([0, len(counts)]), quantiles)[
        0
    ].tolist()
    return found


def quantiles_of_runs(
    buckets: NDArray[np.int64],
    counts: NDArray[np.int64],
    ends: NDArray[np.intp],
    quantiles: Sequence[float],
) -> NDArray[np.int64]:
    """The same of many histograms, one after the other, from ``ends[i]`` to ``ends[i + 1]``: shape
    (histograms, quantiles); 0 for no counts."""
    up_to = np.concatenate(([0], np.cumsum(counts)))
    before = up_to[ends[:-1]]
    totals = up_to[ends[1:]] - before
    found = np.zeros((len(totals), len(quantiles)), np.int64)
    some = np.flatnonzero(totals)
    for column, quantile in enumerate(quantiles):
        ranks = np.maximum(np.ceil(quantile * totals[some]), 1) + before[some]
        found[some, column] = value_of(buckets[np.searchsorted(up_to, ranks) - 1])
    return found


def quantiles_of_rows(counts: NDArray[np.int64], quantiles: Sequence[float]) -> NDArray[np.int64]:
    """Of each row of ``counts``, shape (n, buckets): shape (n, quantiles); 0 for no counts."""
    up_to = np.cumsum(counts, axis=1)
    totals = up_to[:, -1]
    found = np.zeros((len(counts), len(quantiles)), np.int64)
    for column, quantile in enumerate(quantiles):
        ranks = np.maximum(np.ceil(totals * quantile), 1)
        at = np.minimum((up_to < ranks[:, None]).sum(axis=1), counts.shape[1] - 1)
        found[:, column] = np.where(totals > 0, value_of(at), 0)
    return found
