"""System calls: one row each."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from tracectl.abi.records import Kind
from tracectl.decode.copies import Copy

_U64 = NDArray[np.uint64]
_I64 = NDArray[np.int64]


class State(IntEnum):
    """What of a call was recorded."""

    PAIRED = 0
    UNFINISHED = 1
    """Its exit was lost, or never came: exit_group, or tracing stopped inside it."""
    NO_ENTRY = 2
    """Its entry was lost, or came before tracing; a new thread's first return, too."""


@dataclass(frozen=True, slots=True)
class Calls:
    """One row a call; times in ns of CLOCK_MONOTONIC.

    ``entry_ns`` or ``exit_ns`` is 0 where that half is missing. ``arguments`` has shape (n, 6) and
    is not sign-extended. ``copies`` are the kernel's, of what its calls were given; ``copy_row``
    has the row of each one's call, ascending. ``cpu`` is where it ended, or began where it did not
    end; ``entry_cpu`` where it began, None where all of them ended there, too.
    """

    tid: _I64
    tgid: _I64
    abi: _I64
    nr: _I64
    entry_ns: _U64
    exit_ns: _U64
    result: _I64
    state: NDArray[np.uint8]
    cpu: NDArray[np.int32]
    arguments: _U64
    copies: list[Copy] = field(default_factory=list)
    copy_row: list[int] = field(default_factory=list)
    entry_cpu: NDArray[np.int32] | None = None

    def __len__(self) -> int:
        return len(self.tid)

    @property
    def names(self) -> list[bytes]:
        """The paths among the copies."""
        return [copy.data for copy in self.copies if copy.kind == Kind.NAME]

    @property
    def name_row(self) -> list[int]:
        """The row of each path's call."""
        pairs = zip(self.copies, self.copy_row, strict=True)
        return [row for copy, row in pairs if copy.kind == Kind.NAME]

    @property
    def first_cpu(self) -> NDArray[np.int32]:
        """Where it began, or ended where that is all that is known."""
        return self.cpu if self.entry_cpu is None else self.entry_cpu

    @property
    def duration_ns(self) -> _U64:
        """0 where one half is missing."""
        return np.where(self.state == State.PAIRED, self.exit_ns - self.entry_ns, np.uint64(0))

    @property
    def first_ns(self) -> _U64:
        """When it began, or ended where that is all that is known."""
        return np.where(self.state == State.NO_ENTRY, self.exit_ns, self.entry_ns)

    def between(self, start: int, stop: int) -> Calls:
        """The calls from row ``start`` to before row ``stop``; they share this one's columns."""
        part = slice(start, stop)
        low, high = bisect_left(self.copy_row, start), bisect_left(self.copy_row, stop)
        return Calls(
            self.tid[part],
            self.tgid[part],
            self.abi[part],
            self.nr[part],
            self.entry_ns[part],
            self.exit_ns[part],
            self.result[part],
            self.state[part],
            self.cpu[part],
            self.arguments[part],
            self.copies[low:high],
            [row - start for row in self.copy_row[low:high]],
            None if self.entry_cpu is None else self.entry_cpu[part],
        )

    def select(self, rows: NDArray[np.intp]) -> Calls:
        """The calls ``rows``, in that order."""
        copies, copy_row = self.copies, self.copy_row
        if copies:
            where = np.full(len(self), -1)
            where[rows] = np.arange(len(rows))
            new_row = where[copy_row]
            kept = np.flatnonzero(new_row >= 0)
            kept = kept[np.argsort(new_row[kept], kind="stable")]
            copies = [copies[index] for index in kept.tolist()]
            copy_row = new_row[kept].tolist()
        return Calls(
            self.tid[rows],
            self.tgid[rows],
            self.abi[rows],
            self.nr[rows],
            self.entry_ns[rows],
            self.exit_ns[rows],
            self.result[rows],
            self.state[rows],
            self.cpu[rows],
            self.arguments[rows],
            copies,
            copy_row,
            None if self.entry_cpu is None else self.entry_cpu[rows],
        )


def no_calls() -> Calls:
    u64, i64 = np.zeros(0, np.uint64), np.zeros(0, np.int64)
    state, cpu = np.zeros(0, np.uint8), np.zeros(0, np.int32)
    return Calls(i64, i64, i64, i64, u64, u64, i64, state, cpu, np.zeros((0, 6), np.uint64))


def join_calls(blocks: Sequence[Calls]) -> Calls:
    """All of them, one block after the other."""
    if len(blocks) == 1:
        return blocks[0]
    blocks = blocks or [no_calls()]
    copies: list[Copy] = []
    copy_row: list[int] = []
    start = 0
    for block in blocks:
        copies += block.copies
        copy_row += [row + start for row in block.copy_row]
        start += len(block)
    return Calls(
        np.concatenate([block.tid for block in blocks]),
        np.concatenate([block.tgid for block in blocks]),
        np.concatenate([block.abi for block in blocks]),
        np.concatenate([block.nr for block in blocks]),
        np.concatenate([block.entry_ns for block in blocks]),
        np.concatenate([block.exit_ns for block in blocks]),
        np.concatenate([block.result for block in blocks]),
        np.concatenate([block.state for block in blocks]),
        np.concatenate([block.cpu for block in blocks]),
        np.concatenate([block.arguments for block in blocks]),
        copies,
        copy_row,
        None
        if all(block.entry_cpu is None for block in blocks)
        else np.concatenate([block.first_cpu for block in blocks]),
    )


def sort_calls(calls: Calls) -> Calls:
    """By ``first_ns``."""
    return calls.select(np.argsort(calls.first_ns, kind="stable"))
