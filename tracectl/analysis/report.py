"""Calls summed up: how often, how long, how they failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from tracectl.abi.control import EventClass
from tracectl.abi.records import OTHER_SLOT, SHAPES
from tracectl.analysis.calls import Calls
from tracectl.analysis.groups import DETAILED, Grouper
from tracectl.analysis.halves import Halves, split_calls
from tracectl.analysis.merge import pairing_of
from tracectl.analysis.selection import Selection
from tracectl.analysis.settled import iter_settled
from tracectl.analysis.tally import Part, Row, Tally, part_of
from tracectl.analysis.tasks import Life, TaskEvent, lives_of, task_events_of
from tracectl.analysis.toctou import Divergence, Key, count_divergences, divergences_in
from tracectl.capture.metadata import CpuTotals
from tracectl.capture.reader import Capture
from tracectl.decode.arguments import Shapes
from tracectl.decode.subbuffer import Records
from tracectl.tables.table import SyscallTable

_BATCH = 1 << 14
"""So many halves are paired at once."""


@dataclass(frozen=True, slots=True)
class Report:
    """``rows`` by key, as Grouper has them; ``lives`` tell what processes were called."""

    rows: dict[Hashable, Row]
    lives: list[Life]
    divergences: list[Divergence]
    first_ns: int
    last_ns: int


@dataclass(frozen=True, slots=True)
class _Chunk:
    part: Part
    left: Halves
    events: list[TaskEvent]
    divergences: Counter[Key]


@dataclass(frozen=True, slots=True)
class _Work:
    """What is done to a sub-buffer, on any core."""

    shapes: Shapes | None
    selection: Selection
    grouper: Grouper

    def __call__(self, records: Records) -> _Chunk:
        whole, left = split_calls(records, self.shapes)
        events = task_events_of(records)
        return _Chunk(self.sum_up(whole), left, events, count_divergences(whole))

    def sum_up(self, calls: Calls) -> Part:
        if not self.selection.is_all:
            calls = calls.select(np.flatnonzero(self.selection.find(calls)))
        return part_of(*self.grouper.split(calls))


def report_on(
    capture: Capture,
    by: str,
    tables: Sequence[SyscallTable],
    selection: Selection,
    cores: int | None = None,
) -> Report:
    """The calls of ``capture`` that are selected, by ``by``, one of GROUPS. What is held does not
    grow with the capture, but with what there is to tell apart."""
    is_detailed = by in DETAILED or capture.metadata.config.classes & EventClass.DIVERGENCE
    shapes = capture.metadata.shapes if is_detailed else None
    work = _Work(shapes, selection, Grouper(by, tables))
    pairing = pairing_of(capture, shapes)
    tally, events, divergences = Tally(), list[TaskEvent](), Counter[Key]()
    first_ns: int | None = None
    last_ns = waiting = 0

    def add(calls: Calls) -> None:
        tally.add(work.sum_up(calls))
        divergences.update(count_divergences(calls))

    for one in iter_settled(capture, work, cores):
        tally.add(one.made.part)
        divergences.update(one.made.divergences)
        events += one.made.events
        first_ns = one.place.first_ns if first_ns is None else min(first_ns, one.place.first_ns)
        last_ns = max(last_ns, one.place.last_ns)
        pairing.add_halves(one.place, one.made.left)
        waiting += len(one.made.left)
        if waiting > _BATCH:
            add(pairing.advance(one.settled_ns))
            waiting = 0
    add(pairing.finish())
    lives = lives_of(capture.metadata.tasks, events)
    return Report(tally.rows(), lives, divergences_in(divergences), first_ns or 0, last_ns)


@dataclass(slots=True)
class Counted:
    """What the module counted of one system call, whether it was recorded or not."""

    calls: int = 0
    lost: int = 0
    errors: int = 0
    total_ns: int = 0


@dataclass(slots=True)
class Counts:
    """By (ABI, number); None for the numbers that share a counter."""

    by_call: dict[tuple[int, int] | None, Counted] = field(default_factory=dict)

    @classmethod
    def of(cls, totals: Iterable[CpuTotals]) -> Counts:
        counts = cls()
        for cpu in totals:
            for slot, one in cpu.syscalls.items():
                key = None if slot == OTHER_SLOT else divmod(slot, SHAPES)
                counted = counts.by_call.setdefault(key, Counted())
                counted.calls += one.entries
                counted.lost += one.entries_lost
                counted.errors += sum(one.errors)
                counted.total_ns += one.total_ns
        return counts

    def complete(
        self, rows: dict[Hashable, Row], slots: frozenset[int] | None = None
    ) -> dict[Hashable, Row]:
        """``rows`` by system call, of ``slots`` or of all, with the calls, errors and times of
        those that were lost; the percentiles stay those of the calls that were recorded."""
        completed = dict(rows)
        for key, counted in self.by_call.items():
            if key is None or not counted.calls:
                continue
            if slots is not None and key[0] * SHAPES + key[1] not in slots:
                continue
            row = rows.get(key, Row(0, 0, 0, 0, 0, 0, 0))
            if counted.lost:
                row = replace(row, errors=counted.errors, total_ns=counted.total_ns)
            completed[key] = replace(row, calls=counted.calls)
        return completed
