"""tracectl print"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracectl.abi.records import Kind
from tracectl.capture.reader import open_capture
from tracectl.cli.reading import calls_of, descriptors_of, lost_of, tables_of
from tracectl.errors import EXIT_OK, UsageError
from tracectl.render.arguments import format_arguments, format_call
from tracectl.render.files import Files
from tracectl.render.results import ends_nowhere, format_result
from tracectl.tables.table import SyscallTable

if TYPE_CHECKING:
    from tracectl.analysis.calls import Calls
    from tracectl.analysis.descriptors import Descriptors
    from tracectl.analysis.rows import Row

HELP = "every call, as strace writes it"
EXAMPLES = """\
  tracectl print a.trace
  tracectl print -e openat,read a.trace     only these system calls
  tracectl print -T --failed a.trace        only errors, with the time spent
  tracectl print -y a.trace                 read(3</etc/passwd>, ...) instead of read(3, ...)"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="the capture")
    parser.add_argument(
        "-e", "--syscalls", metavar="SYSCALLS", help="only these, with commas between"
    )
    parser.add_argument("-p", "--tid", type=int, help="only this thread")
    parser.add_argument("--failed", action="store_true", help="only calls that failed")
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
    with open_capture(args.file) as capture:
        tables = tables_of(capture)
        wanted = _wanted(args.syscalls, tables)
        calls = calls_of(capture)
        descriptors = descriptors_of(capture) if args.with_files or args.with_sockets else None
        _, lost = lost_of(capture)
        problems = capture.problems
    for line in _iter_lines(calls, tables, wanted, descriptors, args):
        sys.stdout.write(line + "\n")
    for problem in problems:
        print(f"tracectl: {args.file}: {problem}", file=sys.stderr)
    if lost:
        print(f"tracectl: {lost:,} events were lost and are missing above", file=sys.stderr)
    return EXIT_OK


def _wanted(names: str | None, tables: list[SyscallTable]) -> frozenset[str] | None:
    if names is None:
        return None
    wanted = frozenset(names.split(","))
    unknown = [name for name in sorted(wanted) if not any(table.by_name(name) for table in tables)]
    if unknown:
        raise UsageError(f"no system call is called {', '.join(unknown)}")
    return wanted


def _iter_lines(
    calls: Calls,
    tables: list[SyscallTable],
    wanted: frozenset[str] | None,
    descriptors: Descriptors | None,
    args: argparse.Namespace,
) -> Iterator[str]:
    from tracectl.analysis.rows import iter_rows  # noqa: PLC0415 - numpy

    many = len(set(calls.tid.tolist())) > 1
    for row in iter_rows(calls):
        call, result = _call(
            row, tables[min(row.abi, 2)], descriptors, with_sockets=args.with_sockets
        )
        failed = row.result is not None and -4095 <= row.result < 0
        if (
            (wanted is not None and call["name"] not in wanted)
            or (args.tid is not None and row.tid != args.tid)
            or (args.failed and not failed)
        ):
            continue
        yield json.dumps(call) if args.json else _line(call, result, many, with_time=args.times)


def _call(
    row: Row, table: SyscallTable, descriptors: Descriptors | None, *, with_sockets: bool
) -> tuple[dict[str, Any], str]:
    """What --json shows of it, and its result as strace writes it."""
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
        "divergences": [
            [path.decode(errors="backslashreplace") for path in copy.paths]
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
    return format_result(name, row.result, arguments, table.abi) + file


def _line(call: dict[str, Any], result: str, many: bool, *, with_time: bool) -> str:
    if call["entry_ns"] is None:
        line = f"<... {call['name']} resumed>) = {result}"
    else:
        line = format_call(call["name"], call["arguments"], result)
    if with_time and call["entry_ns"] and call["exit_ns"]:
        line += f" <{(call['exit_ns'] - call['entry_ns']) / 1e9:.6f}>"
    return f"[pid {call['tid']:5}] {line}" if many else line
