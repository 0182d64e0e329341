"""Calls summed up by system call."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tracectl.analysis.calls import Calls, State


@dataclass(frozen=True, slots=True)
class SyscallRow:
    """Times in ns, of the calls whose entry and exit were recorded."""

    abi: int
    nr: int
    calls: int
    errors: int
    total_ns: int
    p50_ns: int
    p95_ns: int
    p99_ns: int
    max_ns: int


def summarize(calls: Calls) -> list[SyscallRow]:
    """A row a system call, the one with the most time first. Returns of new threads, which are
    exits without an entry, are no calls."""
    began = calls.state != State.NO_ENTRY
    keys = calls.abi << 32 | (calls.nr & 0xFFFFFFFF)
    duration_ns = calls.duration_ns
    rows = []
    for key in np.unique(keys[began]).tolist():
        mine = np.flatnonzero(began & (keys == key))
        paired = mine[calls.state[mine] == State.PAIRED]
        results = calls.result[paired]
        spent = duration_ns[paired]
        p50, p95, p99, top = (
            np.percentile(spent, (50, 95, 99, 100), method="inverted_cdf").tolist()
            if len(spent)
            else (0, 0, 0, 0)
        )
        rows.append(
            SyscallRow(
                abi=key >> 32,
                nr=int(calls.nr[mine[0]]),
                calls=len(mine),
                errors=int(((results < 0) & (results >= -4095)).sum()),
                total_ns=int(spent.sum()),
                p50_ns=int(p50),
                p95_ns=int(p95),
                p99_ns=int(p99),
                max_ns=int(top),
            )
        )
    return sorted(rows, key=lambda row: -row.total_ns)
