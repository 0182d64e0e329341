"""The events of a sub-buffer as columns, each as it was recorded: nothing is paired here."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tracectl.abi.records import (
    EXIT_KINDS,
    FRAMING_KINDS,
    KINDS,
    NR_BITS,
    STRING_KINDS,
    ArgvFlag,
    Kind,
)
from tracectl.analysis.tasks import text_of
from tracectl.decode.arguments import Shapes, arguments_of, numbers_of
from tracectl.decode.near import named_by, results_of
from tracectl.decode.subbuffer import Records, Rows
from tracectl.export.columns import (
    PROCESS_COLUMNS,
    Column,
    Columns,
    Source,
    abi_of,
    constant,
    process_column,
    syscall_of,
    time_of,
)
from tracectl.render.addresses import format_address
from tracectl.render.copies import format_strings
from tracectl.render.strings import format_string

EVENT_COLUMNS = {
    "file": "the capture",
    "host": "where it was made",
    "time": "time of day; UTC",
    "time_ns": "ns on the session's clock",
    "cpu": "where it happened",
    "pid": "process (thread group) id",
    "tid": "thread id",
    **PROCESS_COLUMNS,
    "kind": "entry, exit, open_how, name, argv, address, file, user, divergence, fork, exec, "
    "task_exit, rename, setuid, cgroup (one was made), attach (to one) or switch (of threads on "
    "the CPU)",
    "syscall": "of entry and exit: name of the system call; none where an exit does not tell",
    "abi": "of entry and exit: x86_64, i386 or x32; aarch64 or arm",
    "nr": "of entry and exit: number of the system call in its ABI",
    "args": "entry: the arguments; open_how: flags, mode, resolve; name: dfd, source, flags, "
    "site; argv: bytes, variables of the environment, flags; address: site, flags; "
    "file: fd, flags; user: argument, form, flags, bytes given; divergence: argument, bytes of the "
    "first path; fork: the child's tid and pid, uid, tid in its own pid namespace, parent, cgroup; "
    "exec: the tid before, uid, cgroup; rename: tid; setuid: uid; cgroup: inode; attach: tid, "
    "whether its whole process, cgroup; switch: tid of the next thread, state of the one before",
    "result": "exit: the result; task_exit: the wait status",
    "text": "name, file: the path; exec: the path of the image; argv, address, user: as strace "
    "writes them; divergence: the path at the entry, and the kernel's; rename: the new name; "
    "cgroup: its path",
}

_FIELDS = {
    Kind.OPEN_HOW: ("flags", "mode", "resolve"),
    Kind.NAME: ("dfd", "source", "flags", "site"),
    Kind.ARGV: ("bytes", "variables", "flags"),
    Kind.ADDRESS: ("site", "flags"),
    Kind.FILE: ("fd", "flags"),
    Kind.USER: ("argument", "form", "flags", "given"),
    Kind.DIVERGENCE: ("argument", "user_bytes"),
    Kind.FORK: ("tid", "tgid", "uid", "inner_tid", "ppid", "cgroup"),
    Kind.EXEC: ("old_tid", "uid", "cgroup"),
    Kind.RENAME: ("tid",),
    Kind.SETUID: ("uid",),
    Kind.CGROUP: ("cgroup",),
    Kind.ATTACH: ("tid", "whole", "cgroup"),
    Kind.SWITCH: ("next_tid", "state"),
}
_TEXT_KINDS = [*STRING_KINDS, Kind.RENAME]
_HAS_TEXT = np.isin(np.arange(256), _TEXT_KINDS)
_SHOWN_KIND = np.arange(256, dtype=np.uint8)
_SHOWN_KIND[list(EXIT_KINDS)] = Kind.EXIT
_ARGV_FLAGS = _FIELDS[Kind.ARGV].index("flags")
_KIND_WORDS = [Kind(number).name.lower() if number in set(Kind) else "" for number in range(KINDS)]


@dataclass(frozen=True, slots=True)
class Events:
    """One row an event, in the order of the sub-buffer. All exits are EXIT.

    ``nr`` is -1 where an exit does not tell. ``values`` has shape (n, 6): the arguments of an
    ENTRY, the fields of others. ``texts`` are the strings of the rows ``text_rows``; arguments of
    programs and addresses are as strace writes them.
    """

    cpu: int
    time_ns: NDArray[np.uint64]
    kind: NDArray[np.uint8]
    tid: NDArray[np.int64]
    tgid: NDArray[np.int64]
    abi: NDArray[np.int64]
    nr: NDArray[np.int64]
    values: NDArray[np.uint64]
    result: NDArray[np.int64]
    texts: list[bytes]
    text_rows: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.kind)

    def in_order(self, first_ns: int) -> Events:
        """In order of time, none before ``first_ns``: so late are the entries of calls that began
        before and were told when they ended."""
        time_ns = np.maximum(self.time_ns, np.uint64(first_ns))
        order = np.argsort(time_ns, kind="stable")
        place = np.empty(len(order), np.intp)
        place[order] = np.arange(len(order))
        text_rows = place[self.text_rows]
        texts = np.argsort(text_rows, kind="stable").tolist()
        columns = {
            item.name: getattr(self, item.name)[order]
            for item in dataclasses.fields(self)
            if item.name not in ("cpu", "texts", "text_rows")
        }
        return replace(
            self,
            **columns | {"time_ns": time_ns[order]},
            texts=[self.texts[index] for index in texts],
            text_rows=text_rows[texts],
        )


def no_events() -> Events:
    u64, i64 = np.zeros(0, np.uint64), np.zeros(0, np.int64)
    kind, rows = np.zeros(0, np.uint8), np.zeros(0, np.intp)
    values = np.zeros((0, 6), np.uint64)
    return Events(0, u64, kind, i64, i64, i64, i64, values, i64, [], rows)


def events_of(records: Records, shapes: Shapes) -> Events:
    rows = records.rows(*(set(Kind) - FRAMING_KINDS))
    raw_kind = records.kind[rows]
    kind = _SHOWN_KIND[raw_kind]
    named = named_by(records, rows)
    nr = (records.id[named] & ((1 << NR_BITS) - 1)).astype(np.int64)
    nr[nr == (1 << NR_BITS) - 1] = -1
    entered = np.flatnonzero(records.kind[named] == Kind.ENTRY)
    nr[entered] = numbers_of(records, named[entered])
    texts = np.flatnonzero(_HAS_TEXT[kind])
    values = _values_of(records, rows, kind, shapes)
    return Events(
        cpu=records.cpu,
        time_ns=records.time_ns[rows],
        kind=kind,
        tid=records.tid[rows].astype(np.int64),
        tgid=records.tgid[rows].astype(np.int64),
        abi=(records.id[named] >> NR_BITS).astype(np.int64),
        nr=nr,
        values=values,
        result=_results_of(records, rows, kind),
        texts=[
            _shown(int(kind[row]), text, int(values[row, _ARGV_FLAGS]))
            for row, text in zip(texts, _texts_of(records, rows[texts]), strict=True)
        ],
        text_rows=texts,
    )


class _Block:
    """Events, with what several columns are made of."""

    def __init__(self, source: Source, events: Events) -> None:
        self.source = source
        self.events = events

    @cached_property
    def is_call(self) -> NDArray[np.bool_]:
        return np.isin(self.events.kind, [Kind.ENTRY, Kind.EXIT])

    @cached_property
    def is_named(self) -> NDArray[np.bool_]:
        is_told: NDArray[np.bool_] = (self.events.kind == Kind.ENTRY) | (self.events.nr >= 0)
        return self.is_call & is_told

    @cached_property
    def nr(self) -> NDArray[np.int64]:
        return np.where(self.is_call, self.events.nr, 0)

    @cached_property
    def abi(self) -> NDArray[np.int64]:
        return np.where(self.is_call, self.events.abi, 0)

    @cached_property
    def processes(self) -> NDArray[np.int64]:
        return self.source.processes.find(self.events.tgid, self.events.time_ns)


_MAKERS: dict[str, Callable[[_Block], Column]] = {
    "file": lambda block: constant(block.source.file, len(block.events)),
    "host": lambda block: constant(block.source.host, len(block.events)),
    "time": lambda block: time_of(block.source, block.events.time_ns),
    "time_ns": lambda block: Column(block.events.time_ns.view(np.int64)),
    "cpu": lambda block: Column(np.full(len(block.events), block.events.cpu, np.int32)),
    "pid": lambda block: Column(block.events.tgid.astype(np.int32)),
    "tid": lambda block: Column(block.events.tid.astype(np.int32)),
    "kind": lambda block: Column(block.events.kind.astype(np.int32), words=_KIND_WORDS),
    "syscall": lambda block: syscall_of(block.source, block.abi, block.nr, block.is_named),
    "abi": lambda block: abi_of(block.source, block.abi, block.is_call),
    "nr": lambda block: Column(block.nr.astype(np.int32), block.is_named),
    "args": lambda block: _values_column(block.source, block.events),
    "result": lambda block: Column(
        block.events.result, np.isin(block.events.kind, [Kind.EXIT, Kind.TASK_EXIT])
    ),
    "text": lambda block: _text_column(block.events),
}


def event_columns(source: Source, events: Events, wanted: Collection[str]) -> Columns:
    """A row an event, of EVENT_COLUMNS those that are ``wanted``."""
    block = _Block(source, events)
    return {
        name: process_column(source, name, block.processes)
        if name in PROCESS_COLUMNS
        else _MAKERS[name](block)
        for name in EVENT_COLUMNS
        if name in wanted
    }


def _text_column(events: Events) -> Column:
    text = np.zeros(len(events), np.int32)
    text[events.text_rows] = np.arange(len(events.texts))
    words = [text_of(one) for one in events.texts]
    return Column(text, _HAS_TEXT[events.kind], words or [""])


def _texts_of(records: Records, rows: NDArray[np.intp]) -> list[bytes]:
    is_rename = records.kind[rows] == Kind.RENAME
    comms = records.bodies(Kind.RENAME, rows[is_rename])["comm"].tolist()
    strings = iter(records.strings(rows[~is_rename]))
    renamed = iter(comms)
    return [next(renamed) if one else next(strings) for one in is_rename.tolist()]


def _shown(kind: int, text: bytes, flags: int) -> bytes:
    """Strings as they are; what is none, as strace writes it."""
    if kind == Kind.ARGV:
        return format_strings(text, flags & ArgvFlag.TRUNCATED).encode()
    if kind == Kind.DIVERGENCE:
        return format_strings(text + bytes(1)).encode()
    if kind == Kind.USER:
        return format_string(text).encode()
    return format_address(text).encode() if kind == Kind.ADDRESS else text


def _values_of(
    records: Records, rows: Rows, kind: NDArray[np.uint8], shapes: Shapes
) -> NDArray[np.uint64]:
    values = np.zeros((len(rows), 6), np.uint64)
    entries = np.flatnonzero(kind == Kind.ENTRY)
    if len(entries):
        values[entries] = arguments_of(records, rows[entries], shapes)
    for body_kind, fields in _FIELDS.items():
        which = np.flatnonzero(kind == body_kind)
        bodies = records.bodies(body_kind, rows[which])
        for index, name in enumerate(fields):
            values[which, index] = bodies[name].astype(np.int64).view(np.uint64)
    return values


def _results_of(records: Records, rows: Rows, kind: NDArray[np.uint8]) -> NDArray[np.int64]:
    result = np.zeros(len(rows), np.int64)
    exits = np.flatnonzero(kind == Kind.EXIT)
    result[exits] = results_of(records, rows[exits])
    ends = np.flatnonzero(kind == Kind.TASK_EXIT)
    result[ends] = records.bodies(Kind.TASK_EXIT, rows[ends])["code"]
    return result


def _values_column(source: Source, events: Events) -> Column:
    counts = np.zeros(len(events), np.int64)
    for kind, fields in _FIELDS.items():
        counts[events.kind == kind] = len(fields)
    keys = np.unique(np.stack((events.abi, events.nr))[:, events.kind == Kind.ENTRY], axis=1)
    for abi, nr in keys.T.tolist():
        call = source.tables[min(abi, len(source.tables) - 1)].get(nr)
        mine = (events.kind == Kind.ENTRY) & (events.abi == abi) & (events.nr == nr)
        counts[mine] = 6 if call is None else len(call.args)
    values = events.values[np.arange(6) < counts[:, None]]
    offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    return Column(values, offsets=offsets)
