"""CALL records as the entry and the exit that they stand for, so that readers know only these."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tracectl.abi.dtype import dtype_of
from tracectl.abi.records import GRANULE, Kind, Whole
from tracectl.errors import DecodeError

if TYPE_CHECKING:
    from tracectl.decode.subbuffer import Records

_MORE = dtype_of(Whole).itemsize // GRANULE - 1


def split_calls(records: Records) -> Records:
    """Each CALL becomes an ENTRY, whose time may be before all others here, and an EXIT_NEAR after
    it; ``whole`` are the rows of these entries. The arguments are where an ENTRY that began two
    granules later would have them, and the result where that of an exit is."""
    calls = records.rows(Kind.CALL)
    if not len(calls):
        return records
    if int(records.granules[calls].min()) < _MORE:
        raise DecodeError("a CALL record is shorter than its kind")
    times = np.ones(len(records), np.intp)
    times[calls] = 2
    source = np.repeat(np.arange(len(records)), times)
    entries = calls + np.arange(len(calls))
    kind, time_ns = records.kind[source], records.time_ns[source]
    granule, granules = records.granule[source], records.granules[source]
    kind[entries], kind[entries + 1] = Kind.ENTRY, Kind.EXIT_NEAR
    entry_ns = records.words[granule[entries] + _MORE]
    # Clocks of two CPUs.
    time_ns[entries] = np.minimum(entry_ns, time_ns[entries])
    kinds = records.kinds.copy()
    kinds[[Kind.ENTRY, Kind.EXIT_NEAR]] += len(calls)
    kinds[Kind.CALL] = 0
    granule[entries] += _MORE
    granules[entries] -= _MORE
    return replace(
        records,
        granule=granule,
        time_ns=time_ns,
        kind=kind,
        id=records.id[source],
        granules=granules,
        tid=records.tid[source],
        tgid=records.tgid[source],
        kinds=kinds,
        whole=entries,
    )
