"""Which calls of a capture are looked at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracectl.abi.records import OTHER_SLOT, SHAPES
from tracectl.analysis.calls import Calls, State
from tracectl.analysis.tasks import Processes


@dataclass(frozen=True, slots=True)
class Selection:
    """All that is given has to hold; None is no term.

    ``slots`` (ABI * 512 + number) are of system calls, ``pid`` is of a process, ``tid`` of a
    thread, ``comm`` the name that a process had at the time, as ``processes`` tell; a call is of
    the time at which it began, ``from_ns`` or later and before ``to_ns``.
    """

    slots: frozenset[int] | None = None
    pid: int | None = None
    tid: int | None = None
    comm: str | None = None
    processes: Processes | None = None
    is_failed: bool = False
    from_ns: int | None = None
    to_ns: int | None = None

    @property
    def is_all(self) -> bool:
        return self == Selection()

    @property
    def is_of_syscalls(self) -> bool:
        """Nothing but system calls is asked for, so that counters by system call apply."""
        return self == Selection(slots=self.slots)

    def find(self, calls: Calls) -> NDArray[np.bool_]:
        """Whether each call is wanted."""
        wanted = np.ones(len(calls), np.bool_)
        if self.slots is not None:
            lookup = np.zeros(OTHER_SLOT + 1, np.bool_)
            lookup[list(self.slots)] = True
            wanted &= lookup[slots_of_calls(calls)]
        if self.pid is not None:
            wanted &= calls.tgid == self.pid
        if self.tid is not None:
            wanted &= calls.tid == self.tid
        if self.is_failed:
            failed = (calls.result < 0) & (calls.result >= -4095)
            wanted &= failed & (calls.state != State.UNFINISHED)
        if self.from_ns is not None:
            wanted &= calls.first_ns >= np.uint64(self.from_ns)
        if self.to_ns is not None:
            wanted &= calls.first_ns < np.uint64(self.to_ns)
        if self.comm is not None and self.processes is not None:
            named = np.array([life.comm == self.comm for life in self.processes.lives])
            wanted &= named[self.processes.find(calls.tgid, calls.first_ns)]
        return wanted


def slots_of_calls(calls: Calls) -> NDArray[np.int64]:
    """The counter slot of each."""
    is_known = (calls.nr >= 0) & (calls.nr < SHAPES) & (calls.abi * SHAPES < OTHER_SLOT)
    return np.where(is_known, calls.abi * SHAPES + calls.nr, OTHER_SLOT)
