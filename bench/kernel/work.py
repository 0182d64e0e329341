"""What the workload does, and what its lines of figures say."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

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


def build(directory: Path) -> Path:
    """The workload, linked statically: it runs in any root."""
    program = directory / "workload"
    subprocess.run(
        ["gcc", "-O2", "-Wall", "-Werror", "-static", "-pthread", "-o", program, SOURCE], check=True
    )
    return program


def arguments(counts: Mapping[str, int]) -> str:
    """The workload's, for ``counts`` of each kind of work."""
    return " ".join([str(ROUNDS), *(f"{kind}={count}" for kind, count in counts.items())])


@dataclass(frozen=True, slots=True)
class Work:
    """A run of the workload. By kind: how many system calls were made, warming-up included; ns of
    CPU time a call, of the round that needed fewest; ns on the clock a call, their mean.

    The fewest: in some rounds the consumer runs, and the work is dearer for a while after that.
    """

    calls: dict[str, int]
    cpu_ns: dict[str, float]
    wall_ns: dict[str, float]

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
    )
