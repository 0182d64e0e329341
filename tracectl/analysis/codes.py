"""Numbers as indices of the different ones among them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracectl import walk

_NUMBERS = 1 << 14
_MOST_COUNTED = 1 << 17


def codes_of(values: NDArray[np.int64]) -> tuple[NDArray[np.int32], list[int]]:
    """Which of the different ``values`` each one is, and these, ascending."""
    lowest, highest = (int(values.min()), int(values.max())) if len(values) else (0, 0)
    if highest - lowest > _MOST_COUNTED:
        different, which = np.unique(values, return_inverse=True)
        return which.astype(np.int32), different.tolist()
    # Ten times as fast as to sort them.
    offsets = values - lowest
    present = np.flatnonzero(np.bincount(offsets))
    index = np.zeros(highest - lowest + 1, np.int32)
    index[present] = np.arange(len(present))
    return index[offsets], (present + lowest).tolist()


def arrange(major: NDArray[np.int64], minor: NDArray[Any]) -> NDArray[np.intp]:
    """The order by ``major``, and where that is equal by ``minor``, neither of them negative; what
    is equal in both stays as it is."""
    if walk.compiled is not None:
        order = np.empty(len(major), np.intp)
        if walk.compiled.arrange(major, minor, order) is not None:
            return order
    # Both in runs, or of few values: so it takes half the time of a lexsort.
    order = np.argsort(minor, kind="stable")
    if major is minor:
        return order
    which, different = codes_of(major[order])
    small = which.astype(np.int16) if len(different) < 1 << 15 else which
    return order[np.argsort(small, kind="stable")]


def call_keys(
    abi: NDArray[np.int64], nr: NDArray[np.int64]
) -> tuple[list[tuple[int, int]], NDArray[np.int32]]:
    """The different (ABI, number), and which of them each row is."""
    if len(nr) and int(nr.min()) >= -1 and int(nr.max()) < _NUMBERS:
        which, keys = codes_of(abi * _NUMBERS * 2 + nr + 1)
        return [(key // (2 * _NUMBERS), key % (2 * _NUMBERS) - 1) for key in keys], which
    wide, which64 = np.unique(abi << 32 | (nr & 0xFFFFFFFF), return_inverse=True)
    signed = (wide & 0xFFFFFFFF).astype(np.uint32).view(np.int32)
    return list(zip((wide >> 32).tolist(), signed.tolist(), strict=True)), which64.astype(np.int32)
