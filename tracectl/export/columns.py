"""The calls and events of a capture as columns: words instead of numbers, units in the names.

All exports of rows and the views of ``tracectl query`` are made of these. docs/query.md says what
each column is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracectl.abi.records import ABIS
from tracectl.analysis.calls import Calls, State
from tracectl.analysis.containers import container_of
from tracectl.analysis.tasks import Life, Processes, text_of
from tracectl.analysis.wallclock import WallClock
from tracectl.render.results import error_name
from tracectl.tables.table import SyscallTable, abi_name

BLOCK_ROWS = 1 << 16
PROCESS_COLUMNS = {
    "process": "name of the process at that time; none where nothing told it",
    "ppid": "process id of its parent; none where it is not known",
    "uid": "user id of the process at that time, the real one; none where it is not known",
    "cgroup": "its cgroup at that time: a path from the root of v2 on",
    "container": "the container of that cgroup: the first 12 digits of an id, or a machine's name",
}
CALL_COLUMNS = {
    "file": "the capture",
    "host": "where it was made",
    "time": "time of day of the entry, or of the exit where that is not known; UTC",
    "entry_ns": "ns on the session's clock; none where the entry was not recorded",
    "exit_ns": "ns on the session's clock; none where the exit was not recorded",
    "duration_ns": "ns between the two",
    "pid": "process (thread group) id",
    "tid": "thread id",
    **PROCESS_COLUMNS,
    "syscall": "name of the system call",
    "abi": "x86_64, i386 or x32; aarch64 or arm",
    "nr": "number of the system call in its ABI",
    "state": "paired, unfinished (no exit) or no entry",
    "args": "the arguments, as registers: not sign-extended",
    "result": "what it returned; an error is -4095 to -1",
    "errno": "name of the error; none where it did not fail",
    "paths": "paths it opened or looked up, the kernel's own copies",
}
_STATES = ["paired", "unfinished", "no entry"]


@dataclass(frozen=True, slots=True)
class Source:
    """What the columns of a capture need beside its records; ``tables`` are by ABI. ``losses`` say
    when, on which CPU, and how many events it had lost until then."""

    file: str
    host: str
    tables: Sequence[SyscallTable]
    clock: WallClock
    lives: list[Life] = field(default_factory=list)
    losses: list[tuple[int, int, int]] = field(default_factory=list)
    processes: Processes = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "processes", Processes(self.lives))


@dataclass(frozen=True, slots=True)
class Column:
    """``values`` are indices where there are ``words``. With ``offsets``, row i is the list of the
    values from ``offsets[i]`` to ``offsets[i + 1]``. Rows that are not ``valid`` have no value."""

    values: NDArray[Any]
    valid: NDArray[np.bool_] | None = None
    words: list[str] | None = None
    offsets: NDArray[np.int64] | None = None

    def to_list(self) -> list[Any]:
        """The rows as Python has them; None where there is no value."""
        if self.values.dtype.kind == "M":
            values = list(np.datetime_as_string(self.values, unit="ns", timezone="UTC"))
        else:
            values = list(self.values.tolist())
        if self.words is not None:
            words = self.words
            values = [words[index] for index in values]
        if self.offsets is not None:
            ends = self.offsets.tolist()
            values = [values[start:end] for start, end in pairwise(ends)]
        if self.valid is None:
            return values
        pairs = zip(values, self.valid.tolist(), strict=True)
        return [value if is_valid else None for value, is_valid in pairs]


Columns = dict[str, Column]


def iter_blocks(calls: Calls, rows: int = BLOCK_ROWS) -> Iterator[Calls]:
    """``calls`` in blocks of ``rows`` at most, which is what the exporters hold at a time; one
    without rows when there are none."""
    for start in range(0, max(len(calls), 1), rows):
        yield calls.between(start, min(start + rows, len(calls)))


def columns_of(source: Source, calls: Calls) -> Columns:
    """A row a call."""
    has_entry = calls.state != State.NO_ENTRY
    has_exit = calls.state != State.UNFINISHED
    first_ns = np.where(has_entry, calls.entry_ns, calls.exit_ns)
    count = len(calls)
    return {
        "file": constant(source.file, count),
        "host": constant(source.host, count),
        "time": time_of(source, first_ns),
        "entry_ns": Column(calls.entry_ns.astype(np.int64), has_entry),
        "exit_ns": Column(calls.exit_ns.astype(np.int64), has_exit),
        "duration_ns": Column(calls.duration_ns.astype(np.int64), has_entry & has_exit),
        "pid": Column(calls.tgid.astype(np.int32)),
        "tid": Column(calls.tid.astype(np.int32)),
        **process_columns(source, calls.tgid, first_ns),
        "syscall": syscall_of(source, calls.abi, calls.nr),
        "abi": abi_of(source, calls.abi),
        "nr": Column(calls.nr.astype(np.int32)),
        "state": Column(calls.state.astype(np.int32), words=_STATES),
        "args": _arguments_of(source, calls, has_entry),
        "result": Column(calls.result, has_exit),
        "errno": errno_of(calls.result, has_exit),
        "paths": _paths_of(calls),
    }


def constant(text: str, count: int) -> Column:
    return Column(np.zeros(count, np.int32), words=[text])


def time_of(source: Source, trace_ns: NDArray[np.uint64]) -> Column:
    return Column(source.clock.real_ns(trace_ns).view("datetime64[ns]"))


def process_columns(source: Source, tgid: NDArray[np.int64], at_ns: NDArray[np.uint64]) -> Columns:
    """Who each of the processes was at its time."""
    found = source.processes.find(tgid, at_ns)
    lives = source.processes.lives
    columns = {
        "process": words_of([life.comm or None for life in lives]),
        "ppid": numbers_of([life.ppid or None for life in lives], np.int32),
        "uid": numbers_of([life.uid for life in lives]),
        "cgroup": words_of([life.cgroup or None for life in lives]),
        "container": words_of([container_of(life.cgroup) or None for life in lives]),
    }
    return {name: _rows_of(column, found) for name, column in columns.items()}


def _rows_of(column: Column, rows: NDArray[np.int64]) -> Column:
    valid = None if column.valid is None else column.valid[rows]
    return Column(column.values[rows], valid, column.words)


def words_of(texts: Sequence[str | None]) -> Column:
    words = sorted({text for text in texts if text is not None})
    index = {word: at for at, word in enumerate(words)}
    codes = np.array([0 if text is None else index[text] for text in texts], np.int32)
    return Column(codes, np.array([text is not None for text in texts], np.bool_), words or [""])


def numbers_of(numbers: Sequence[int | None], dtype: type[np.integer[Any]] = np.int64) -> Column:
    values = np.array([0 if number is None else number for number in numbers], dtype)
    return Column(values, np.array([number is not None for number in numbers], np.bool_))


def syscall_of(
    source: Source,
    abi: NDArray[np.int64],
    nr: NDArray[np.int64],
    valid: NDArray[np.bool_] | None = None,
) -> Column:
    keys, which = _keys_of(abi, nr)
    words = [table_of(source, key_abi).name(key_nr) for key_abi, key_nr in keys]
    return Column(which.astype(np.int32), valid, words)


def abi_of(
    source: Source, abi: NDArray[np.int64], valid: NDArray[np.bool_] | None = None
) -> Column:
    words = [abi_name(source.tables, one) for one in range(ABIS)]
    return Column(np.minimum(abi, ABIS - 1).astype(np.int32), valid, words)


def errno_of(result: NDArray[np.int64], valid: NDArray[np.bool_]) -> Column:
    failed = valid & (result < 0) & (result >= -4095)
    errors, which = np.unique(np.where(failed, -result, 0), return_inverse=True)
    words = [error_name(error) if error else "" for error in errors.tolist()]
    return Column(which.astype(np.int32), failed, words)


def table_of(source: Source, abi: int) -> SyscallTable:
    return source.tables[min(abi, len(source.tables) - 1)]


def _arguments_of(source: Source, calls: Calls, has_entry: NDArray[np.bool_]) -> Column:
    """As many as the call has; 6 where it is not known."""
    keys, which = _keys_of(calls.abi, calls.nr)
    known = [table_of(source, abi).get(nr) for abi, nr in keys]
    counts = np.array([6 if call is None else len(call.args) for call in known], np.int64)[which]
    counts = np.where(has_entry, counts, 0)
    values = calls.arguments[np.arange(6) < counts[:, None]]
    return Column(values, has_entry, offsets=_offsets_of(counts))


def _paths_of(calls: Calls) -> Column:
    rows = np.array(calls.name_row, np.int64)
    order = np.argsort(rows, kind="stable")
    counts = np.bincount(rows, minlength=len(calls))
    words = [text_of(name) for name in calls.names]
    return Column(order.astype(np.int32), words=words, offsets=_offsets_of(counts))


def _offsets_of(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate(([0], np.cumsum(counts))).astype(np.int64)


def _keys_of(
    abi: NDArray[np.int64], nr: NDArray[np.int64]
) -> tuple[list[tuple[int, int]], NDArray[np.int64]]:
    """The different (ABI, number), and which of them each row is."""
    keys, which = np.unique(abi << 32 | (nr & 0xFFFFFFFF), return_inverse=True)
    signed = (keys & 0xFFFFFFFF).astype(np.uint32).view(np.int32)
    return list(zip((keys >> 32).tolist(), signed.tolist(), strict=True)), which
