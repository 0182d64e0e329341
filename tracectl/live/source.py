"""Where sub-buffers come from: a capture, one that is being written, or a flight recorder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tracectl.abi.totals import CpuTotals, Totals
from tracectl.capture.metadata import Moment, Task
from tracectl.capture.reader import Chunk
from tracectl.decode.arguments import Shapes
from tracectl.tables.table import SyscallTable


@dataclass(frozen=True, slots=True)
class Facts:
    """What does not change about a source. ``tables`` are by ABI; ``tasks`` and ``cgroups``, which
    are paths by inode, those that were there at its start; ``is_here`` tells that its processes are
    this machine's own; ``span_ns`` is the length of a capture, 0 of what goes on; without
    ``has_records`` there are counts of system calls alone."""

    title: str
    host: str
    machine: str
    cpus: int
    tables: list[SyscallTable]
    shapes: Shapes
    moments: Sequence[Moment]
    is_live: bool
    is_here: bool = False
    tasks: Sequence[Task] = ()
    cgroups: Mapping[int, str] = field(default_factory=dict)
    span_ns: int = 0
    has_records: bool = True


@dataclass(frozen=True, slots=True)
class CpuState:
    """``lost`` events so far; ``fill`` is the part of the buffer that holds records, None where it
    is not known."""

    lost: int = 0
    fill: float | None = None


@dataclass(frozen=True, slots=True)
class Losses:
    """As the module counted them so far. ``cpus`` are by number, those that are known."""

    generated: int = 0
    lost: int = 0
    filtered: int = 0
    cpus: dict[int, CpuState] = field(default_factory=dict)


def losses_on(cpus: Sequence[CpuTotals]) -> Losses:
    totals = Totals.of(cpus)
    states = {cpu.cpu: CpuState(sum(cpu.lost)) for cpu in cpus}
    return Losses(totals.generated, totals.lost, totals.filtered, states)


class Source(Protocol):
    """Read by one thread. TracectlError when it cannot go on."""

    facts: Facts
    problems: list[str]
    """Sentences about damage."""

    @property
    def settled_ns(self) -> int:
        """All that is older, of every CPU, has been read."""

    def read(self, timeout_s: float) -> list[Chunk]:
        """The next sub-buffers, each CPU's in its order; none when the time is over."""

    def has_ended(self) -> bool:
        """Nothing more will come."""

    def losses(self) -> Losses:
        """What is known of them now."""

    def progress(self) -> float:
        """The part that has been read of what has an end, else 1."""

    def close(self) -> None: ...


FOREVER_NS = (1 << 63) - 1


class Settling:
    """What is settled of a source that goes on: every CPU hands over within ``period_ns``, if it
    has anything."""

    def __init__(self, cpus: int, period_ns: int) -> None:
        self._last_ns = dict.fromkeys(range(cpus), 0)
        self._period_ns = period_ns
        self.settled_ns = 0

    def add(self, cpu: int, last_ns: int) -> None:
        self._last_ns[cpu] = last_ns
        newest_ns = max(self._last_ns.values())
        settled_ns = max(min(self._last_ns.values()), newest_ns - self._period_ns)
        self.settled_ns = max(self.settled_ns, settled_ns)
