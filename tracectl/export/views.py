"""The views of a capture as Arrow batches, of which no more is held than is being worked on."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import partial

import pyarrow as pa

from tracectl.abi.totals import CpuTotals
from tracectl.analysis.behind import iter_behind
from tracectl.analysis.calls import Calls, no_calls
from tracectl.analysis.descriptors import Descriptors
from tracectl.analysis.merge import iter_done, iter_ordered
from tracectl.analysis.scan import scan_calls
from tracectl.analysis.settled import iter_settled
from tracectl.analysis.wallclock import WallClock
from tracectl.capture.metadata import Moment
from tracectl.capture.reader import Capture
from tracectl.decode.arguments import Shapes
from tracectl.decode.subbuffer import Records
from tracectl.export.arrow import batch_of
from tracectl.export.columns import CALL_COLUMNS, PROCESS_COLUMNS, Columns, Source, columns_of
from tracectl.export.events import EVENT_COLUMNS, event_columns, events_of, no_events
from tracectl.export.tables import loss_columns, task_columns
from tracectl.tables.table import load_tables

VIEWS = ("syscalls", "events", "tasks", "loss")
_OF_ARGUMENTS = frozenset({"args", "fd", "fd_path", "paths"})


def schema_of(view: str) -> pa.Schema:
    """Of all its columns, which are alike in all captures."""
    source = Source("", "", list(load_tables("x86_64").values()), WallClock([Moment(0, 0, 0)]))
    columns: Columns
    if view == "syscalls":
        columns = columns_of(source, no_calls(), CALL_COLUMNS)
    elif view == "events":
        columns = event_columns(source, no_events(), EVENT_COLUMNS)
    elif view == "tasks":
        columns = task_columns(source)
    else:
        columns = loss_columns(source, [])
    return _of_day(batch_of(columns)).schema


def has_history(view: str, wanted: Collection[str]) -> bool:
    """Whether ``wanted`` columns of ``view`` need to know what all threads were."""
    return view == "tasks" or not PROCESS_COLUMNS.keys().isdisjoint(wanted)


def iter_batches(
    view: str, wanted: Collection[str], capture: Capture, source: Source, descriptors: Descriptors
) -> Iterator[pa.RecordBatch]:
    """The rows of ``view`` in ``capture``, with the columns ``wanted``. ``descriptors`` are those
    of the capture's beginning."""
    if view == "syscalls" and "fd_path" in wanted:
        yield from _iter_behind(capture, source, wanted, descriptors)
    elif view == "syscalls":
        shapes = None if _OF_ARGUMENTS.isdisjoint(wanted) else capture.metadata.shapes
        yield from scan_calls(capture, partial(_calls_batch, source, wanted), shapes)
    elif view == "events":
        work = partial(_events_batch, source, wanted, capture.metadata.shapes)
        for one in iter_settled(capture, work):
            yield one.made
    else:
        totals: list[CpuTotals] = [] if capture.end is None else capture.end.cpus
        columns = task_columns(source) if view == "tasks" else loss_columns(source, totals)
        yield _of_day(batch_of({name: columns[name] for name in columns if name in wanted}))


def _iter_behind(
    capture: Capture, source: Source, wanted: Collection[str], descriptors: Descriptors
) -> Iterator[pa.RecordBatch]:
    ordered = iter_ordered(iter_done(capture, descriptors.add_records))
    for calls, behind in iter_behind(ordered, descriptors, source.tables):
        yield _of_day(batch_of(columns_of(source, calls, wanted, behind)))


def _calls_batch(source: Source, wanted: Collection[str], calls: Calls) -> pa.RecordBatch:
    return _of_day(batch_of(columns_of(source, calls, wanted)))


def _events_batch(
    source: Source, wanted: Collection[str], shapes: Shapes, records: Records
) -> pa.RecordBatch:
    return _of_day(batch_of(event_columns(source, events_of(records, shapes), wanted)))


def _of_day(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Times of day without their zone: DuckDB keeps the ns of such only."""
    for index, field in enumerate(batch.schema):
        if pa.types.is_timestamp(field.type):
            zoneless = batch.column(index).cast(pa.timestamp("ns"))
            batch = batch.set_column(index, field.name, zoneless)
    return batch
