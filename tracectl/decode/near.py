"""Calls that stand whole in one sub-buffer: their exit says that their entry is the last before."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tracectl import walk
from tracectl.abi.records import NEAR_KINDS, Kind
from tracectl.decode.subbuffer import Records, Rows
from tracectl.errors import DecodeError


def near_pairs(records: Records) -> tuple[Rows, Rows]:
    """The rows of entries and of their exits, in order, without those of CALL records, whose copies
    are elsewhere. DecodeError when an exit's entry is not near, or ends twice."""
    kind = records.kind
    if walk.compiled is not None:
        most = int(records.kinds[list(NEAR_KINDS)].sum())
        near = np.empty((2, most), np.intp)
        count = walk.compiled.find_near(kind, records.tid, records.whole, near[0], near[1])
        if count is not None:
            return near[0, :count], near[1, :count]
    is_near = (kind == Kind.EXIT_SHORT) | (kind == Kind.EXIT_NEAR)
    is_near[records.whole + 1] = False
    exits = np.flatnonzero(is_near)
    entries = records.near_entries(exits)
    if len(entries) > 1 and not bool((entries[1:] > entries[:-1]).all()):
        raise DecodeError("two exits end the same call")
    return entries, exits


def results_of(records: Records, exits: Rows) -> NDArray[np.int64]:
    """What the exits ``exits``, of any kind, returned."""
    results = records.id[exits].view(np.int16).astype(np.int64)
    for kind in (Kind.EXIT, Kind.EXIT_NEAR):
        which = np.flatnonzero(records.kind[exits] == kind)
        if len(which):
            results[which] = records.bodies(kind, exits[which])["result"]
    return results


def named_by(records: Records, rows: Rows) -> Rows:
    """The records whose id names the call of each of ``rows``: of near exits, their entries."""
    named = rows.copy()
    near = np.flatnonzero(np.isin(records.kind[rows], list(NEAR_KINDS)))
    named[near] = records.near_entries(rows[near])
    return named
