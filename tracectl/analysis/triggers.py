"""What a flight recorder waits for, looked for in calls and records as they come."""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tracectl.abi.records import SHAPES, Kind
from tracectl.analysis.calls import Calls, State
from tracectl.decode.subbuffer import Records

NameOf = Callable[[int, int], str]
"""The name of a system call, by ABI and number."""

_SECOND_NS = 1_000_000_000
_BIN_NS = 50_000_000


@dataclass(frozen=True, slots=True)
class Sighting:
    """``time_ns`` is of the session's clock; ``text`` says in a few words what was seen."""

    time_ns: int
    text: str


class Trigger(Protocol):
    def look(self, calls: Calls, records: Sequence[Records], name_of: NameOf) -> list[Sighting]:
        """What is seen in calls that have just become known, and in new records."""


@dataclass(frozen=True, slots=True)
class Slower:
    """A call that took ``limit_ns`` or more; of ``slots`` (ABI * 512 + number), None: any."""

    limit_ns: int
    slots: frozenset[int] | None = None

    def look(self, calls: Calls, records: Sequence[Records], name_of: NameOf) -> list[Sighting]:
        duration_ns = calls.duration_ns
        slow = (calls.state == State.PAIRED) & (duration_ns >= np.uint64(self.limit_ns))
        rows = np.flatnonzero(slow & _are_in(calls, self.slots))
        return [
            Sighting(
                int(calls.exit_ns[row]),
                f"{_call(calls, row, name_of)} took {int(duration_ns[row]) / 1e6:.3f} ms",
            )
            for row in rows.tolist()
        ]


@dataclass(frozen=True, slots=True)
class Failed:
    """A call that failed with ``errno`` on a path that begins with ``prefix``, as it was given."""

    errno: int
    prefix: bytes

    def look(self, calls: Calls, records: Sequence[Records], name_of: NameOf) -> list[Sighting]:
        failed = (calls.state != State.UNFINISHED) & (calls.result == -self.errno)
        return [
            Sighting(
                int(calls.exit_ns[row]),
                f"{_call(calls, row, name_of)} failed on {name.decode(errors='backslashreplace')}",
            )
            for name, row in zip(calls.names, calls.name_row, strict=True)
            if failed[row] and name.startswith(self.prefix)
        ]


@dataclass(frozen=True, slots=True)
class Killed:
    """A process that a signal ended: ``signum``, or 0 for any."""

    signum: int = 0

    def look(self, calls: Calls, records: Sequence[Records], name_of: NameOf) -> list[Sighting]:
        return [one for part in records for one in self._look(part)]

    def _look(self, records: Records) -> Iterator[Sighting]:
        rows = records.rows(Kind.TASK_EXIT)
        ended_by = records.bodies(Kind.TASK_EXIT, rows)["code"] & 0x7F
        for row, signum in zip(rows.tolist(), ended_by.tolist(), strict=True):
            # A process' threads all end by it.
            is_process = records.tid[row] == records.tgid[row]
            if is_process and signum and self.signum in (0, signum):
                yield Sighting(
                    int(records.time_ns[row]),
                    f"process {records.tgid[row]} was ended by {_signal_name(signum)}",
                )


@dataclass(slots=True)
class Faster:
    """More than ``limit`` calls a second, of ``slots`` or of all."""

    limit: int
    slots: frozenset[int] | None = None
    _bins: dict[int, int] = field(default_factory=dict)

    def look(self, calls: Calls, records: Sequence[Records], name_of: NameOf) -> list[Sighting]:
        wanted = (calls.state != State.NO_ENTRY) & _are_in(calls, self.slots)
        bins, counts = np.unique(calls.entry_ns[wanted] // np.uint64(_BIN_NS), return_counts=True)
        for at, count in zip(bins.tolist(), counts.tolist(), strict=True):
            self._bins[at] = self._bins.get(at, 0) + count
        window: deque[int] = deque()
        total = 0
        for at in sorted(self._bins):
            window.append(at)
            total += self._bins[at]
            while window[0] <= at - _SECOND_NS // _BIN_NS:
                total -= self._bins[window.popleft()]
            if total > self.limit:
                self._bins.clear()
                return [Sighting((at + 1) * _BIN_NS, f"{total:,} calls in a second")]
        # A call may become known long after it began; one more second is kept for those.
        newest = max(self._bins, default=0)
        old = newest - 2 * _SECOND_NS // _BIN_NS
        self._bins = {at: count for at, count in self._bins.items() if at > old}
        return []


def first_sighting(
    triggers: Iterable[Trigger], calls: Calls, records: Sequence[Records], name_of: NameOf
) -> Sighting | None:
    """The earliest of all."""
    found = [one for trigger in triggers for one in trigger.look(calls, records, name_of)]
    return min(found, key=lambda sighting: sighting.time_ns, default=None)


def _are_in(calls: Calls, slots: frozenset[int] | None) -> NDArray[np.bool_]:
    if slots is None:
        return np.ones(len(calls), np.bool_)
    return np.isin(calls.abi * SHAPES + calls.nr, list(slots))


def _call(calls: Calls, row: int, name_of: NameOf) -> str:
    return f"{name_of(int(calls.abi[row]), int(calls.nr[row]))} of process {calls.tgid[row]}"


def _signal_name(signum: int) -> str:
    try:
        return signal.Signals(signum).name
    except ValueError:
        return f"signal {signum}"
