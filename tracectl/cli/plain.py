"""The overview of ``tracectl tui`` as text."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

import numpy as np

from tracectl.errors import EXIT_OK, TracectlError, UnsupportedError
from tracectl.kernel.choice import slot_name
from tracectl.live.capture import CaptureSource
from tracectl.live.feed import Feed, open_feed
from tracectl.live.model import View
from tracectl.live.ranking import WINDOW
from tracectl.live.situation import look
from tracectl.live.source import Facts, Losses
from tracectl.live.worker import Worker
from tracectl.render.results import error_name
from tracectl.render.strings import printable
from tracectl.render.table import format_duration, format_table

_PERIOD_S = 1.0
_ROWS = 10


def print_overview(path: Path | None) -> int:
    """Of a capture once; of the session that runs every second, until it ends or Ctrl-C."""
    if path is None:
        situation = look()
        if not situation.exists:
            raise UnsupportedError(
                situation.note
                or "nothing is being traced; 'tracectl start --flight 64M' starts something"
            )
        feed: Feed = open_feed(situation)
    else:
        feed = Worker(partial(CaptureSource, path))
    try:
        feed.start()
        _print_until_end(feed, is_live=path is None)
    finally:
        feed.close()
    if feed.progress.error is not None:
        raise TracectlError(feed.progress.error)
    return EXIT_OK


def _print_until_end(feed: Feed, *, is_live: bool) -> None:
    is_over = False
    while not is_over:
        deadline_s = time.monotonic() + _PERIOD_S
        while time.monotonic() < deadline_s and not _is_over(feed):
            time.sleep(_PERIOD_S / 20)
        is_over = _is_over(feed)
        if is_live or is_over:
            print(overview_of(feed.view, feed.facts, feed.progress.losses), flush=True)


def _is_over(feed: Feed) -> bool:
    return feed.progress.has_ended or feed.progress.error is not None


def overview_of(view: View, facts: Facts, losses: Losses) -> str:
    lost = max(losses.lost, sum(view.lost.values()))
    rate = view.course.rate[-4:-1].mean() if facts.is_live else 0.0
    if facts.span_ns:
        rate = float(view.course.events.sum()) * 1e9 / facts.span_ns
    lines = [
        f"{printable(facts.host)}: {printable(facts.title)}",
        f"{rate:,.0f} events/s, {losses.generated or view.records:,} events, {lost:,} lost, "
        f"{view.missed:,} blocks not seen",
        *(f"! {printable(problem)}" for problem in view.problems),
        "",
        _syscalls(view, facts),
        "",
        _processes(view, facts),
        "",
        _errors(view, facts),
    ]
    return "\n".join(lines) + "\n"


def _syscalls(view: View, facts: Facts) -> str:
    table = view.syscalls
    per_s = _rates(table.recent, table.calls, facts)
    rows = [
        (
            slot_name(int(table.key[at]), facts.tables),
            f"{per_s[at]:,.1f}",
            f"{table.calls[at]:,}",
            f"{table.errors[at]:,}",
            format_duration(float(table.total_ns[at])),
            *map(format_duration, table.percentiles[at].tolist()),
        )
        for at in np.lexsort((-table.calls, -per_s))[:_ROWS].tolist()
    ]
    header = ("syscall", "calls/s", "calls", "errors", "time", "p50", "p95", "p99")
    return format_table(header, rows)


def _processes(view: View, facts: Facts) -> str:
    table = view.processes
    per_s = _rates(table.recent, table.calls, facts)
    rows = [
        (
            printable(view.who_is(int(table.key[at])).comm or "?"),
            str(int(table.key[at])),
            f"{per_s[at]:,.1f}",
            f"{table.calls[at]:,}",
            f"{table.errors[at]:,}",
        )
        for at in np.lexsort((-table.calls, -per_s))[:_ROWS].tolist()
    ]
    return format_table(("process", "pid", "calls/s", "calls", "errors"), rows)


def _errors(view: View, facts: Facts) -> str:
    table = view.errors
    rows = [
        (
            error_name(int(table.key[at]) >> 11),
            slot_name(int(table.key[at]) & 2047, facts.tables),
            f"{table.calls[at]:,}",
        )
        for at in np.argsort(-table.calls, kind="stable")[:_ROWS].tolist()
    ]
    return format_table(("error", "syscall", "calls"), rows, left=2)


def _rates(recent: np.ndarray, calls: np.ndarray, facts: Facts) -> np.ndarray:
    return recent / WINDOW if facts.is_live else calls * 1e9 / max(facts.span_ns, 1)
