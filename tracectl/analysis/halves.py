"""What is left of a sub-buffer to be paired by thread: halves of calls, and what ends calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracectl.abi.records import NR_BITS, Kind
from tracectl.analysis.calls import Calls, State
from tracectl.decode.arguments import Shapes, arguments_of, numbers_of
from tracectl.decode.copies import COPY_KINDS, Copy, copies_of
from tracectl.decode.near import NearCalls, near_calls, results_of
from tracectl.decode.subbuffer import Records, Rows

_NR = (1 << NR_BITS) - 1
_NONE = 255


class Half(IntEnum):
    """What happened to the thread."""

    ENTRY = 0
    EXIT = 1
    COPY = 2
    END = 3
    """An open call of it does not return: another one followed, or it is gone."""
    RENAME = 4
    """exec in a thread other than the leader ended the leader and gave its tid to the thread; the
    open call of thread ``value``, which is its execve, ends under ``tid``."""
    SURE_EXIT = 5
    """Whatever was lost, it is the exit of the entry before it."""


def _by_kind(halves: dict[Kind, Half]) -> NDArray[np.uint8]:
    table = np.full(256, _NONE, np.uint8)
    table[list(halves)] = list(halves.values())
    return table


_BY_KIND = {
    Kind.ENTRY: Half.ENTRY,
    Kind.EXIT: Half.EXIT,
    Kind.FORK: Half.END,
    Kind.TASK_EXIT: Half.END,
    Kind.EXEC: Half.RENAME,
}
_HALVES_ALONE = _by_kind(_BY_KIND)
_HALVES = _by_kind(_BY_KIND | dict.fromkeys(COPY_KINDS, Half.COPY))


@dataclass(frozen=True, slots=True)
class Halves:
    """One row an event, in the order in which one CPU told them: ``told_ns``, which is that of time
    but for entries right before their SURE_EXIT.

    ``value`` is an exit's result or a rename's old tid; ``arguments`` are an entry's, shape (n, 6).
    ``copies`` has a tuple of Copy in rows that have any, else what is false: None, or where none
    are wanted a bool, since objects are slow to move.
    """

    time_ns: NDArray[np.uint64]
    tid: NDArray[np.int64]
    tgid: NDArray[np.int64]
    half: NDArray[np.uint8]
    abi: NDArray[np.int64]
    nr: NDArray[np.int64]
    value: NDArray[np.int64]
    cpu: NDArray[np.int32]
    arguments: NDArray[np.uint64]
    copies: NDArray[Any]

    def __len__(self) -> int:
        return len(self.tid)

    @property
    def told_ns(self) -> NDArray[np.uint64]:
        """Ascending."""
        sure = np.flatnonzero(self.half == Half.SURE_EXIT)
        if not len(sure):
            return self.time_ns
        told_ns = self.time_ns.copy()
        told_ns[sure - 1] = told_ns[sure]
        return told_ns

    def __getitem__(self, rows: NDArray[Any] | slice) -> Halves:
        return Halves(*(getattr(self, item.name)[rows] for item in fields(self)))


def join_halves(parts: Sequence[Halves]) -> Halves:
    return Halves(
        *(np.concatenate([getattr(part, item.name) for part in parts]) for item in fields(Halves))
    )


def no_halves(shapes: Shapes | None) -> Halves:
    u64, i64 = np.zeros(0, np.uint64), np.zeros(0, np.int64)
    half, cpu = np.zeros(0, np.uint8), np.zeros(0, np.int32)
    arguments = np.zeros((0, 0 if shapes is None else 6), np.uint64)
    return Halves(u64, i64, i64, half, i64, i64, i64, cpu, arguments, _no_copies(0, shapes))


def _no_copies(count: int, shapes: Shapes | None) -> NDArray[Any]:
    return np.zeros(count, np.bool_) if shapes is None else np.full(count, None, np.object_)


def split_calls(records: Records, shapes: Shapes | None) -> tuple[Calls, Halves]:
    """The calls that stand whole in ``records``, and what is left. Without ``shapes`` both have
    neither arguments (they are 0) nor copies."""
    near = near_calls(records)
    rows, half = _rows_left(records, near, has_copies=shapes is not None)
    return _whole(records, near, shapes), _halves(records, rows, half, shapes)


def _rows_left(
    records: Records, near: NearCalls, *, has_copies: bool
) -> tuple[Rows, NDArray[np.uint8]]:
    """The records that ``near`` leaves to be paired, and what each is.

    Of the near calls that a thread makes in a row, the first is an END: it tells that the call
    before it is over.
    """
    half = (_HALVES if has_copies else _HALVES_ALONE)[records.kind]
    half[near.entries] = Half.END
    half[records.whole + 1] = Half.SURE_EXIT
    rows = np.flatnonzero(half != _NONE)
    if has_copies:
        rows = rows[(half[rows] != Half.COPY) | ~_is_inside(near, rows)]
    half = half[rows]
    is_near = (half == Half.END) & (records.kind[rows] == Kind.ENTRY)
    # A row of near calls ends with the thread's turn, or with anything else that is kept.
    turn = np.cumsum(records.kind == Kind.TASK)[rows]
    kept = ~is_near
    kept[:1] = True
    kept[1:] |= ~is_near[:-1] | (turn[1:] != turn[:-1])
    if len(renames := np.flatnonzero(half == Half.RENAME)):
        old_tid = records.bodies(Kind.EXEC, rows[renames])["old_tid"]
        kept[renames] = old_tid != records.tid[rows[renames]]
    return rows[kept], half[kept]


def _is_inside(near: NearCalls, rows: Rows) -> NDArray[np.bool_]:
    """Whether each row is between the entry and the exit of a near call."""
    if not len(near.entries):
        return np.zeros(len(rows), np.bool_)
    at = np.searchsorted(near.entries, rows) - 1
    inside: NDArray[np.bool_] = (at >= 0) & (near.exits[at] > rows)
    return inside


def _copies_inside(records: Records, near: NearCalls) -> tuple[list[Copy], list[int]]:
    """Copies in near calls, and which of ``near`` each is of."""
    rows = records.rows(*COPY_KINDS)
    rows = rows[_is_inside(near, rows)]
    owners = np.searchsorted(near.entries, rows) - 1
    return (copies_of(records, rows) if len(rows) else []), owners.tolist()


def _whole(records: Records, near: NearCalls, shapes: Shapes | None) -> Calls:
    entries = near.entries
    arguments = np.zeros((len(entries), 0), np.uint64)
    copies: list[Copy] = []
    owners: list[int] = []
    if shapes is not None:
        arguments = arguments_of(records, entries, shapes)
        copies, owners = _copies_inside(records, near)
    return Calls(
        tid=records.tid[entries].astype(np.int64),
        tgid=records.tgid[entries].astype(np.int64),
        abi=(records.id[entries] >> NR_BITS).astype(np.int64),
        nr=numbers_of(records, entries),
        entry_ns=records.time_ns[entries],
        exit_ns=records.time_ns[near.exits],
        result=near.results,
        state=np.full(len(entries), State.PAIRED, np.uint8),
        cpu=np.full(len(entries), records.cpu, np.int32),
        arguments=arguments,
        copies=copies,
        copy_row=owners,
    )


def _halves(records: Records, rows: Rows, half: NDArray[np.uint8], shapes: Shapes | None) -> Halves:
    count = len(rows)
    tid, nr = records.tid[rows].astype(np.int64), (records.id[rows] & _NR).astype(np.int64)
    value = np.zeros(count, np.int64)
    arguments = np.zeros((count, 0 if shapes is None else 6), np.uint64)
    copies = _no_copies(count, shapes)
    exits = np.flatnonzero((half == Half.EXIT) | (half == Half.SURE_EXIT))
    value[exits] = results_of(records, rows[exits])
    if len(renames := np.flatnonzero(half == Half.RENAME)):
        value[renames] = records.bodies(Kind.EXEC, rows[renames])["old_tid"]
    # The child of a fork is the one of whom nothing older can be open.
    if len(forks := np.flatnonzero(records.kind[rows] == Kind.FORK)):
        tid[forks] = records.bodies(Kind.FORK, rows[forks])["tid"]
    entries = np.flatnonzero(half == Half.ENTRY)
    nr[entries] = numbers_of(records, rows[entries])
    if shapes is not None:
        arguments[entries] = arguments_of(records, rows[entries], shapes)
        copied = np.flatnonzero(half == Half.COPY)
        for row, copy in zip(copied.tolist(), copies_of(records, rows[copied]), strict=True):
            copies[row] = (copy,)
    return Halves(
        records.time_ns[rows],
        tid,
        records.tgid[rows].astype(np.int64),
        half,
        (records.id[rows] >> NR_BITS).astype(np.int64),
        nr,
        value,
        np.full(count, records.cpu, np.int32),
        arguments,
        copies,
    )
