"""Which entry of its thread an event is inside of, or ends."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.intp]


class Matches(NamedTuple):
    """``owner`` is the row of the entry that each row is inside of, ends, or is itself; -1 for
    none. ``open`` are the entries of calls that nothing has ended."""

    owner: Rows
    open: Rows


def match(tid: NDArray[Any], is_entry: NDArray[np.bool_], is_end: NDArray[np.bool_]) -> Matches:
    """Of events by thread, each one's in order of time. What ``is_end`` ends the thread's call; an
    entry ends the one before it, too."""
    count = len(tid)
    index = np.arange(count)
    last_entry = np.maximum.accumulate(np.where(is_entry, index, -1))
    last_end = np.maximum.accumulate(np.where(is_end, index, -1))
    end_before = np.concatenate(([-1], last_end[:-1]))
    inside = (last_entry > end_before) & (tid[last_entry] == tid)
    is_last = np.ones(count, np.bool_)
    is_last[:-1] = tid[1:] != tid[:-1]
    last = np.flatnonzero(is_last)
    still = last_entry[last]
    still = still[(still > last_end[last]) & (tid[still] == tid[last])]
    return Matches(np.where(inside, last_entry, -1), still)
