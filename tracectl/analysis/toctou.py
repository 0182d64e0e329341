"""Paths that changed in user memory between the entry of a call and the kernel's reading them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from tracectl.abi.records import Kind
from tracectl.analysis.calls import Calls


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
    counts = Counter(
        (int(calls.abi[row]), int(calls.nr[row]), int(calls.tgid[row]), *copy.paths)
        for row, copy in zip(calls.copy_row, calls.copies, strict=True)
        if copy.kind == Kind.DIVERGENCE
    )
    return [Divergence(*key, count) for key, count in counts.most_common()]
