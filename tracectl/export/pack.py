"""Pieces of bytes of many lengths, joined in order without a loop over them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Group = tuple[NDArray[np.intp], NDArray[np.uint8]]
"""Places in the order, and the pieces that go there: shape (places, bytes)."""


def join(count: int, groups: Sequence[Group], tails: Sequence[tuple[int, bytes]] = ()) -> bytes:
    """The pieces of all ``groups``, ordered by their places from 0 to ``count`` - 1. ``tails`` go
    behind the piece of their place, each place at most once."""
    sizes = np.zeros(count + 1, np.int64)
    for places, pieces in groups:
        sizes[places + 1] = pieces.shape[1]
    for place, tail in tails:
        sizes[place + 1] += len(tail)
    starts = np.cumsum(sizes)
    out = np.empty(int(starts[-1]), np.uint8)
    for places, pieces in groups:
        out[starts[places, None] + np.arange(pieces.shape[1])] = pieces
    for place, tail in tails:
        end = int(starts[place + 1])
        out[end - len(tail) : end] = np.frombuffer(tail, np.uint8)
    return out.tobytes()
