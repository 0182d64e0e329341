"""tracectl report"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from tracectl.capture.reader import open_capture
from tracectl.cli.divergences import divergences_json, divergences_section
from tracectl.cli.output import print_json
from tracectl.cli.reading import calls_of, filtered_of, lost_of, tables_of
from tracectl.cli.time_report import report_time
from tracectl.errors import EXIT_OK
from tracectl.render.table import format_duration, format_table

HELP = "calls, errors and latency by system call"
EXAMPLES = """\
  tracectl report a.trace
  tracectl report                    live, from the counters in the kernel
  tracectl report --json a.trace
  tracectl report --time a.trace     user, kernel and blocked time; needs record --sched"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", type=Path, nargs="?",
        help="the capture; without one, what the session that runs has counted so far",
    )  # fmt: skip
    parser.add_argument(
        "--time", action="store_true",
        help="where time went, by process and system call; for captures recorded with --sched",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    if args.file is None:
        from tracectl.cli.counts import show_live  # noqa: PLC0415 - the device

        show_live(as_json=args.json)
        return EXIT_OK
    from tracectl.analysis.summary import summarize  # noqa: PLC0415 - numpy

    if args.time:
        with open_capture(args.file) as capture:
            report_time(capture, as_json=args.json)
        return EXIT_OK
    with open_capture(args.file) as capture:
        tables = tables_of(capture)
        calls = calls_of(capture)
        rows = summarize(calls)
        generated, lost = lost_of(capture)
        filtered, own = filtered_of(capture)
        problems = capture.problems
    named = [(tables[min(row.abi, 2)].name(row.nr), row) for row in rows]
    if args.json:
        print_json(
            {
                "generated": generated,
                "lost": lost,
                "filtered": filtered,
                "own": own,
                "problems": problems,
                "syscalls": [{"name": name, **asdict(row)} for name, row in named],
                "divergences": divergences_json(calls, tables),
            }
        )
        return EXIT_OK
    for problem in problems:
        print(f"! {problem}")
    print(f"{generated - lost:,} events recorded, {lost:,} lost{_left_out(filtered, own)}\n")
    header = ("syscall", "calls", "errors", "total", "p50", "p95", "p99", "max")
    cells = [
        (
            name,
            f"{row.calls:,}",
            f"{row.errors:,}" if row.errors else "",
            *map(format_duration, (row.total_ns, row.p50_ns, row.p95_ns, row.p99_ns, row.max_ns)),
        )
        for name, row in named
    ]
    print(format_table(header, cells) + divergences_section(calls, tables))
    return EXIT_OK


def _left_out(filtered: int, own: int) -> str:
    return f"; {filtered:,} filtered out, {own:,} of these tracectl's own" if filtered else ""
