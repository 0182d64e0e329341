"""Whether two samples differ by more than their own spread."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCKS = 20
"""Calls that follow each other are alike, so that a test over single calls finds a difference
everywhere. What is tested are the medians, or rates, of as many blocks of time."""
ALPHA = 0.01
"""How often, in all tests of a comparison together, noise is taken for a difference."""
_PER_BLOCK = 5


@dataclass(frozen=True, slots=True)
class Shift:
    """``before`` and ``after`` are medians, or rates; ``p`` how likely noise alone brings so much,
    None where there are too few calls to tell."""

    before: float
    after: float
    p: float | None

    @property
    def ratio(self) -> float:
        """inf where it was 0 before."""
        return self.after / self.before if self.before else math.inf

    def is_real(self, tests: int, threshold: float) -> bool:
        """Not noise, with ``tests`` like it, and by the part ``threshold`` or more either way."""
        if self.p is None or self.p >= ALPHA / max(tests, 1):
            return False
        return self.ratio >= 1 + threshold or self.ratio <= 1 / (1 + threshold)


def shift_of_medians(before: NDArray[Any], after: NDArray[Any]) -> Shift:
    """Of two samples, each of one element or more, in the order of their making."""
    medians = float(np.median(before)), float(np.median(after))
    if min(len(before), len(after)) < BLOCKS * _PER_BLOCK:
        return Shift(*medians, None)
    blocks = [
        np.array([np.median(block) for block in np.array_split(sample, BLOCKS)])
        for sample in (before, after)
    ]
    return Shift(*medians, rank_test(*blocks))


def shift_of_rates(
    before: NDArray[Any], after: NDArray[Any], span_before_ns: int, span_after_ns: int
) -> Shift:
    """Of how many events there were in each of BLOCKS equal parts of a span."""
    rates = [
        counts * (1e9 * len(counts) / max(span_ns, 1))
        for counts, span_ns in ((before, span_before_ns), (after, span_after_ns))
    ]
    means = float(rates[0].mean()), float(rates[1].mean())
    if max(before.sum(), after.sum()) < BLOCKS * _PER_BLOCK:
        return Shift(*means, None)
    return Shift(*means, rank_test(*rates))


def rank_test(first: NDArray[Any], second: NDArray[Any]) -> float:
    """Two-sided p of Mann and Whitney's test, with ties, by the normal approximation."""
    n1, n2 = len(first), len(second)
    count = n1 + n2
    _, which, ties = np.unique(
        np.concatenate((first, second)), return_inverse=True, return_counts=True
    )
    ranks = (np.cumsum(ties) - (ties - 1) / 2)[which]
    u = float(ranks[:n1].sum()) - n1 * (n1 + 1) / 2
    spread = n1 * n2 / 12 * (count + 1 - float((ties**3 - ties).sum()) / (count * (count - 1)))
    if spread <= 0:
        return 1.0
    z = max(abs(u - n1 * n2 / 2) - 0.5, 0) / math.sqrt(spread)
    return math.erfc(z / math.sqrt(2))
