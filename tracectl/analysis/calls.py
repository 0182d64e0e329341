"""System calls out of records: entries paired with exits, thread by thread."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from tracectl.abi.records import EXIT_KINDS, NEAR_KINDS, NR_BITS, Kind
from tracectl.capture.metadata import CpuTotals
from tracectl.decode.arguments import Shapes, arguments_of, numbers_of
from tracectl.decode.copies import COPY_KINDS, Copy, copies_of
from tracectl.decode.subbuffer import Records

_UNWRITTEN_NS = 1_000_000_000
"""More than a recorder leaves in the buffers of a quiet CPU: it flushes them ten times a second."""
_FOREVER_NS = (1 << 63) - 1

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
    """One row a call, in order of time; times in ns of CLOCK_MONOTONIC.

    ``entry_ns`` or ``exit_ns`` is 0 where that half is missing. ``arguments`` has shape (n, 6) and
    is not sign-extended. ``copies`` are the kernel's, of what its calls were given; ``copy_row``
    has the row of each one's call.
    """

    tid: _I64
    tgid: _I64
    abi: _I64
    nr: _I64
    entry_ns: _U64
    exit_ns: _U64
    result: _I64
    state: NDArray[np.uint8]
    arguments: _U64
    copies: list[Copy] = field(default_factory=list)
    copy_row: list[int] = field(default_factory=list)

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
    def duration_ns(self) -> _U64:
        """0 where one half is missing."""
        return np.where(self.state == State.PAIRED, self.exit_ns - self.entry_ns, np.uint64(0))


@dataclass(slots=True)
class _Events:
    """Entries, exits and copies of all sub-buffers, one row each."""

    time_ns: list[_U64] = field(default_factory=list)
    tid: list[_I64] = field(default_factory=list)
    tgid: list[_I64] = field(default_factory=list)
    kind: list[NDArray[np.uint8]] = field(default_factory=list)
    abi: list[_I64] = field(default_factory=list)
    nr: list[_I64] = field(default_factory=list)
    value: list[_I64] = field(default_factory=list)
    began_ns: list[_U64] = field(default_factory=list)
    arguments: list[_U64] = field(default_factory=list)
    copies: list[Copy] = field(default_factory=list)
    renames: list[tuple[int, int, int]] = field(default_factory=list)

    def add(self, records: Records, shapes: Shapes) -> None:
        rows = records.rows(Kind.ENTRY, *COPY_KINDS, *EXIT_KINDS)
        kind = records.kind[rows]
        count = len(rows)
        # Whose id is the call's: its entry's, where an exit knows it.
        named_by = rows.copy()
        value, began = np.zeros(count, np.int64), np.zeros(count, np.uint64)
        near = np.flatnonzero(np.isin(kind, list(NEAR_KINDS)))
        named_by[near] = records.near_entries(rows[near])
        began[near] = records.time_ns[named_by[near]]
        for wide in (Kind.EXIT, Kind.EXIT_NEAR):
            which = np.flatnonzero(kind == wide)
            value[which] = records.bodies(wide, rows[which])["result"]
        short = np.flatnonzero(kind == Kind.EXIT_SHORT)
        value[short] = records.id[rows[short]].view(np.int16)
        nr = (records.id[named_by] & ((1 << NR_BITS) - 1)).astype(np.int64)
        entries = np.flatnonzero(records.kind[named_by] == Kind.ENTRY)
        nr[entries] = numbers_of(records, named_by[entries])
        arguments = np.zeros((count, 6), np.uint64)
        entries = np.flatnonzero(kind == Kind.ENTRY)
        if len(entries):
            arguments[entries] = arguments_of(records, rows[entries], shapes)
        copied = np.flatnonzero(_is_copy(kind))
        value[copied] = np.arange(len(self.copies), len(self.copies) + len(copied))
        self.copies.extend(copies_of(records, rows[copied]))
        self.time_ns.append(records.time_ns[rows])
        self.tid.append(records.tid[rows].astype(np.int64))
        self.tgid.append(records.tgid[rows].astype(np.int64))
        self.kind.append(kind)
        self.abi.append((records.id[named_by] >> NR_BITS).astype(np.int64))
        self.nr.append(nr)
        self.value.append(value)
        self.began_ns.append(began)
        self.arguments.append(arguments)
        self._add_renames(records)

    def _add_renames(self, records: Records) -> None:
        rows = records.rows(Kind.EXEC)
        old = records.bodies(Kind.EXEC, rows)["old_tid"]
        for row, old_tid in zip(rows.tolist(), old.tolist(), strict=True):
            tid = int(records.tid[row])
            if old_tid != tid:
                self.renames.append((int(records.time_ns[row]), int(old_tid), tid))


def pair_calls(
    all_records: Iterable[Records], shapes: Shapes, totals: Iterable[CpuTotals] | None
) -> Calls:
    """The calls of a whole capture, which is held in memory: about 150 bytes a call.

    An exit that knows its entry pairs with that one, others with the thread's last entry if nothing
    was lost in between. ``totals`` are the end block's, or
    None without one: what its recorder had not yet written when it died counts as lost then.
    """
    events = _Events()
    gaps = _Gaps()
    for records in all_records:
        events.add(records, shapes)
        gaps.add(records)
    if not events.time_ns:
        events.add(_EMPTY, shapes)
    gaps.close(totals)
    return _pair(events, gaps)


def _pair(events: _Events, gaps: _Gaps) -> Calls:
    tid = np.concatenate(events.tid)
    time_ns = np.concatenate(events.time_ns)
    kind = np.concatenate(events.kind)
    thread = _threads_of(tid, time_ns, kind, events.renames)
    order = np.lexsort((time_ns, thread))
    tid, thread, time_ns, kind = tid[order], thread[order], time_ns[order], kind[order]
    value = np.concatenate(events.value)[order]
    began = np.concatenate(events.began_ns)[order]
    index = np.arange(len(order))
    is_entry, is_exit = kind == Kind.ENTRY, _is_exit(kind)
    last_entry = np.maximum.accumulate(np.where(is_entry, index, -1))
    last_exit = np.maximum.accumulate(np.where(is_exit, index, -1))
    exit_before = np.concatenate(([-1], last_exit[:-1])).astype(np.intp)[: len(index)]
    open_entry = np.where(
        (last_entry > exit_before) & (thread[last_entry] == thread), last_entry, -1
    )
    exits = np.flatnonzero(is_exit & (open_entry >= 0))
    entries = open_entry[exits]
    knows = np.isin(kind[exits], list(NEAR_KINDS))
    sure = np.where(
        knows, began[exits] == time_ns[entries], ~gaps.between(time_ns[entries], time_ns[exits])
    )
    exits, entries = exits[sure], entries[sure]
    exit_of = np.full(len(order), -1)
    exit_of[entries] = exits
    alone = is_exit.copy()
    alone[exits] = False
    rows = np.flatnonzero(is_entry | alone)
    rows = rows[np.argsort(time_ns[rows], kind="stable")]
    copied = np.flatnonzero(_is_copy(kind) & (open_entry >= 0))
    copied = copied[~gaps.between(time_ns[open_entry[copied]], time_ns[copied])]
    copied = copied[np.argsort(time_ns[copied], kind="stable")]
    return _rows(events, order, rows, exit_of, tid, time_ns, value, is_entry, copied, open_entry)


def _rows(
    events: _Events,
    order: NDArray[np.intp],
    rows: NDArray[np.intp],
    exit_of: NDArray[np.intp],
    tid: _I64,
    time_ns: _U64,
    value: _I64,
    is_entry: NDArray[np.bool_],
    copied: NDArray[np.intp],
    open_entry: NDArray[np.intp],
) -> Calls:
    begins = is_entry[rows]
    ends = np.where(begins, exit_of[rows], rows)
    has_end = ends >= 0
    zero = np.uint64(0)
    row_of = np.full(len(order), -1)
    row_of[rows] = np.arange(len(rows))
    state = np.where(begins, np.where(has_end, State.PAIRED, State.UNFINISHED), State.NO_ENTRY)
    source = order[rows]
    return Calls(
        tid=tid[rows],
        tgid=np.concatenate(events.tgid)[source],
        abi=np.concatenate(events.abi)[source],
        nr=np.concatenate(events.nr)[source],
        entry_ns=np.where(begins, time_ns[rows], zero),
        exit_ns=np.where(has_end, time_ns[ends], zero),
        result=np.where(has_end, value[ends], 0),
        state=state.astype(np.uint8),
        arguments=np.concatenate(events.arguments)[source],
        copies=[events.copies[index] for index in value[copied].tolist()],
        copy_row=row_of[open_entry[copied]].tolist(),
    )


def _threads_of(
    tid: _I64, time_ns: _U64, kind: NDArray[np.uint8], renames: list[tuple[int, int, int]]
) -> _I64:
    """A number for the thread of each event: its tid, or one of its own after an exec.

    exec in a thread other than the leader ends the leader and gives its tid to the thread; the
    thread's open execve, which gets that tid here too, ends under it.
    """
    thread = tid.copy()
    fresh = int(tid.max(initial=0))
    for when_ns, old_tid, new_tid in sorted(renames):
        fresh += 1
        before = time_ns <= when_ns
        mine = np.flatnonzero((tid == old_tid) & before)
        entries, exits = mine[kind[mine] == Kind.ENTRY], mine[_is_exit(kind[mine])]
        began = time_ns[entries].max(initial=0)
        # Otherwise the entry was lost: what is there belongs to calls that ended.
        if len(entries) and began > time_ns[exits].max(initial=0):
            moved = mine[time_ns[mine] >= began]
            thread[moved] = fresh
            tid[moved] = new_tid
        thread[(tid == new_tid) & ~before] = fresh
    return thread


def _is_copy(kind: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return np.isin(kind, list(COPY_KINDS))


def _is_exit(kind: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return np.isin(kind, list(EXIT_KINDS))


class _Gaps:
    """Spans of time in which some CPU lost events."""

    def __init__(self) -> None:
        self._last: dict[int, tuple[int, int, int]] = {}
        self._spans: list[tuple[int, int]] = []
        self._starts = self._ends = np.zeros(0, np.uint64)

    def add(self, records: Records) -> None:
        lost, seq, last_ns = self._last.get(records.cpu, (0, -1, 0))
        if sum(records.lost) != lost or records.seq != seq + 1:
            self._spans.append((last_ns, records.first_ns))
        self._last[records.cpu] = (sum(records.lost), records.seq, records.last_ns)

    def close(self, totals: Iterable[CpuTotals] | None) -> None:
        """What is missing at the end shows in ``totals`` only."""
        if totals is None:
            newest_ns = max((last_ns for _, _, last_ns in self._last.values()), default=0)
            for _, _, last_ns in self._last.values():
                self._spans.append((max(last_ns, newest_ns - _UNWRITTEN_NS), _FOREVER_NS))
        for total in totals or ():
            lost, seq, last_ns = self._last.get(total.cpu, (0, -1, 0))
            if sum(total.lost_by_cause) != lost or total.subbufs != seq + 1:
                self._spans.append((last_ns, _FOREVER_NS))
        joined: list[tuple[int, int]] = []
        for start, end in sorted(self._spans):
            if joined and start <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(joined[-1][1], end))
            else:
                joined.append((start, end))
        self._starts, self._ends = np.array(joined, np.uint64).reshape(-1, 2).T

    def between(self, from_ns: _U64, to_ns: _U64) -> NDArray[np.bool_]:
        """Whether a gap overlaps each span."""
        if not len(self._starts):
            return np.zeros(len(from_ns), np.bool_)
        first = np.searchsorted(self._ends, from_ns, side="right")
        starts = self._starts[np.minimum(first, len(self._starts) - 1)]
        overlaps: NDArray[np.bool_] = (first < len(self._starts)) & (starts < to_ns)
        return overlaps


_EMPTY = Records(
    cpu=0,
    seq=0,
    session_id=0,
    first_ns=0,
    last_ns=0,
    lost=(0,),
    generated=0,
    words=np.zeros(1, np.uint64),
    granule=np.zeros(0, np.intp),
    time_ns=np.zeros(0, np.uint64),
    kind=np.zeros(0, np.uint8),
    id=np.zeros(0, np.uint16),
    granules=np.zeros(0, np.uint8),
    tid=np.zeros(0, np.uint32),
    tgid=np.zeros(0, np.uint32),
)
