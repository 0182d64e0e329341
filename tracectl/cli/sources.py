"""Captures as columns: what export, query, diff and policy begin with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tracectl.capture.reader import Capture
from tracectl.cli.reading import calls_of, iter_records, tables_of
from tracectl.errors import CaptureError
from tracectl.tables.table import SyscallTable

if TYPE_CHECKING:
    from tracectl.analysis.calls import Calls
    from tracectl.analysis.tasks import Life, TaskEvent
    from tracectl.export.columns import Source


def lives_in(capture: Capture) -> list[Life]:
    """The lives of all threads of ``capture``; for its problems see source_of()."""
    from tracectl.analysis.settled import iter_settled  # noqa: PLC0415 - numpy
    from tracectl.analysis.tasks import lives_of, task_events_of  # noqa: PLC0415

    known = list(capture.problems)
    events = [event for one in iter_settled(capture, task_events_of) for event in one.made]
    capture.problems[:] = known
    return lives_of(capture.metadata.tasks, events)


def source_of(capture: Capture) -> Source:
    """What is to be known of ``capture`` before its calls are read. Problems are not told twice:
    whoever reads the calls meets them, too."""
    from tracectl.analysis.tasks import iter_task_events, lives_of  # noqa: PLC0415 - numpy
    from tracectl.analysis.wallclock import WallClock  # noqa: PLC0415
    from tracectl.export.columns import Source  # noqa: PLC0415

    known = list(capture.problems)
    events: list[TaskEvent] = []
    losses: list[tuple[int, int, int]] = []
    last_ns = 0
    for records in iter_records(capture):
        events += iter_task_events(records)
        losses.append((records.first_ns, records.cpu, sum(records.lost)))
        last_ns = max(last_ns, records.last_ns)
    capture.problems[:] = known
    clocks = list(capture.metadata.clocks)
    if capture.end is not None:
        clocks += capture.end.clocks
        losses += [(last_ns, cpu.cpu, sum(cpu.lost_by_cause)) for cpu in capture.end.cpus]
    tables = tables_of(capture)
    # They become words of other languages.
    if not all(name.isidentifier() for table in tables for name in _names_in(table)):
        raise CaptureError(capture.path, "its system-call tables have names that are none")
    return Source(
        file=str(capture.path),
        host=capture.metadata.host.name,
        tables=tables,
        clock=WallClock(clocks),
        lives=lives_of(capture.metadata.tasks, events, capture.metadata.cgroups),
        losses=losses,
    )


def _names_in(table: SyscallTable) -> Iterator[str]:
    for call in table:
        yield call.name
        yield from (argument.name for argument in call.args)


def iter_calls(capture: Capture) -> Iterator[Calls]:
    """The calls of ``capture`` in order of time, in blocks; at least one, which may be empty."""
    from tracectl.export.columns import iter_blocks  # noqa: PLC0415

    yield from iter_blocks(calls_of(capture))
