"""What the module counts, by CPU and system call."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

from tracectl.abi.records import KINDS, LOST_CAUSES, SLOTS
from tracectl.errors import DecodeError


@dataclass(frozen=True, slots=True)
class SyscallTotals:
    """``filtered`` are calls that their own terms left out, ``rejected`` ones among them, and
    ``skipped`` those of threads that are left out. ``errors`` by enum tracectl_errno;
    ``latency[i]`` are the exits of calls that took 2**i ns or more and less than twice that,
    ``total_ns`` is theirs together. ``withheld`` are entries kept back until the call's end, which
    was ``rejected``, or recorded, or is one of ``calls_lost``."""

    entries: int
    exits: int
    entries_lost: int
    exits_lost: int
    filtered: int = 0
    total_ns: int = 0
    errors: list[int] = field(default_factory=list)
    latency: list[int] = field(default_factory=list)
    withheld: int = 0
    calls_lost: int = 0
    rejected: int = 0
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class CpuTotals:
    """What the module counted on one CPU. Lists are indexed by kind or loss cause, ``syscalls`` by
    slot (ABI * 512 + number). ``own`` is what of ``filtered`` was done by
    processes that have the device open."""

    cpu: int
    generated: list[int]
    lost: list[int]
    lost_by_cause: list[int]
    filtered: int
    subbufs: int
    syscalls: dict[int, SyscallTotals]
    own: int = 0

    def check(self) -> None:
        """DecodeError when a list has not the ABI's length."""
        lengths = len(self.generated), len(self.lost), len(self.lost_by_cause)
        if lengths != (KINDS, KINDS, LOST_CAUSES):
            raise DecodeError(f"the totals of CPU {self.cpu} have not the ABI's lengths")
        if any(not 0 <= slot < SLOTS for slot in self.syscalls):
            raise DecodeError(f"the totals of CPU {self.cpu} name no system call")


@dataclass(frozen=True, slots=True)
class Totals:
    """Events of all CPUs together, as in CpuTotals."""

    generated: int = 0
    lost: int = 0
    filtered: int = 0
    own: int = 0

    @classmethod
    def of(cls, cpus: Iterable[CpuTotals]) -> Self:
        sums = [(sum(cpu.generated), sum(cpu.lost), cpu.filtered, cpu.own) for cpu in cpus]
        return cls(*map(sum, zip(*sums, strict=True)))
