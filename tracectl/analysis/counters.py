"""What the module counted of each system call, over all CPUs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tracectl.abi.records import OTHER_SLOT, SHAPES
from tracectl.abi.totals import SyscallTotals

ERROR_CLASSES = ("other", "ENOENT", "EPERM", "EAGAIN", "EINTR", "EBADF", "EINVAL", "ETIMEDOUT")
"""enum tracectl_errno: each by the first of its errors."""


@dataclass(frozen=True, slots=True)
class CountRow:
    """``abi`` and ``nr`` are -1 for calls whose number no table has. ``errors`` are by class, in
    the order of ERROR_CLASSES. ``latency[i]`` calls took 2**i ns or more and less than twice that;
    ``total_ns`` is theirs together."""

    abi: int
    nr: int
    calls: int
    errors: list[int]
    total_ns: int
    latency: list[int]

    @property
    def timed(self) -> int:
        """Calls whose entry and exit were both seen."""
        return sum(self.latency)

    @property
    def mean_ns(self) -> int:
        return self.total_ns // self.timed if self.timed else 0

    def below_ns(self, share: float) -> int | None:
        """A power of two that the ``share`` of calls is below; None where it is not known, or more
        than the histogram has."""
        rest = share * self.timed
        for log, count in enumerate(self.latency[:-1]):
            rest -= count
            if count and rest <= 0:
                return 2 << log
        return None


def sum_counts(cpus: Iterable[Mapping[int, SyscallTotals]]) -> list[CountRow]:
    """A row a system call, the one with the most time first, of what CPUs counted by slot."""
    by_slot: dict[int, list[SyscallTotals]] = {}
    for syscalls in cpus:
        for slot, counts in syscalls.items():
            by_slot.setdefault(slot, []).append(counts)
    rows = []
    for slot, all_counts in by_slot.items():
        abi, nr = (-1, -1) if slot == OTHER_SLOT else divmod(slot, SHAPES)
        calls = sum(counts.entries for counts in all_counts)
        if calls:
            rows.append(
                CountRow(
                    abi,
                    nr,
                    calls,
                    _sum_columns([counts.errors for counts in all_counts]),
                    sum(counts.total_ns for counts in all_counts),
                    _sum_columns([counts.latency for counts in all_counts]),
                )
            )
    return sorted(rows, key=lambda row: (-row.total_ns, row.abi, row.nr))


def _sum_columns(lists: Sequence[list[int]]) -> list[int]:
    return [sum(column) for column in zip(*lists, strict=True)]
