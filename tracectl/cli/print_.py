"""tracectl print"""

from __future__ import annotations

import argparse
import gc
import json
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracectl.abi.records import Kind, UserFlag
from tracectl.capture.reader import Capture, open_capture
from tracectl.cli.output import say
from tracectl.cli.reading import descriptors_of, lost_of, tables_of
from tracectl.cli.selection import add_selection, selection_of
from tracectl.errors import EXIT_OK
from tracectl.render.arguments import ends_nowhere, format_arguments, format_call, format_result
from tracectl.render.strings import format_file
from tracectl.tables.table import SyscallTable, abi_name

if TYPE_CHECKING:
    from tracectl.analysis.calls import Calls
    from tracectl.analysis.descriptors import Descriptors
    from tracectl.analysis.rows import Row
    from tracectl.analysis.selection import Selection
    from tracectl.analysis.wallclock import WallClock

HELP = "every call, as strace writes it"
EXAMPLES = """\
  tracectl print a.trace
  tracectl print -e openat,read a.trace     only these system calls
  tracectl print -T --failed a.trace        only errors, with the time spent
  tracectl print -tt --pid 4711 a.trace     of one process, with the time of day
  tracectl print -y a.trace                 read(3</etc/passwd>, ...) instead of read(3, ...)"""

_PIECE = 4096
"""So many calls are written at once; who looks at the first ones does not wait for more."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="the capture")
    add_selection(parser)
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "-t", "--time", action="count", default=0,
        help="begin with the time of day; -tt with µs, -ttt in seconds since 1970",
    )  # fmt: skip
    group.add_argument(
        "-r", "--relative", action="store_true", help="begin with the time since the last call"
    )
    parser.add_argument("-T", "--times", action="store_true", help="append the time spent")
    parser.add_argument(
        "-y", "--with-files", action="store_true",
        help="show what is behind each file descriptor: all of it where the recording was made "
        "with --files, else what names tell",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def run(args: argparse.Namespace) -> int:
    # Of millions of objects none is in a cycle; looking for some takes a third of the time.
    gc.disable()
    try:
        with open_capture(args.file) as capture:
            _print_all(args, capture)
    finally:
        gc.enable()
    return EXIT_OK


def _print_all(args: argparse.Namespace, capture: Capture) -> None:
    from tracectl.analysis.merge import iter_done, iter_ordered  # noqa: PLC0415 - numpy
    from tracectl.analysis.wallclock import WallClock  # noqa: PLC0415

    tables = tables_of(capture)
    moments = [*capture.metadata.clocks, *(capture.end.clocks if capture.end else ())]
    descriptors = descriptors_of(capture) if args.with_files else None
    selection = selection_of(args, capture, tables)
    lines = lines_of(args, tables, WallClock(moments), selection, descriptors)
    for calls in iter_ordered(iter_done(capture)):
        for start in range(0, len(calls), _PIECE):
            write_lines(lines(calls.between(start, start + _PIECE)))
    for problem in capture.problems:
        say(f"{capture.path}: {problem}")
    if lost := lost_of(capture)[1]:
        say(f"{lost:,} events were lost and are missing above")


def write_lines(lines: Sequence[str]) -> None:
    if lines:
        sys.stdout.write("\n".join(lines) + "\n")


def lines_of(
    args: argparse.Namespace,
    tables: Sequence[SyscallTable],
    clock: WallClock,
    selection: Selection,
    descriptors: Descriptors | None,
) -> Callable[[Calls], list[str]]:
    """What makes the lines of a block of calls."""
    import numpy as np  # noqa: PLC0415

    from tracectl.analysis.rows import iter_rows  # noqa: PLC0415
    from tracectl.cli.lines import Lines  # noqa: PLC0415

    lines = Lines(tables, clock, args.time, args.relative, args.times)

    def of_columns(calls: Calls) -> list[str]:
        if not selection.is_all:
            calls = calls.select(np.flatnonzero(selection.find(calls)))
        return lines.format(calls)

    def of_rows(calls: Calls) -> list[str]:
        # Descriptors are told of all calls, wanted or not.
        told = [_call(row, tables, descriptors) for row in iter_rows(calls)]
        wanted = np.flatnonzero(selection.find(calls))
        told = [told[row] for row in wanted.tolist()]
        if args.json:
            return [json.dumps(call) for call, _ in told]
        return lines.decorate(calls.select(wanted), [_text(call, file) for call, file in told])

    return of_rows if args.json or descriptors is not None else of_columns


def _call(
    row: Row, tables: Sequence[SyscallTable], descriptors: Descriptors | None
) -> tuple[dict[str, Any], bytes | None]:
    """What --json shows of it, and what is behind the descriptor that it returns."""
    table = tables[min(row.abi, 2)]
    syscall, files = table.get(row.nr), None
    if descriptors is not None:
        descriptors.advance(row.begin_ns or row.end_ns or 0)
        files = partial(descriptors.path_of, row.tgid)
    arguments = file = None
    if row.begin_ns is not None:
        arguments = format_arguments(syscall, row.arguments, row.copies, files)
        if descriptors is not None and syscall is not None:
            file = descriptors.add(syscall, row)
    shown = {
        "tid": row.tid,
        "tgid": row.tgid,
        "name": table.name(row.nr),
        "nr": row.nr,
        "abi": abi_name(tables, row.abi),
        "entry_ns": row.begin_ns,
        "exit_ns": row.end_ns,
        "arguments": arguments,
        "result": row.result,
        "file": None if file is None else file.decode(errors="backslashreplace"),
        "paths": [
            copy.data.decode(errors="backslashreplace")
            for copy in row.copies
            if copy.kind == Kind.NAME
        ],
        "memory": [
            {
                "argument": copy.argument,
                "at": "exit" if copy.flags & UserFlag.EXIT else "entry",
                "source": "user-copy",
                "bytes": len(copy.data),
                "faulted": bool(copy.flags & UserFlag.FAULTED),
                "truncated": bool(copy.flags & UserFlag.TRUNCATED),
            }
            for copy in row.copies
            if copy.kind == Kind.USER
        ],
        "divergences": [
            [path.decode(errors="backslashreplace") for path in copy.paths]
            for copy in row.copies
            if copy.kind == Kind.DIVERGENCE
        ],
    }
    return shown, file


def _text(call: dict[str, Any], file: bytes | None) -> str:
    name, result = call["name"], call["result"]
    if result is None:
        text = "?" if ends_nowhere(name) else "? <unfinished ...>"
    else:
        text = format_result(name, result) + format_file(file)
    if call["entry_ns"] is None:
        return f"<... {name} resumed>) = {text}"
    return format_call(name, call["arguments"], text)
