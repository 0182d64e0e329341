"""Which entry of its thread an event is inside of, or ends."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tracectl import walk
from tracectl.analysis.halves import Half
from tracectl.decode.subbuffer import Rows

_IS_END = np.zeros(256, np.bool_)
_IS_END[[Half.EXIT, Half.SURE_EXIT, Half.END]] = True


class Matches(NamedTuple):
    """``owner`` is the row of the entry that each event is inside of, ends, or is itself; -1 for
    none. ``open`` are the rows of entries of calls that nothing has ended."""

    owner: Rows
    open: Rows


def match(order: Rows, tid: NDArray[np.int64], half: NDArray[np.uint8]) -> Matches:
    """Of events that are by thread in ``order``, each thread's in order of time. An exit or END
    ends the thread's call; an entry ends the one before it, too."""
    if walk.compiled is not None:
        owner, still = np.empty(len(order), np.intp), np.empty(len(order), np.intp)
        found = walk.compiled.match(order, tid, half, owner, still)
        if found is not None:
            return Matches(owner, still[:found])
    tid, half = tid[order], half[order]
    is_entry, is_end = half == Half.ENTRY, _IS_END[half]
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
    return Matches(np.where(inside, order[last_entry], -1), order[still])
