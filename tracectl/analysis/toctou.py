"""Paths and addresses that changed in user memory between the entry of a call and the kernel's
reading them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from tracectl.abi.records import Kind
from tracectl.analysis.calls import Calls

Key = tuple[int, int, int, bytes, bytes]
"""The fields of a Divergence but its count."""


@dataclass(frozen=True, slots=True)
class Divergence:
    """``count`` calls of process ``tgid`` were entered with ``entered`` and acted on ``used``."""

    abi: int
    nr: int
    tgid: int
    entered: bytes
    used: bytes
    count: int


def find_divergences(calls: Calls) -> list[Divergence]:
    """All of them, the most frequent first."""
    return divergences_in(count_divergences(calls))


def divergences_in(counts: Counter[Key]) -> list[Divergence]:
    return [Divergence(*key, count) for key, count in counts.most_common()]


def count_divergences(calls: Calls) -> Counter[Key]:
    return Counter(
        (
            int(calls.abi[row]),
            int(calls.nr[row]),
            int(calls.tgid[row]),
            copy.paths[0],
            copy.paths[1],
        )
        for row, copy in zip(calls.copy_row, calls.copies, strict=True)
        if copy.kind == Kind.DIVERGENCE
    )
