"""Captures as columns: what export, query, diff and policy begin with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tracectl.capture.reader import Capture
from tracectl.cli.reading import tables_of

if TYPE_CHECKING:
    from tracectl.analysis.calls import Calls
    from tracectl.analysis.tasks import Life, TaskEvent
    from tracectl.export.columns import Source


def lives_in(capture: Capture) -> list[Life]:
    """The lives of all threads of ``capture``; for its problems see source_of()."""
    return _history_of(capture)[0]


def source_of(capture: Capture, *, has_history: bool = True) -> Source:
    """What is to be known of ``capture`` before its calls are read; without ``has_history`` it is
    not read for that, and has neither lives nor losses. Problems are not told twice: whoever reads
    the calls meets them, too."""
    from tracectl.analysis.wallclock import WallClock  # noqa: PLC0415 - numpy
    from tracectl.export.columns import Source  # noqa: PLC0415

    clocks = [*capture.metadata.clocks, *(capture.end.clocks if capture.end else ())]
    lives, losses = _history_of(capture) if has_history else ([], [])
    return Source(
        file=str(capture.path),
        host=capture.metadata.host.name,
        tables=tables_of(capture),
        clock=WallClock(clocks),
        lives=lives,
        losses=losses,
    )


def _history_of(capture: Capture) -> tuple[list[Life], list[tuple[int, int, int]]]:
    """The lives of all threads; and when, on which CPU, and how many events it had lost until
    then."""
    from tracectl.analysis.settled import iter_settled  # noqa: PLC0415 - numpy
    from tracectl.analysis.tasks import lives_of, task_events_of  # noqa: PLC0415

    known = list(capture.problems)
    events: list[TaskEvent] = []
    losses: list[tuple[int, int, int]] = []
    last_ns = 0
    for one in iter_settled(capture, task_events_of, is_compiled=True):
        events += one.made
        losses.append((one.place.first_ns, one.place.cpu, sum(one.place.lost)))
        last_ns = max(last_ns, one.place.last_ns)
    capture.problems[:] = known
    if capture.end is not None:
        losses += [(last_ns, cpu.cpu, sum(cpu.lost_by_cause)) for cpu in capture.end.cpus]
    return lives_of(capture.metadata.tasks, events, capture.metadata.cgroups), losses


def iter_calls(capture: Capture) -> Iterator[Calls]:
    """The calls of ``capture`` as iter_ordered() has them, in blocks that are in order of time; at
    least one, which may be empty."""
    from tracectl.analysis.calls import sort_calls  # noqa: PLC0415 - numpy
    from tracectl.analysis.merge import iter_done, iter_ordered  # noqa: PLC0415
    from tracectl.export.columns import iter_blocks  # noqa: PLC0415

    for block in iter_blocks(iter_ordered(iter_done(capture))):
        begins_ns = block.first_ns
        # A call that was open for long came late.
        yield block if bool((begins_ns[1:] >= begins_ns[:-1]).all()) else sort_calls(block)
