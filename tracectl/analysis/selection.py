"""Which calls of a capture are looked at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracectl.abi.records import OTHER_SLOT, SHAPES, Kind
from tracectl.analysis.calls import Calls, State
from tracectl.analysis.tasks import Life, Threads

_MAX_ERRNO = 4095


class Wanted:
    """What of ``threads`` is wanted, while it is: their lives that pass ``test``."""

    def __init__(self, threads: Threads, test: Callable[[Life], bool]) -> None:
        self._threads = threads
        self._is_wanted = np.array([test(life) for life in threads.lives], np.bool_)

    def find(self, tid: NDArray[np.int64], time_ns: NDArray[np.uint64]) -> NDArray[np.bool_]:
        return self._is_wanted[self._threads.find(tid, time_ns)]


@dataclass(frozen=True, slots=True)
class Selection:
    """All that is given has to hold; None is no term.

    ``slots`` (ABI * 512 + number) are of system calls, ``pid`` is of a process, ``tid`` of a
    thread, ``processes`` and ``threads`` are what they were when the call began; ``cpus`` are where
    it did. ``errnos`` are what a call failed with, of those that failed; ``slower_ns`` is how long
    it took at least, ``path`` what one of its paths begins with. A call is of the time at which it
    began, ``from_ns`` or later and before ``to_ns``. What is not known of it does not hold.
    """

    slots: frozenset[int] | None = None
    pid: int | None = None
    tid: int | None = None
    processes: Wanted | None = None
    threads: Wanted | None = None
    cpus: frozenset[int] | None = None
    is_failed: bool = False
    errnos: frozenset[int] | None = None
    slower_ns: int | None = None
    path: bytes | None = None
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
        if self.cpus is not None:
            begins = np.isin(calls.first_cpu, list(self.cpus))
            wanted &= begins & (calls.state != State.NO_ENTRY)
        if self.from_ns is not None:
            wanted &= calls.first_ns >= np.uint64(self.from_ns)
        if self.to_ns is not None:
            wanted &= calls.first_ns < np.uint64(self.to_ns)
        wanted &= self._find_ends(calls)
        if self.path is not None:
            wanted &= _has_path(calls, self.path)
        for who, ids in ((self.processes, calls.tgid), (self.threads, calls.tid)):
            if who is not None:
                rows = np.flatnonzero(wanted)
                wanted[rows] = who.find(ids[rows], calls.first_ns[rows])
        return wanted

    def _find_ends(self, calls: Calls) -> NDArray[np.bool_]:
        """Those that ended as it is wanted."""
        wanted = np.ones(len(calls), np.bool_)
        if self.is_failed or self.errnos is not None:
            wanted = (calls.result < 0) & (calls.result >= -_MAX_ERRNO)
            wanted &= calls.state != State.UNFINISHED
        if self.errnos is not None:
            wanted &= np.isin(-calls.result, list(self.errnos))
        if self.slower_ns is not None:
            took = calls.duration_ns >= np.uint64(self.slower_ns)
            wanted &= took & (calls.state == State.PAIRED)
        return wanted


def _has_path(calls: Calls, prefix: bytes) -> NDArray[np.bool_]:
    named = np.zeros(len(calls), np.bool_)
    pairs = zip(calls.copies, calls.copy_row, strict=True)
    named[
        [row for copy, row in pairs if copy.kind == Kind.NAME and copy.data.startswith(prefix)]
    ] = True
    return named


def slots_of_calls(calls: Calls) -> NDArray[np.int64]:
    """The counter slot of each."""
    is_known = (calls.nr >= 0) & (calls.nr < SHAPES) & (calls.abi * SHAPES < OTHER_SLOT)
    return np.where(is_known, calls.abi * SHAPES + calls.nr, OTHER_SLOT)
