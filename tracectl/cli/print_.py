"""tracectl print"""

from __future__ import annotations

import argparse
import gc
import json
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from itertools import chain, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracectl.abi.records import Kind, UserFlag
from tracectl.capture.reader import Capture, open_capture
from tracectl.cli.losses import losses_of
from tracectl.cli.output import say
from tracectl.cli.reading import descriptors_of, tables_of
from tracectl.cli.selection import add_selection, needs_capture, selection_of
from tracectl.errors import EXIT_OK, UsageError
from tracectl.render.answers import format_answer
from tracectl.render.arguments import format_arguments, format_call
from tracectl.render.copies import format_diverged
from tracectl.render.files import Files
from tracectl.render.results import ends_nowhere, format_result
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
  tracectl print --follow                   what is being recorded, as it comes
  tracectl print -y a.trace                 read(3</etc/passwd>, ...) instead of read(3, ...)"""

_FIRST, _PIECE = 64, 1 << 14
"""So many calls are written at once; who looks at the first ones does not wait for more."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file",
        type=Path,
        nargs="?",
        help="the capture; --follow goes without: what is recorded now",
    )
    parser.add_argument(
        "--follow", action="store_true",
        help="go on with what is recorded meanwhile, until the recording ends",
    )  # fmt: skip
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
    parser.add_argument(
        "-yy", "--with-sockets", action="store_true",
        help="the same, and of sockets the protocol and the addresses, as far as they are known",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def run(args: argparse.Namespace) -> int:
    # Of millions of objects none is in a cycle; looking for some takes a third of the time.
    gc.disable()
    try:
        if args.follow:
            return _follow(args)
        if args.file is None:
            raise UsageError("name a capture, or --follow what is recorded now")
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
    descriptors = descriptors_of(capture) if args.with_files or args.with_sockets else None
    selection = selection_of(args, capture, tables)
    lines = lines_of(args, tables, WallClock(moments), selection, descriptors)
    tell = None if descriptors is None else descriptors.add_records
    sizes = chain([_FIRST], repeat(_PIECE))
    for calls in iter_ordered(iter_done(capture, tell)):
        end = 0
        while end < len(calls):
            start, end = end, end + next(sizes)
            write_lines(lines(calls.between(start, end)))
            if end == _FIRST:
                sys.stdout.flush()
    for problem in capture.problems:
        say(f"{capture.path}: {problem}")
    if lost := losses_of(capture).describe():
        say(f"{lost} and are missing above")


def _follow(args: argparse.Namespace) -> int:
    """Calls are printed when they have ended, or once they hold the others up for too long."""
    from tracectl.cli.following import iter_followed, open_source  # noqa: PLC0415 - numpy

    if args.with_files or needs_capture(args):
        raise UsageError(
            "--follow knows neither -y, --comm, --uid, --cgroup, --container, --from nor --to"
        )
    with closing(open_source(args.file)) as source:
        from tracectl.analysis.wallclock import WallClock  # noqa: PLC0415

        tables = source.facts.tables
        selection = selection_of(args, None, tables)
        lines = lines_of(args, tables, WallClock(source.facts.moments), selection, None)
        for calls in iter_followed(source):
            write_lines(lines(calls))
            sys.stdout.flush()
        for problem in source.problems:
            say(problem)
        if lost := source.losses().lost:
            say(f"{lost:,} events were lost and are missing above")
    return EXIT_OK


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
        told = [
            _call(row, tables, descriptors, with_sockets=args.with_sockets)
            for row in iter_rows(calls)
        ]
        wanted = np.flatnonzero(selection.find(calls))
        told = [told[row] for row in wanted.tolist()]
        if args.json:
            return [json.dumps(call) for call, _ in told]
        return lines.decorate(calls.select(wanted), [_text(call, result) for call, result in told])

    return of_rows if args.json or descriptors is not None else of_columns


def _call(
    row: Row,
    tables: Sequence[SyscallTable],
    descriptors: Descriptors | None,
    *,
    with_sockets: bool,
) -> tuple[dict[str, Any], str]:
    """What --json shows of it, and its result as strace writes it."""
    table = tables[min(row.abi, 2)]
    syscall, files = table.get(row.nr), None
    if descriptors is not None:
        descriptors.advance(row.begin_ns or row.end_ns or 0)
        files = Files(
            partial(descriptors.path_of, row.tgid),
            descriptors.sockets.ends_of if with_sockets else None,
        )
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
            [format_diverged(syscall, text) for text in copy.paths]
            for copy in row.copies
            if copy.kind == Kind.DIVERGENCE
        ],
    }
    return shown, _result_of(row, table, "" if files is None else files.describe(file))


def _result_of(row: Row, table: SyscallTable, file: str) -> str:
    name = table.name(row.nr)
    if row.result is None:
        return "?" if ends_nowhere(name) else "? <unfinished ...>"
    arguments = row.arguments if row.begin_ns is not None else ()
    call = table.get(row.nr)
    answer = format_answer(call, arguments, row.result, row.copies) if call and arguments else ""
    return format_result(name, row.result, arguments, table.abi) + file + answer


def _text(call: dict[str, Any], result: str) -> str:
    if call["entry_ns"] is None:
        return f"<... {call['name']} resumed>) = {result}"
    return format_call(call["name"], call["arguments"], result)
