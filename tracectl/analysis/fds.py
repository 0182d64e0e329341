"""The file descriptors that calls were given."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tracectl.abi.records import NR_BITS
from tracectl.analysis.calls import Calls, State
from tracectl.tables.roles import role_of
from tracectl.tables.table import SyscallTable


def takers_of(tables: Sequence[SyscallTable]) -> NDArray[np.bool_]:
    """By ABI and number, whether the first argument is a descriptor."""
    takes_fd = np.zeros((len(tables), 1 << NR_BITS), np.bool_)
    for abi, table in enumerate(tables):
        for call in table:
            takes = bool(call.args) and role_of(call, call.args[0]) == "descriptor"
            if 0 <= call.nr < 1 << NR_BITS:
                takes_fd[abi, call.nr] = takes
    return takes_fd


def fds_of(calls: Calls, takes_fd: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.int32]]:
    """The rows of calls that takers_of() has, and the descriptors."""
    is_known = (calls.nr >= 0) & (calls.nr < 1 << NR_BITS) & (calls.state != State.NO_ENTRY)
    rows = np.flatnonzero(is_known)
    abi = np.minimum(calls.abi[rows], len(takes_fd) - 1)
    rows = rows[takes_fd[abi, calls.nr[rows]]]
    return rows, calls.arguments[rows, 0].astype(np.uint32).view(np.int32)
