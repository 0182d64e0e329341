"""Numbers as indices of the different ones among them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracectl import walk

_NUMBERS = 1 << 14
_MOST_COUNTED = 1 << 17
_MINOR_BITS = 11
_MOST_SPLIT = 1 << 33
"""A call of any process, as the live view numbers them: few processes make calls at a time."""


def codes_of(values: NDArray[np.integer[Any]]) -> tuple[NDArray[np.int32], list[int]]:
    """Which of the different ``values`` each one is, and these, ascending."""
    lowest, highest = (int(values.min()), int(values.max())) if len(values) else (0, 0)
    if highest - lowest <= _MOST_COUNTED:
        # Ten times as fast as to sort them.
        offsets = values - lowest
        present = np.flatnonzero(np.bincount(offsets))
        index = np.zeros(highest - lowest + 1, np.int32)
        index[present] = np.arange(len(present))
        return index[offsets], (present + lowest).tolist()
    if highest - lowest < _MOST_SPLIT:
        which, majors = codes_of(values >> _MINOR_BITS)
        if len(majors) << _MINOR_BITS <= _MOST_COUNTED:
            minors = (1 << _MINOR_BITS) - 1
            which, found = codes_of(which.astype(np.int64) << _MINOR_BITS | (values & minors))
            parts = ((majors[one >> _MINOR_BITS], one & minors) for one in found)
            return which, [major << _MINOR_BITS | minor for major, minor in parts]
    different, inverse = np.unique(values, return_inverse=True)
    return inverse.astype(np.int32), different.tolist()


def count_into(counts: NDArray[Any], places: NDArray[np.int64]) -> None:
    """Adds 1 to ``counts`` at each of ``places``, as often as it is there."""
    lowest, highest = (int(places.min()), int(places.max())) if len(places) else (0, 0)
    if highest - lowest <= _MOST_COUNTED:
        found = np.bincount(places - lowest)
        counts[lowest : lowest + len(found)] += found.astype(counts.dtype)
    else:
        different, found = np.unique(places, return_counts=True)
        counts[different] += found.astype(counts.dtype)


def rows_of_each(values: NDArray[Any]) -> Iterator[tuple[int, NDArray[np.intp]]]:
    """Each of ``values`` once, ascending, and the rows that have it."""
    order = np.argsort(values, kind="stable")
    different, first = np.unique(values[order], return_index=True)
    # Of nothing, split() makes one part.
    yield from zip(different.tolist(), np.split(order, first[1:]), strict=False)


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
