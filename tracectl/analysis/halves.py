"""What is left of a sub-buffer to be paired by thread: halves of calls, and what ends calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tracectl import walk
from tracectl.abi.records import NR_BITS, Kind
from tracectl.analysis.calls import Calls, State
from tracectl.decode.arguments import Shapes, arguments_of, numbers_of
from tracectl.decode.copies import COPY_KINDS, Copy, copies_of
from tracectl.decode.near import near_pairs, results_of
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


class NearRows(NamedTuple):
    """The rows of the entries and of the exits of near calls, in order."""

    entries: Rows
    exits: Rows


class _CallColumns(NamedTuple):
    tid: NDArray[np.int64]
    tgid: NDArray[np.int64]
    abi: NDArray[np.int64]
    nr: NDArray[np.int64]
    entry_ns: NDArray[Any]
    exit_ns: NDArray[Any]
    result: NDArray[np.int64]


class _HalfColumns(NamedTuple):
    time_ns: NDArray[Any]
    tid: NDArray[np.int64]
    tgid: NDArray[np.int64]
    abi: NDArray[np.int64]
    nr: NDArray[np.int64]
    value: NDArray[np.int64]


class _Split(NamedTuple):
    """``rows`` are the records that near calls leave, and what ``half`` each is."""

    calls: _CallColumns
    rows: Rows
    half: NDArray[np.uint8]
    halves: _HalfColumns


def split_calls(records: Records, shapes: Shapes | None) -> tuple[Calls, Halves]:
    """The calls that stand whole in ``records``, and what is left. Without ``shapes`` both have
    neither arguments (they are 0) nor copies."""
    near = NearRows(*near_pairs(records))
    half_of = _HALVES_ALONE if shapes is None else _HALVES
    split = _split_compiled(records, near, half_of)
    if split is None:
        rows, half = _rows_left(records, near, half_of)
        halves = _columns_of_halves(records, rows, half)
        split = _Split(_columns_of_calls(records, near), rows, half, halves)
    return _whole(records, near, shapes, split.calls), _halves(records, shapes, split)


def _split_compiled(records: Records, near: NearRows, half_of: NDArray[np.uint8]) -> _Split | None:
    if walk.compiled is None:
        return None
    room = int(records.kinds[half_of != _NONE].sum()) + len(records.whole)
    calls = np.empty((len(_CallColumns._fields), len(near.entries)), np.int64)
    rows, half = np.empty(room, np.intp), np.empty(room, np.uint8)
    halves = np.empty((len(_HalfColumns._fields), room), np.int64)
    count = walk.compiled.split_calls(
        *records.columns, *near, records.whole, half_of, calls, rows, half, halves
    )
    if count is None:
        return None
    return _Split(
        _CallColumns(*calls), rows[:count], half[:count], _HalfColumns(*halves[:, :count])
    )


def _rows_left(
    records: Records, near: NearRows, half_of: NDArray[np.uint8]
) -> tuple[Rows, NDArray[np.uint8]]:
    """The records that ``near`` leaves to be paired, and what each is.

    Of the near calls that a thread makes in a row, the first is an END: it tells that the call
    before it is over.
    """
    half = half_of[records.kind]
    half[near.entries] = Half.END
    half[records.whole + 1] = Half.SURE_EXIT
    rows = np.flatnonzero(half != _NONE)
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


def _is_inside(near: NearRows, rows: Rows) -> NDArray[np.bool_]:
    """Whether each row is between the entry and the exit of a near call."""
    if not len(near.entries):
        return np.zeros(len(rows), np.bool_)
    at = np.searchsorted(near.entries, rows) - 1
    inside: NDArray[np.bool_] = (at >= 0) & (near.exits[at] > rows)
    return inside


def _copies_inside(records: Records, near: NearRows) -> tuple[list[Copy], list[int]]:
    """Copies in near calls, and which of ``near`` each is of."""
    rows = records.rows(*COPY_KINDS)
    rows = rows[_is_inside(near, rows)]
    owners = np.searchsorted(near.entries, rows) - 1
    return (copies_of(records, rows) if len(rows) else []), owners.tolist()


def _whole(records: Records, near: NearRows, shapes: Shapes | None, columns: _CallColumns) -> Calls:
    count = len(near.entries)
    arguments = np.zeros((count, 0), np.uint64)
    copies: list[Copy] = []
    owners: list[int] = []
    if shapes is not None:
        arguments = arguments_of(records, near.entries, shapes)
        copies, owners = _copies_inside(records, near)
    return Calls(
        tid=columns.tid,
        tgid=columns.tgid,
        abi=columns.abi,
        nr=columns.nr,
        entry_ns=columns.entry_ns.view(np.uint64),
        exit_ns=columns.exit_ns.view(np.uint64),
        result=columns.result,
        state=np.full(count, State.PAIRED, np.uint8),
        cpu=np.full(count, records.cpu, np.int32),
        arguments=arguments,
        copies=copies,
        copy_row=owners,
    )


def _columns_of_calls(records: Records, near: NearRows) -> _CallColumns:
    entries = near.entries
    return _CallColumns(
        records.tid[entries].astype(np.int64),
        records.tgid[entries].astype(np.int64),
        (records.id[entries] >> NR_BITS).astype(np.int64),
        numbers_of(records, entries),
        records.time_ns[entries],
        records.time_ns[near.exits],
        results_of(records, near.exits),
    )


def _halves(records: Records, shapes: Shapes | None, split: _Split) -> Halves:
    rows, half, columns = split.rows, split.half, split.halves
    count = len(rows)
    arguments = np.zeros((count, 0 if shapes is None else 6), np.uint64)
    copies = _no_copies(count, shapes)
    if shapes is not None:
        entries = np.flatnonzero(half == Half.ENTRY)
        arguments[entries] = arguments_of(records, rows[entries], shapes)
        copied = np.flatnonzero(half == Half.COPY)
        for row, copy in zip(copied.tolist(), copies_of(records, rows[copied]), strict=True):
            copies[row] = (copy,)
    return Halves(
        columns.time_ns.view(np.uint64),
        columns.tid,
        columns.tgid,
        half,
        columns.abi,
        columns.nr,
        columns.value,
        np.full(count, records.cpu, np.int32),
        arguments,
        copies,
    )


def _columns_of_halves(records: Records, rows: Rows, half: NDArray[np.uint8]) -> _HalfColumns:
    tid, nr = records.tid[rows].astype(np.int64), (records.id[rows] & _NR).astype(np.int64)
    value = np.zeros(len(rows), np.int64)
    exits = np.flatnonzero((half == Half.EXIT) | (half == Half.SURE_EXIT))
    value[exits] = results_of(records, rows[exits])
    if len(renames := np.flatnonzero(half == Half.RENAME)):
        value[renames] = records.bodies(Kind.EXEC, rows[renames])["old_tid"]
    # The child of a fork is the one of whom nothing older can be open.
    if len(forks := np.flatnonzero(records.kind[rows] == Kind.FORK)):
        tid[forks] = records.bodies(Kind.FORK, rows[forks])["tid"]
    entries = np.flatnonzero(half == Half.ENTRY)
    nr[entries] = numbers_of(records, rows[entries])
    tgid, abi = records.tgid[rows].astype(np.int64), (records.id[rows] >> NR_BITS).astype(np.int64)
    return _HalfColumns(records.time_ns[rows], tid, tgid, abi, nr, value)
