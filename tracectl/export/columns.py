"""The calls and events of a capture as columns: words instead of numbers, units in the names.

All exports of rows and the views of ``tracectl query`` are made of these. docs/query.md says what
each column is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracectl.abi.records import ABIS
from tracectl.analysis.calls import Calls, State, join_calls
from tracectl.analysis.codes import call_keys, codes_of
from tracectl.analysis.containers import container_of
from tracectl.analysis.fds import fds_of, takers_of
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
    "fd": "its first argument where that is a file descriptor",
    "fd_path": "what was behind it, as /proc/PID/fd shows it; none where nothing told",
    "result": "what it returned; an error is -4095 to -1",
    "errno": "name of the error; none where it did not fail",
    "paths": "paths it opened or looked up, the kernel's own copies",
}
WRITTEN_COLUMNS = tuple(name for name in CALL_COLUMNS if name != "fd_path")
"""What exports have: to follow descriptors takes longer than to write all the rest."""
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
    of_lives: Columns = field(init=False)
    takes_fd: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "processes", Processes(self.lives))
        object.__setattr__(self, "of_lives", _of_lives(self.processes.lives))
        object.__setattr__(self, "takes_fd", takers_of(self.tables))


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


def iter_blocks(parts: Iterable[Calls], rows: int = BLOCK_ROWS) -> Iterator[Calls]:
    """The calls of ``parts`` in blocks of ``rows``, the last one of fewer: what exporters hold at a
    time. One without rows when there are none."""
    held: list[Calls] = []
    count, is_first = 0, True
    for part in parts:
        held.append(part)
        count += len(part)
        if count >= rows:
            whole, start = join_calls(held), 0
            for start in range(0, count - rows + 1, rows):
                yield whole.between(start, start + rows)
            held = [whole.between(start + rows, count)]
            count, is_first = len(held[0]), False
    if count or is_first:
        yield join_calls(held)


class _Block:
    """Calls, with what several columns are made of."""

    def __init__(
        self, source: Source, calls: Calls, behind: Sequence[bytes | None] | None = None
    ) -> None:
        self.source = source
        self.calls = calls
        self.behind = behind

    @cached_property
    def has_entry(self) -> NDArray[np.bool_]:
        has_entry: NDArray[np.bool_] = self.calls.state != State.NO_ENTRY
        return has_entry

    @cached_property
    def has_exit(self) -> NDArray[np.bool_]:
        has_exit: NDArray[np.bool_] = self.calls.state != State.UNFINISHED
        return has_exit

    @cached_property
    def processes(self) -> NDArray[np.int64]:
        return self.source.processes.find(self.calls.tgid, self.calls.first_ns)


_MAKERS: dict[str, Callable[[_Block], Column]] = {
    "file": lambda block: constant(block.source.file, len(block.calls)),
    "host": lambda block: constant(block.source.host, len(block.calls)),
    "time": lambda block: time_of(block.source, block.calls.first_ns),
    "entry_ns": lambda block: Column(block.calls.entry_ns.view(np.int64), block.has_entry),
    "exit_ns": lambda block: Column(block.calls.exit_ns.view(np.int64), block.has_exit),
    "duration_ns": lambda block: Column(
        block.calls.duration_ns.view(np.int64), block.has_entry & block.has_exit
    ),
    "pid": lambda block: Column(block.calls.tgid.astype(np.int32)),
    "tid": lambda block: Column(block.calls.tid.astype(np.int32)),
    "syscall": lambda block: syscall_of(block.source, block.calls.abi, block.calls.nr),
    "abi": lambda block: abi_of(block.source, block.calls.abi),
    "nr": lambda block: Column(block.calls.nr.astype(np.int32)),
    "state": lambda block: Column(block.calls.state.astype(np.int32), words=_STATES),
    "args": lambda block: _arguments_of(block.source, block.calls, block.has_entry),
    "fd": lambda block: _fd_of(block.source, block.calls),
    "fd_path": lambda block: _behind_of(block.behind or [None] * len(block.calls)),
    "result": lambda block: Column(block.calls.result, block.has_exit),
    "errno": lambda block: errno_of(block.calls.result, block.has_exit),
    "paths": lambda block: _paths_of(block.calls),
}


def columns_of(
    source: Source,
    calls: Calls,
    wanted: Collection[str] = WRITTEN_COLUMNS,
    behind: Sequence[bytes | None] | None = None,
) -> Columns:
    """A row a call, of CALL_COLUMNS those that are ``wanted``. ``behind`` are what their
    descriptors led to."""
    block = _Block(source, calls, behind)
    return {
        name: process_column(source, name, block.processes)
        if name in PROCESS_COLUMNS
        else _MAKERS[name](block)
        for name in CALL_COLUMNS
        if name in wanted
    }


def constant(text: str, count: int) -> Column:
    return Column(np.zeros(count, np.int32), words=[text])


def time_of(source: Source, trace_ns: NDArray[np.uint64]) -> Column:
    return Column(source.clock.real_ns(trace_ns).view("datetime64[ns]"))


def process_column(source: Source, name: str, found: NDArray[np.int64]) -> Column:
    """One of PROCESS_COLUMNS; ``found`` are indices into the lives of ``source.processes``."""
    column = source.of_lives[name]
    valid = None if column.valid is None else column.valid[found]
    return Column(column.values[found], valid, column.words)


def _of_lives(lives: Sequence[Life]) -> Columns:
    return {
        "process": words_of([life.comm or None for life in lives]),
        "ppid": numbers_of([life.ppid or None for life in lives], np.int32),
        "uid": numbers_of([life.uid for life in lives]),
        "cgroup": words_of([life.cgroup or None for life in lives]),
        "container": words_of([container_of(life.cgroup) or None for life in lives]),
    }


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
    keys, which = call_keys(abi, nr)
    words = [table_of(source, key_abi).name(key_nr) for key_abi, key_nr in keys]
    return Column(which, valid, words)


def abi_of(
    source: Source, abi: NDArray[np.int64], valid: NDArray[np.bool_] | None = None
) -> Column:
    words = [abi_name(source.tables, one) for one in range(ABIS)]
    return Column(np.minimum(abi, ABIS - 1).astype(np.int32), valid, words)


def errno_of(result: NDArray[np.int64], valid: NDArray[np.bool_]) -> Column:
    failed = valid & (result < 0) & (result >= -4095)
    which, errors = codes_of(np.where(failed, -result, 0))
    words = [error_name(error) if error else "" for error in errors]
    return Column(which, failed, words)


def table_of(source: Source, abi: int) -> SyscallTable:
    return source.tables[min(abi, len(source.tables) - 1)]


def _arguments_of(source: Source, calls: Calls, has_entry: NDArray[np.bool_]) -> Column:
    """As many as the call has; 6 where it is not known."""
    keys, which = call_keys(calls.abi, calls.nr)
    known = [table_of(source, abi).get(nr) for abi, nr in keys]
    counts = np.array([6 if call is None else len(call.args) for call in known], np.int64)[which]
    counts = np.where(has_entry, counts, 0)
    values = calls.arguments[np.arange(6) < counts[:, None]]
    return Column(values, has_entry, offsets=_offsets_of(counts))


def _paths_of(calls: Calls) -> Column:
    rows = np.array(calls.name_row, np.int64)
    order = np.argsort(rows, kind="stable")
    counts = np.bincount(rows, minlength=len(calls))
    index: dict[bytes, int] = {}
    which = np.array([index.setdefault(name, len(index)) for name in calls.names], np.int32)
    words = [text_of(name) for name in index]
    return Column(which[order], words=words, offsets=_offsets_of(counts))


def _offsets_of(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate(([0], np.cumsum(counts))).astype(np.int64)


def _fd_of(source: Source, calls: Calls) -> Column:
    rows, fds = fds_of(calls, source.takes_fd)
    values, valid = np.zeros(len(calls), np.int32), np.zeros(len(calls), np.bool_)
    values[rows], valid[rows] = fds, True
    return Column(values, valid)


def _behind_of(behind: Sequence[bytes | None]) -> Column:
    return words_of([None if path is None else text_of(path) for path in behind])
