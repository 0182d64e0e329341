"""Log-linear histograms of durations: 32 bins an octave, so that a percentile is within 1.6 %."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_BITS = 5
_SHIFT = 52 - _BITS
_ONE = 1023 << _BITS
BINS = 43 << _BITS
"""Up to 2 hours."""
OCTAVES = BINS >> _BITS

I64 = NDArray[np.int64]


def bin_of(duration_ns: I64) -> NDArray[np.intp]:
    """The bin of each duration: a double's exponent and the first bits of its mantissa."""
    bits = np.maximum(duration_ns, 1).astype(np.float64).view(np.int64)
    bins: NDArray[np.intp] = np.minimum((bits >> _SHIFT) - _ONE, BINS - 1).astype(np.intp)
    return bins


def middle_ns(bins: NDArray[np.intp]) -> NDArray[np.float64]:
    """What stands for the durations in each bin."""
    mantissa = 1 + ((bins & ((1 << _BITS) - 1)) + 0.5) / (1 << _BITS)
    middle: NDArray[np.float64] = np.ldexp(mantissa, bins >> _BITS)
    return middle


def percentiles(counts: NDArray[np.int64], wanted: tuple[float, ...]) -> NDArray[np.float64]:
    """Of each row of ``counts``, shape (n, BINS): shape (n, len(wanted)), in ns; 0 for no counts.
    ``wanted`` is in percent."""
    sums = np.cumsum(counts, axis=1)
    totals = sums[:, -1]
    found = np.zeros((len(counts), len(wanted)))
    for column, percent in enumerate(wanted):
        rank = np.maximum(np.ceil(totals * percent / 100), 1)
        at = (sums < rank[:, None]).sum(axis=1)
        found[:, column] = np.where(totals > 0, middle_ns(np.minimum(at, BINS - 1)), 0)
    return found
