"""tracectl report"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracectl.abi.totals import Totals
from tracectl.capture.reader import Capture, open_capture
from tracectl.cli.divergences import divergences_json, divergences_section
from tracectl.cli.losses import NULLS, Losses, losses_of
from tracectl.cli.output import print_json, say
from tracectl.cli.reading import spare_capture, tables_of
from tracectl.cli.rows import (
    HEADER,
    cells_of,
    describe_exactness,
    exact_rows,
    lost_calls_of,
    namer_of,
)
from tracectl.cli.selection import add_selection, selection_of
from tracectl.cli.sources import lives_in
from tracectl.cli.time_report import report_time
from tracectl.errors import EXIT_OK, UsageError
from tracectl.render.strings import printable
from tracectl.render.table import format_table
from tracectl.tables.table import SyscallTable

if TYPE_CHECKING:
    from tracectl.analysis.report import Counted, Report
    from tracectl.analysis.tally import Row

HELP = "calls, errors and latency by system call, process, file and more"
EXAMPLES = """\
  tracectl report a.trace
  tracectl report --by process --top 10 a.trace
  tracectl report --by file -e %file --failed --sort calls a.trace
  tracectl report --from 1.5 --to 2 --csv a.trace
  tracectl report --time a.trace           user, kernel and blocked time; needs record --sched
  tracectl report --html page.html a.trace
  tracectl report                          live, from the counters in the kernel"""

_Named = tuple[str, Hashable, "Row"]

_PLURALS = {
    "syscall": "syscalls",
    "process": "processes",
    "thread": "threads",
    "user": "users",
    "container": "containers",
    "file": "files",
    "fd": "fds",
    "errno": "errors",
    "cpu": "cpus",
    "socket": "sockets",
}
_SORTS = ("total", "calls", "errors", "p50", "p95", "p99", "max", "name")
_COLUMNS = ("calls", "errors", "total_ns", "p50_ns", "p95_ns", "p99_ns", "max_ns")
_MOST_LOST = 5


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", type=Path, nargs="?",
        help="the capture; without one, what the session that runs has counted so far",
    )  # fmt: skip
    # None tells that they were not given.
    parser.add_argument("--by", choices=_PLURALS, help="a row for each of these (default: syscall)")
    parser.add_argument("--top", type=int, metavar="N", help="only the first N rows")
    parser.add_argument("--sort", choices=_SORTS, help="what stands first (default: total)")
    parser.add_argument(
        "--time", action="store_true",
        help="where time went, by process and system call; for captures recorded with --sched",
    )  # fmt: skip
    add_selection(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument(
        "--json", action="store_true",
        help=f"print JSON; times in ns. exact tells whether the rows have what was lost; {NULLS}",
    )  # fmt: skip
    form.add_argument(
        "--html", type=Path, metavar="FILE",
        help="write a page with charts: rate, latency, processes, what was slow",
    )  # fmt: skip
    form.add_argument("--csv", action="store_true", help="print CSV; times in ns")


def run(args: argparse.Namespace) -> int:
    _check(args)
    if args.file is None:
        from tracectl.cli.counts import show_live  # noqa: PLC0415 - the device

        show_live(as_json=args.json)
        return EXIT_OK
    with open_capture(args.file) as capture:
        if args.time:
            report_time(capture, as_json=args.json)
        else:
            _print(args, capture)
    return EXIT_OK


def _check(args: argparse.Namespace) -> None:
    """UsageError for an option that would have no effect."""
    if args.top is not None and args.top < 0:
        raise UsageError("--top is a number from 0 on")
    given = {name for name, value in vars(args).items() if value is not None and value is not False}
    if args.file is None:
        _refuse(given - {"json"}, "needs a capture: the counters in the kernel have no such thing")
    elif args.time:
        _refuse(given - {"json", "time"}, "does not go with --time")
    elif args.html is not None:
        _refuse(given & {"by", "top", "sort"}, "does not go with --html, which has its own tables")


def _refuse(options: set[str], reason: str) -> None:
    for name in sorted(options - {"command", "run", "file"}):
        raise UsageError(f"--{name.strip('_').replace('_', '-')} {reason}")


def _print(args: argparse.Namespace, capture: Capture) -> None:
    from tracectl.analysis.groups import OF_PROCESSES  # noqa: PLC0415 - numpy
    from tracectl.analysis.report import report_on  # noqa: PLC0415
    from tracectl.analysis.tasks import Processes  # noqa: PLC0415

    tables = tables_of(capture)
    selection = selection_of(args, capture, tables)
    if args.html is not None:
        from tracectl.cli.page import write_page  # noqa: PLC0415 - the plotting library

        spare_capture(capture, args.html)
        write_page(args.html, capture, tables, selection)
        return
    by = args.by or "syscall"
    processes = Processes(lives_in(capture)) if by in OF_PROCESSES else None
    report = report_on(capture, [by], tables, selection, processes=processes)
    rows, is_exact = exact_rows(by, report, capture, selection)
    losses = losses_of(capture)
    lost_calls = lost_calls_of(capture, tables)
    name_of = namer_of(by, tables, report)
    named = [(name_of(key), key, row) for key, row in rows.items()]
    named = sorted(named, key=_sorter(args.sort or "total"))[: args.top]
    if args.json:
        tree = _json_of(by, capture, tables, report, losses, lost_calls, named, is_exact=is_exact)
        print_json(tree)
    elif args.csv:
        writer = csv.writer(sys.stdout)
        writer.writerow((by, *_COLUMNS))
        for name, _, row in named:
            writer.writerow((name, *(getattr(row, item) for item in _COLUMNS)))
        meaning = _iter_losses(capture, losses, lost_calls, is_exact=is_exact)
        for line in filter(None, (*capture.problems, losses.describe(), *meaning)):
            say(f"{capture.path}: {line}")
    else:
        _print_text(by, capture, losses, lost_calls, named, is_exact=is_exact)
        sys.stdout.write(divergences_section(report.divergences, tables))


def _print_text(
    by: str,
    capture: Capture,
    losses: Losses,
    lost_calls: dict[str, Counted],
    named: Sequence[_Named],
    *,
    is_exact: bool,
) -> None:
    for problem in capture.problems:
        print(f"! {problem}")
    totals = losses.totals
    if losses.has_end:
        recorded = totals.generated - totals.lost
        print(f"{recorded:,} events recorded, {totals.lost:,} lost{_left_out(totals)}")
    elif totals.lost:
        print(f"! {losses.describe()}")
    for line in _iter_losses(capture, losses, lost_calls, is_exact=is_exact):
        print(line)
    print()
    cells = [(printable(name), *cells_of(row)) for name, _, row in named]
    print(format_table((by, *HEADER), cells))


def _iter_losses(
    capture: Capture, losses: Losses, lost_calls: dict[str, Counted], *, is_exact: bool
) -> Iterator[str]:
    """What losses mean to the rows."""
    if lost_calls:
        worst = list(lost_calls.items())[:_MOST_LOST]
        told = ", ".join(f"{name} {counted.lost:,} of {counted.calls:,}" for name, counted in worst)
        others = len(lost_calls) - len(worst)
        more = f", and of {others} others" if others else ""
        yield f"Lost calls: {told}{more}."
    if losses.totals.lost:
        yield describe_exactness(capture, is_exact=is_exact)


def _left_out(totals: Totals) -> str:
    if not totals.filtered:
        return ""
    return f"; {totals.filtered:,} filtered out, {totals.own:,} of these tracectl's own"


def _json_of(
    by: str,
    capture: Capture,
    tables: Sequence[SyscallTable],
    report: Report,
    losses: Losses,
    lost_calls: dict[str, Counted],
    named: Sequence[_Named],
    *,
    is_exact: bool,
) -> dict[str, Any]:
    return {
        **losses.facts(),
        # Not None, which is what nothing tells.
        "exact": is_exact or (losses.has_end and not losses.totals.lost),
        "lost_calls": {name: counted.lost for name, counted in sorted(lost_calls.items())},
        "problems": capture.problems,
        _PLURALS[by]: [
            {"name": name, **_key_json(by, key), **asdict(row)} for name, key, row in named
        ],
        "divergences": divergences_json(report.divergences, tables),
    }


def _key_json(by: str, key: Any) -> dict[str, int]:
    """What of a key a program would otherwise have to read out of its name."""
    if by == "syscall":
        return {"abi": key[0], "nr": key[1]}
    if by == "process":
        return {"pid": key}
    if by == "thread":
        return {"pid": key[0], "tid": key[1]}
    if by == "fd":
        return {"pid": key[0], "fd": key[1]}
    return {by: key} if by in ("errno", "cpu", "user") else {}


def _sorter(sort: str) -> Callable[[_Named], Any]:
    if sort == "name":
        return lambda item: item[0]
    column = sort if sort in ("calls", "errors") else f"{sort}_ns"
    return lambda item: (-getattr(item[2], column), item[0])
