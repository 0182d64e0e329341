"""What the workload does, and what its lines of figures say."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

SOURCE = Path(__file__).with_name("workload.c")

ROUNDS = 4
CALLS: Mapping[str, int] = {
    "getppid": 10_000,
    "read": 10_000,
    "openat_close": 4000,
    "stat": 1000,
    "pipe": 1000,
    "fork_exec": 20,
}
"""By kind of work, how often a round does it: some ten million instructions, of which the timer's
interrupts are a thousandth."""
MIX = 28_000
"""Fills the default buffer more than once, so that the reader has to keep up."""
SHARES = {"getppid": 1.0, "mix": 0.25}
"""The part of a kind's system calls that are getppid, which what was recorded is checked by."""


@dataclass(frozen=True, slots=True)
class Program:
    """What does the work in the guest: ``source`` becomes the program, a C file linked statically,
    so that it runs in any root. ``setup`` is shell before the base line, which is run after
    ``prefix``."""

    source: Path
    rounds: int
    setup: str = ""
    prefix: str = ""

    def build(self, directory: Path) -> Path:
        program = directory / "workload"
        if self.source.suffix != ".c":
            return Path(shutil.copy(self.source, program))
        command = ["gcc", "-O2", "-Wall", "-Werror", "-static", "-pthread", "-o", program]
        subprocess.run([*command, self.source], check=True)
        return program

    def arguments(self, counts: Mapping[str, int]) -> str:
        """For ``counts`` of each kind of work."""
        return " ".join([str(self.rounds), *(f"{kind}={count}" for kind, count in counts.items())])


SYSTEM_CALLS = Program(SOURCE, ROUNDS)


@dataclass(frozen=True, slots=True)
class Work:
    """A run of the workload. By kind: how many system calls were made, warming-up included; ns of
    CPU time a call, of the round that needed fewest; ns on the clock a call, their mean, and
    those of the round in the middle.

    The fewest: in some rounds the consumer runs, and the work is dearer for a while after that.
    """

    calls: dict[str, int]
    cpu_ns: dict[str, float]
    wall_ns: dict[str, float]
    usual_ns: dict[str, float]

    @property
    def getppids(self) -> int:
        """How many of the calls were getppid."""
        return round(sum(self.calls[kind] * SHARES.get(kind, 0) for kind in self.calls))


def parse(text: str) -> Work:
    """Work out of what the workload wrote."""
    rounds: dict[str, list[tuple[int, int, int]]] = {}
    for line in text.splitlines():
        kind, *figures = line.split()
        calls, wall_ns, cpu_ns = map(int, figures)
        rounds.setdefault(kind, []).append((calls, wall_ns, cpu_ns))
    return Work(
        {kind: sum(calls for calls, *_ in all_) for kind, all_ in rounds.items()},
        {kind: min(cpu / calls for calls, _, cpu in all_[1:]) for kind, all_ in rounds.items()},
        {
            kind: sum(wall for _, wall, _ in all_[1:]) / sum(calls for calls, *_ in all_[1:])
            for kind, all_ in rounds.items()
        },
        {
            kind: median(wall / calls for calls, wall, _ in all_[1:])
            for kind, all_ in rounds.items()
        },
    )
