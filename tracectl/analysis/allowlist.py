"""The system calls of a process and of all that it started."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tracectl.abi.control import EventClass
from tracectl.abi.records import COMM_BYTES, OTHER_SLOT, SHAPES, Kind
from tracectl.abi.totals import CpuTotals
from tracectl.analysis.calls import Calls, State
from tracectl.analysis.tasks import Life
from tracectl.capture.metadata import Config, EndBlock, Metadata
from tracectl.tables.table import SyscallTable, abi_name


class Members:
    """Which processes are the one asked for, or its descendants, and when.

    ``process`` is a process id or a name. A process with that name is one from the exec or rename
    on that gave it; its children are, since they inherit its filter, and stay it whatever they
    execute.
    """

    def __init__(self, lives: Iterable[Life], process: str) -> None:
        leaders = sorted((life for life in lives if life.tid == life.tgid), key=_start_of)
        self._pid = int(process) if process.isdecimal() else None
        # The kernel keeps so much of a name.
        self._comm = process[: COMM_BYTES - 1]
        self._states: dict[int, list[tuple[int, bool]]] = {}
        found = self._find_first(life for life in leaders if not life.start_ns)
        for life in leaders:
            if not life.start_ns:
                is_one = life.tgid in found
            elif life.cause != Kind.FORK:
                is_one = self._is_asked(life) or self.is_one(life.tgid, life.start_ns - 1)
            else:
                is_one = self._is_asked(life) or self.is_one(life.ppid, life.start_ns)
            self._states.setdefault(life.tgid, []).append((life.start_ns, is_one))

    def pids(self) -> set[int]:
        return {
            tgid for tgid, states in self._states.items() if any(is_one for _, is_one in states)
        }

    def is_one(self, tgid: int, time_ns: int) -> bool:
        before = [is_one for start, is_one in self._states.get(tgid, ()) if start <= time_ns]
        return before[-1] if before else tgid == self._pid

    def find(self, tgid: NDArray[np.int64], time_ns: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Whether each of ``tgid`` was one at its time."""
        found = np.zeros(len(tgid), np.bool_)
        for value in np.unique(tgid).tolist():
            rows = np.flatnonzero(tgid == value)
            states = self._states.get(value, [(0, value == self._pid)])
            starts = np.array([start for start, _ in states], np.int64)
            at = np.searchsorted(starts, time_ns[rows].astype(np.int64), side="right") - 1
            are = np.array([is_one for _, is_one in states])
            found[rows] = np.where(at >= 0, are[np.maximum(at, 0)], value == self._pid)
        return found

    def _is_asked(self, life: Life) -> bool:
        return life.tgid == self._pid if self._pid is not None else life.comm == self._comm

    def _find_first(self, alive: Iterable[Life]) -> set[int]:
        """Of those that tracing found alive."""
        alive = list(alive)
        found = {life.tgid for life in alive if self._is_asked(life)}
        while more := {life.tgid for life in alive if life.ppid in found} - found:
            found |= more
        return found


def _start_of(life: Life) -> int:
    return life.start_ns


@dataclass(slots=True)
class AllowList:
    """Numbers of system calls by ABI; ``unknown`` are numbers that no table has. ``gaps`` are
    sentences about what may be missing."""

    calls: dict[int, set[int]] = field(default_factory=dict)
    unknown: set[int] = field(default_factory=set)
    gaps: list[str] = field(default_factory=list)

    def add(self, calls: Calls, members: Members, tables: Sequence[SyscallTable]) -> None:
        times = np.where(calls.state == State.NO_ENTRY, calls.exit_ns, calls.entry_ns)
        rows = np.flatnonzero(members.find(calls.tgid, times))
        pairs = np.unique(np.stack((calls.abi[rows], calls.nr[rows])), axis=1)
        for abi, nr in pairs.T.tolist():
            if tables[min(abi, len(tables) - 1)].get(nr) is not None:
                self.calls.setdefault(abi, set()).add(nr)
            elif bool((calls.state[rows][calls.nr[rows] == nr] != State.NO_ENTRY).any()):
                self.unknown.add(nr)

    def find_gaps(
        self, metadata: Metadata, end: EndBlock | None, tables: Sequence[SyscallTable]
    ) -> None:
        """A lost call leaves no gap if its number is in the list anyway: numbers are counted by
        system call, what a process is not."""
        if not metadata.config.classes & EventClass.TASK:
            self.gaps.append("forks and execs were not recorded, so its children are not known")
        self.gaps += _choices(metadata, end)
        if metadata.config.is_flight:
            self.gaps.append("a flight recorder keeps the newest events only")
        if end is None:
            self.gaps.append("the end is missing, and with it the counts of what was lost")
            return
        tasks = sum(cpu.lost[kind] for cpu in end.cpus for kind in (Kind.FORK, Kind.EXEC))
        if tasks:
            self.gaps.append(
                f"{tasks} forks and execs were lost, so some of its processes may not be known"
            )
        lost = sorted(self._lost_calls(end.cpus, tables))
        if lost:
            self.gaps.append(
                f"calls that are not in the list were lost or filtered out, perhaps its own: "
                f"{', '.join(lost)}"
            )

    def find_others(self, config: Config, lives: Sequence[Life], members: Members) -> None:
        """Processes that nothing was recorded of, since they are not of the traced tree. A command
        that was started for it is the one meant, whatever else has its name."""
        if not config.target_pid or config.command is not None:
            return
        traced = Members(lives, str(config.target_pid)).pids() | {config.target_pid}
        if others := sorted(members.pids() - traced):
            self.gaps.append(
                f"only process {config.target_pid} and what it started were recorded, and not its "
                f"processes {', '.join(map(str, others))}"
            )

    def _lost_calls(
        self, totals: Iterable[CpuTotals], tables: Sequence[SyscallTable]
    ) -> Iterable[str]:
        slots = {
            slot
            for cpu in totals
            for slot, one in cpu.syscalls.items()
            if one.entries_lost or one.filtered
        }
        for slot in slots:
            abi, nr = divmod(slot, SHAPES)
            if slot == OTHER_SLOT:
                yield "a number above 511"
            elif nr not in self.calls.get(abi, ()):
                name = tables[min(abi, len(tables) - 1)].name(nr)
                yield name if abi == 0 else f"{abi_name(tables, abi)}:{name}"


def _choices(metadata: Metadata, end: EndBlock | None) -> Iterable[str]:
    """What else than calls was filtered out: of that no counts tell what it was."""
    config = metadata.config
    chosen = config.chosen if end is None else config.chosen.narrowed(end.chosen)
    # Captures of earlier versions do not tell threads of a tree from chosen ones of it.
    if chosen.by_thread or (config.is_partial and not config.target_pid):
        yield "only threads of a user, a name or a cgroup were recorded, perhaps not all of its own"
    cpus = range(metadata.cpus) if end is None else [cpu.cpu for cpu in end.cpus]
    if chosen.cpus is not None and not set(chosen.cpus).issuperset(cpus):
        where = f"on CPUs {','.join(map(str, chosen.cpus))}" if chosen.cpus else "on no CPU"
        yield f"only calls that began {where} were recorded all the time"
