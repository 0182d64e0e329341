"""tracectl print"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracectl.abi.records import Kind, UserFlag
from tracectl.capture.reader import open_capture
from tracectl.cli.reading import calls_of, lost_of, tables_of
from tracectl.decode.copies import Copy
from tracectl.errors import EXIT_OK, UsageError
from tracectl.render.arguments import ends_nowhere, format_arguments, format_call, format_result
from tracectl.tables.table import SyscallTable, abi_name

if TYPE_CHECKING:
    from tracectl.analysis.calls import Calls

HELP = "every call, as strace writes it"
EXAMPLES = """\
  tracectl print a.trace
  tracectl print -e openat,read a.trace     only these system calls
  tracectl print -T --failed a.trace        only errors, with the time spent"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="the capture")
    parser.add_argument(
        "-e", "--syscalls", metavar="SYSCALLS", help="only these, with commas between"
    )
    parser.add_argument("-p", "--tid", type=int, help="only this thread")
    parser.add_argument("--failed", action="store_true", help="only calls that failed")
    parser.add_argument("-T", "--times", action="store_true", help="append the time spent")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def run(args: argparse.Namespace) -> int:
    with open_capture(args.file) as capture:
        tables = tables_of(capture)
        wanted = _wanted(args.syscalls, tables)
        calls = calls_of(capture)
        _, lost = lost_of(capture)
        problems = capture.problems
    for line in _iter_lines(calls, tables, wanted, args):
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
    args: argparse.Namespace,
) -> Iterator[str]:
    copies: dict[int, list[Copy]] = {}
    for row, copy in zip(calls.copy_row, calls.copies, strict=True):
        copies.setdefault(row, []).append(copy)
    many = len(set(calls.tid.tolist())) > 1
    for row in range(len(calls)):
        call = _call(calls, tables, row, copies.get(row, []))
        failed = call["result"] is not None and -4095 <= call["result"] < 0
        if (
            (wanted is not None and call["name"] not in wanted)
            or (args.tid is not None and call["tid"] != args.tid)
            or (args.failed and not failed)
        ):
            continue
        yield json.dumps(call) if args.json else _line(call, many, with_time=args.times)


def _call(calls: Calls, tables: list[SyscallTable], row: int, copies: list[Copy]) -> dict[str, Any]:
    table = tables[min(int(calls.abi[row]), 2)]
    nr = int(calls.nr[row])
    begins, ends = int(calls.entry_ns[row]), int(calls.exit_ns[row])
    name = table.name(nr)
    return {
        "tid": int(calls.tid[row]),
        "tgid": int(calls.tgid[row]),
        "name": name,
        "nr": nr,
        "abi": abi_name(tables, int(calls.abi[row])),
        "entry_ns": begins or None,
        "exit_ns": ends or None,
        "arguments": format_arguments(table.get(nr), calls.arguments[row].tolist(), copies)
        if begins
        else None,
        "result": int(calls.result[row]) if ends else None,
        "paths": [
            copy.data.decode(errors="backslashreplace") for copy in copies if copy.kind == Kind.NAME
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
            for copy in copies
            if copy.kind == Kind.USER
        ],
        "divergences": [
            [path.decode(errors="backslashreplace") for path in copy.paths]
            for copy in copies
            if copy.kind == Kind.DIVERGENCE
        ],
    }


def _line(call: dict[str, Any], many: bool, *, with_time: bool) -> str:
    name, result = call["name"], call["result"]
    if result is None:
        text = "?" if ends_nowhere(name) else "? <unfinished ...>"
    else:
        text = format_result(name, result)
    if call["entry_ns"] is None:
        line = f"<... {name} resumed>) = {text}"
    else:
        line = format_call(name, call["arguments"], text)
    if with_time and call["entry_ns"] and call["exit_ns"]:
        line += f" <{(call['exit_ns'] - call['entry_ns']) / 1e9:.6f}>"
    return f"[pid {call['tid']:5}] {line}" if many else line
