"""The page that ``report --html`` writes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tracectl.abi.records import Kind
from tracectl.analysis.heat import COLUMNS, ROWS, Heat, durations_ns
from tracectl.analysis.report import Report, report_on
from tracectl.capture.reader import Capture
from tracectl.cli.extras import needs
from tracectl.cli.losses import Losses, losses_of
from tracectl.cli.output import say
from tracectl.cli.rows import (
    HEADER,
    cells_of,
    describe_exactness,
    exact_rows,
    lost_calls_of,
    namer_of,
)
from tracectl.errors import TracectlError
from tracectl.live.capture import span_of
from tracectl.render.strings import printable
from tracectl.render.table import format_duration
from tracectl.tables.table import SyscallTable

with needs("html"):
    from tracectl.render.page import (
        Bar,
        Chart,
        Table,
        format_page,
        heat_chart,
        process_chart,
        rate_chart,
    )

if TYPE_CHECKING:
    from tracectl.analysis.selection import Selection

_TITLES = {
    "syscall": "System calls by time",
    "process": "Processes by time",
    "file": "Files by time",
    "errno": "Errors",
}
_MOST_ROWS = 20
_MOST_BARS = 60


def write_page(
    path: Path, capture: Capture, tables: Sequence[SyscallTable], selection: Selection
) -> None:
    """TracectlError when it cannot be written, or made."""
    first_ns, last_ns = span_of(capture)
    heat = Heat(first_ns, last_ns)
    report = report_on(capture, list(_TITLES), tables, selection, heat=heat)
    losses = losses_of(capture)
    totals = losses.totals
    host = capture.metadata.host
    began = time.gmtime(
        (capture.metadata.clocks[0].real_ns - capture.metadata.clocks[0].trace_ns + first_ns) / 1e9
    )
    facts = [
        f"{host.name}, Linux {host.release} {host.machine}; from "
        f"{time.strftime('%Y-%m-%d %H:%M:%S', began)} UTC, {format_duration(last_ns - first_ns)}",
        f"{totals.generated - totals.lost:,} events recorded, {totals.lost:,} lost",
    ]
    _, is_exact = exact_rows("syscall", report, capture, selection)
    text = format_page(
        f"System calls of {capture.path.name}",
        facts[: 2 if capture.end else 1],
        [*capture.problems, *_iter_losses(capture, losses, tables, is_exact=is_exact)],
        [*_charts(report, heat), *_tables(report, tables, capture, selection)],
    )
    try:
        path.write_text(text, errors="backslashreplace")
    except OSError as error:
        raise TracectlError(f"{path} cannot be written: {error.strerror}") from error
    say(f"{path}: written")


def _iter_losses(
    capture: Capture, losses: Losses, tables: Sequence[SyscallTable], *, is_exact: bool
) -> Iterator[str]:
    lost = losses.totals.lost
    if lost and not losses.has_end:
        yield losses.describe()
    for name, counted in lost_calls_of(capture, tables).items():
        yield f"{name}: {counted.lost:,} of {counted.calls:,} calls lost"
    if lost and is_exact:
        yield "What was lost is missing, but in calls, errors and totals by system call."
    elif lost:
        yield describe_exactness(capture, is_exact=False)


def _charts(report: Report, heat: Heat) -> list[Chart]:
    assert report.heat is not None
    seconds = (np.arange(COLUMNS) + 0.5) * heat.column_ns / 1e9
    per_second = 1e9 / heat.column_ns
    calls, errors = report.heat[:, : ROWS + 1].sum(axis=1), report.heat[:, ROWS + 1]
    counts = report.heat[:, :ROWS].T
    used = np.flatnonzero(counts.sum(axis=1))
    shown = slice(used[0], used[-1] + 1) if len(used) else slice(0, 1)
    charts = [
        rate_chart(seconds, calls * per_second, errors * per_second),
        heat_chart(seconds, durations_ns()[shown], counts[shown]),
    ]
    bars = _bars(report, heat)
    span_s = (heat.last_ns - heat.first_ns) / 1e9
    left_out = max(len(report.tables["process"]) - _MOST_BARS, 0)
    return [*charts, process_chart(bars, span_s, left_out)] if bars else charts


def _bars(report: Report, heat: Heat) -> list[Bar]:
    """The processes with the most calls and those that they come of, as a tree."""
    rows: dict[Any, Any] = report.tables["process"]
    busiest = sorted(rows, key=lambda pid: -rows[pid].calls)[:_MOST_BARS]
    spans: dict[int, list[int]] = {pid: [heat.first_ns, heat.last_ns] for pid in busiest}
    parents: dict[int, int] = {}
    for life in report.lives:
        if life.tid == life.tgid:
            parents[life.tid] = life.ppid or parents.get(life.tid, 0)
            span = spans.setdefault(life.tid, [heat.first_ns, heat.last_ns])
            if life.cause == Kind.FORK:
                span[0] = max(life.start_ns, heat.first_ns)
            span[1] = max(min(life.end_ns, heat.last_ns), span[0])
    shown = set(busiest)
    for pid in busiest:
        while (pid := parents.get(pid, 0)) in spans and pid not in shown:
            shown.add(pid)
    name_of = namer_of("process", [], report)
    return [
        Bar(
            printable(name_of(pid)),
            depth,
            (spans[pid][0] - heat.first_ns) / 1e9,
            (spans[pid][1] - heat.first_ns) / 1e9,
            rows[pid].calls if pid in rows else 0,
        )
        for pid, depth in _iter_tree(sorted(shown, key=lambda pid: (spans[pid][0], pid)), parents)
    ]


def _iter_tree(pids: Sequence[int], parents: dict[int, int]) -> Iterator[tuple[int, int]]:
    """Each of ``pids`` after the one that it comes of, with its depth."""
    children: dict[int, list[int]] = {}
    known = set(pids)
    for pid in pids:
        parent = parents.get(pid, 0)
        children.setdefault(parent if parent in known else 0, []).append(pid)
    waiting = [(pid, 0) for pid in reversed(children.get(0, []))]
    while waiting:
        pid, depth = waiting.pop()
        yield pid, depth
        waiting += [(child, depth + 1) for child in reversed(children.pop(pid, []))]


def _tables(
    report: Report, tables: Sequence[SyscallTable], capture: Capture, selection: Selection
) -> list[Table]:
    made = []
    for way, title in _TITLES.items():
        name_of = namer_of(way, tables, report)
        rows, _ = exact_rows(way, report, capture, selection)
        slowest = sorted(rows.items(), key=lambda item: -item[1].total_ns)[:_MOST_ROWS]
        cells = [(printable(name_of(key)), *cells_of(row)) for key, row in slowest]
        made.append(Table(title, (way, *HEADER), cells))
    return made
