"""What was behind the descriptors that calls were given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from tracectl.abi.records import NR_BITS, Kind
from tracectl.analysis.calls import Calls, State
from tracectl.analysis.descriptors import TOLD_CALLS, Descriptors
from tracectl.analysis.fds import fds_of, takers_of
from tracectl.analysis.rows import iter_rows
from tracectl.tables.table import SyscallTable

Behind = Sequence[bytes | None]


def iter_behind(
    blocks: Iterable[Calls], descriptors: Descriptors, tables: Sequence[SyscallTable]
) -> Iterator[tuple[Calls, Behind]]:
    """``blocks``, which are in order of time, each with what its calls' descriptors led to when
    they began; None where that is not known, or there was none."""
    takes_fd, is_told = takers_of(tables), _told_of(tables)
    for calls in blocks:
        yield calls, _behind(calls, descriptors, tables, takes_fd, is_told)


def _told_of(tables: Sequence[SyscallTable]) -> NDArray[np.bool_]:
    """By ABI and number, whether ``Descriptors`` have to be told."""
    is_told = np.zeros((len(tables), 1 << NR_BITS), np.bool_)
    for abi, table in enumerate(tables):
        for call in table:
            if 0 <= call.nr < 1 << NR_BITS:
                is_told[abi, call.nr] = call.name in TOLD_CALLS
    return is_told


def _behind(
    calls: Calls,
    descriptors: Descriptors,
    tables: Sequence[SyscallTable],
    takes_fd: NDArray[np.bool_],
    is_told: NDArray[np.bool_],
) -> list[bytes | None]:
    found: list[bytes | None] = [None] * len(calls)
    asking, fds = fds_of(calls, takes_fd)
    number = np.clip(calls.nr, 0, (1 << NR_BITS) - 1)
    tells = is_told[np.minimum(calls.abi, len(tables) - 1), number]
    tells[
        [
            row
            for copy, row in zip(calls.copies, calls.copy_row, strict=True)
            if copy.kind == Kind.FILE
        ]
    ] = True
    telling = np.flatnonzero(tells & (calls.state != State.NO_ENTRY))
    told = dict(zip(telling.tolist(), iter_rows(calls.select(telling)), strict=True))
    asked = dict(zip(asking.tolist(), fds.tolist(), strict=True))
    rows = np.union1d(asking, telling)
    times_ns, tgids = calls.first_ns[rows].tolist(), calls.tgid[rows].tolist()
    for row, time_ns, tgid in zip(rows.tolist(), times_ns, tgids, strict=True):
        descriptors.advance(time_ns)
        if row in asked:
            found[row] = descriptors.path_of(tgid, asked[row])
        if row in told:
            call = told[row]
            syscall = tables[min(call.abi, len(tables) - 1)].get(call.nr)
            if syscall is not None:
                descriptors.add(syscall, call)
    return found
