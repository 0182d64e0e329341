"""Calls summed up: how often, how long, how they failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracectl.abi.control import EventClass
from tracectl.abi.records import OTHER_SLOT, SHAPES
from tracectl.abi.totals import CpuTotals
from tracectl.analysis.calls import Calls
from tracectl.analysis.directories import Directories, Tracker, Trail, tells_all
from tracectl.analysis.groups import DETAILED, Grouper
from tracectl.analysis.halves import Halves, split_calls
from tracectl.analysis.heat import COLUMNS, ROWS, Heat
from tracectl.analysis.merge import pairing_of
from tracectl.analysis.selection import Selection
from tracectl.analysis.settled import iter_settled
from tracectl.analysis.tally import Part, Row, Tally, part_of
from tracectl.analysis.tasks import Life, Processes, TaskEvent, lives_of, task_events_of
from tracectl.analysis.toctou import Divergence, Key, count_divergences, divergences_in
from tracectl.capture.reader import Capture
from tracectl.decode.arguments import Shapes
from tracectl.decode.subbuffer import Records
from tracectl.tables.table import SyscallTable

_BATCH = 1 << 16
"""So many halves are paired at once."""


@dataclass(frozen=True, slots=True)
class Report:
    """``tables`` have rows by key, as Grouper has them, for each way to group; ``lives`` tell what
    processes were called; ``heat`` is what Heat counted."""

    tables: dict[str, dict[Hashable, Row]]
    heat: NDArray[np.int64] | None
    lives: list[Life]
    divergences: list[Divergence]
    first_ns: int
    last_ns: int


@dataclass(frozen=True, slots=True)
class _Chunk:
    sums: _Sums
    left: Halves
    events: list[TaskEvent]
    divergences: Counter[Key]
    trail: Trail


_Sums = tuple[list[Part], NDArray[np.int64] | None]


@dataclass(frozen=True, slots=True)
class _Work:
    """What is done to a sub-buffer, on any core."""

    shapes: Shapes | None
    selection: Selection
    groupers: list[Grouper]
    heat: Heat | None
    tracker: Tracker | None
    has_divergences: bool

    def __call__(self, records: Records) -> _Chunk:
        whole, left = split_calls(records, self.shapes)
        events = task_events_of(records)
        divergences = self.divergences_of(whole)
        return _Chunk(self.sum_up(whole), left, events, divergences, self.trail_of(whole))

    def divergences_of(self, calls: Calls) -> Counter[Key]:
        return count_divergences(calls) if self.has_divergences else Counter()

    def trail_of(self, calls: Calls) -> Trail:
        return Trail() if self.tracker is None else self.tracker.trail_of(calls)

    def sum_up(self, calls: Calls) -> _Sums:
        if not self.selection.is_all:
            calls = calls.select(np.flatnonzero(self.selection.find(calls)))
        parts = [part_of(*grouper.split(calls)) for grouper in self.groupers]
        return parts, None if self.heat is None else self.heat.count(calls)


def report_on(
    capture: Capture,
    ways: Sequence[str],
    tables: Sequence[SyscallTable],
    selection: Selection,
    *,
    heat: Heat | None = None,
    processes: Processes | None = None,
    cores: int | None = None,
) -> Report:
    """The calls of ``capture`` that are selected, grouped by ``ways``, each one of GROUPS; those of
    OF_PROCESSES are told by ``processes``. What is held does not grow with the capture, but with
    what there is to tell apart."""
    has_divergences = bool(capture.metadata.config.classes & EventClass.DIVERGENCE)
    is_detailed = has_divergences or DETAILED.intersection(ways) or selection.path is not None
    shapes = capture.metadata.shapes if is_detailed else None
    has_files = bool(capture.metadata.config.classes & EventClass.FILE)
    tracker = Tracker(tables, has_files=has_files) if "file" in ways else None
    groupers = [Grouper(way, tables, processes) for way in ways]
    work = _Work(shapes, selection, groupers, heat, tracker, has_divergences)
    pairing = pairing_of(capture, shapes)
    tallies = [Tally() for _ in ways]
    events, divergences, trail = list[TaskEvent](), Counter[Key](), Trail()
    counts = None if heat is None else np.zeros((COLUMNS, ROWS + 2), np.int64)
    first_ns: int | None = None
    last_ns = waiting = 0

    def add_sums(sums: _Sums) -> None:
        parts, heat_counts = sums
        for tally, part in zip(tallies, parts, strict=True):
            tally.add(part)
        if counts is not None and heat_counts is not None:
            np.add(counts, heat_counts, out=counts)

    def add(calls: Calls) -> None:
        add_sums(work.sum_up(calls))
        divergences.update(work.divergences_of(calls))
        trail.add(work.trail_of(calls))

    # With paths, too: processes take twice the time of all processors to send each other Python's
    # objects, and are done no sooner.
    for one in iter_settled(capture, work, cores, is_compiled=True):
        add_sums(one.made.sums)
        divergences.update(one.made.divergences)
        trail.add(one.made.trail)
        events += one.made.events
        first_ns = one.place.first_ns if first_ns is None else min(first_ns, one.place.first_ns)
        last_ns = max(last_ns, one.place.last_ns)
        pairing.add_halves(one.place, one.made.left)
        waiting += len(one.made.left)
        if waiting > _BATCH:
            add(pairing.advance(one.settled_ns))
            waiting = 0
    add(pairing.finish())
    lives = lives_of(capture.metadata.tasks, events, capture.metadata.cgroups)
    if tracker is not None:
        at = ways.index("file")
        tallies[at] = tallies[at].renamed(_names_of_files(capture, events, trail, tables))
    grouped = {way: tally.rows() for way, tally in zip(ways, tallies, strict=True)}
    return Report(grouped, counts, lives, divergences_in(divergences), first_ns or 0, last_ns)


def _names_of_files(
    capture: Capture, events: list[TaskEvent], trail: Trail, tables: Sequence[SyscallTable]
) -> Callable[[Any], Hashable]:
    """Of a relative path the whole one, if it is known where each process was: nothing was lost or
    left out that could have told of a move."""
    if not (capture.end and tells_all(capture.end.cpus, tables)):
        return lambda key: key if isinstance(key, bytes) else key[-1]
    metadata = capture.metadata
    directories = Directories(
        # What was open when a snapshot was made is of no use: it is the end.
        [] if metadata.config.is_flight else metadata.opened,
        events,
        trail,
        has_files=bool(metadata.config.classes & EventClass.FILE),
    )
    return lambda key: key if isinstance(key, bytes) else directories.path_of(*key)


@dataclass(slots=True)
class Counted:
    """What the module counted of one system call, whether it was recorded or not."""

    calls: int = 0
    lost: int = 0
    exits_lost: int = 0
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
                counted.exits_lost += one.exits_lost
                counted.errors += sum(one.errors)
                counted.total_ns += one.total_ns
        return counts

    def complete(
        self, rows: dict[Hashable, Row], slots: frozenset[int] | None = None
    ) -> dict[Hashable, Row]:
        """``rows`` by system call, of ``slots`` or of all, with the calls, errors and times of
        those that were lost, or are missing in a damaged file; the percentiles stay those of the
        calls that were recorded."""
        completed = dict(rows)
        for key, counted in self.by_call.items():
            if key is None or not counted.calls:
                continue
            if slots is not None and key[0] * SHAPES + key[1] not in slots:
                continue
            row = rows.get(key, Row(0, 0, 0, 0, 0, 0, 0))
            # A call whose exit is lost has neither a result nor a time.
            if row.calls != counted.calls or counted.exits_lost:
                row = replace(row, errors=counted.errors, total_ns=counted.total_ns)
            completed[key] = replace(row, calls=counted.calls)
        return completed
