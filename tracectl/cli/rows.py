"""The rows of a report: what they are called, and what is in them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any

from tracectl.capture.reader import Capture
from tracectl.render.addresses import format_address
from tracectl.render.results import error_name
from tracectl.render.table import format_duration
from tracectl.tables.table import SyscallTable, abi_name

if TYPE_CHECKING:
    from tracectl.analysis.report import Counted, Report
    from tracectl.analysis.selection import Selection
    from tracectl.analysis.tally import Row

HEADER = ("calls", "errors", "total", "p50", "p95", "p99", "max")


def cells_of(row: Row) -> tuple[str, ...]:
    """As HEADER has them."""
    times = (row.total_ns, row.p50_ns, row.p95_ns, row.p99_ns, row.max_ns)
    errors = f"{row.errors:,}" if row.errors else ""
    return f"{row.calls:,}", errors, *map(format_duration, times)


def exact_rows(
    way: str, report: Report, capture: Capture, selection: Selection
) -> tuple[dict[Hashable, Row], bool]:
    """Those of ``report``, with what was lost where the module counted it; and whether it did."""
    from tracectl.analysis.report import Counts  # noqa: PLC0415 - numpy

    rows = report.tables[way]
    if capture.end is None or capture.metadata.config.is_flight:
        return rows, False
    if way != "syscall" or not selection.is_of_syscalls:
        return rows, False
    return Counts.of(capture.end.cpus).complete(rows, selection.slots), True


def describe_exactness(capture: Capture, *, is_exact: bool) -> str:
    """What of the losses is in rows that exact_rows() answered."""
    if is_exact:
        return "Calls, errors and totals are exact; percentiles are of what was recorded."
    if capture.end is None:
        return "What was lost is missing."
    return "What was lost is missing: it was counted by system call alone."


def lost_calls_of(capture: Capture, tables: Sequence[SyscallTable]) -> dict[str, Counted]:
    """By name, those of which some were lost; the most first."""
    from tracectl.analysis.report import Counts  # noqa: PLC0415

    if capture.end is None:
        return {}
    counts = Counts.of(capture.end.cpus).by_call
    named = [
        ("other" if key is None else _syscall_name(key, tables), counted)
        for key, counted in counts.items()
        if counted.lost
    ]
    return dict(sorted(named, key=lambda item: (-item[1].lost, item[0])))


def namer_of(by: str, tables: Sequence[SyscallTable], report: Report) -> Callable[[Any], str]:
    comms = {life.tid: life.comm for life in report.lives if life.comm}

    def of_process(pid: int) -> str:
        return f"{comms.get(pid, '?')}[{pid}]"

    namers: dict[str, Callable[[Any], str]] = {
        "syscall": lambda key: _syscall_name(key, tables),
        "process": of_process,
        "thread": lambda key: of_process(key[1]),
        "user": lambda key: "?" if key < 0 else str(key),
        "container": lambda key: key or "?",
        "file": lambda key: key.decode(errors="backslashreplace"),
        "fd": lambda key: f"{key[1]} of {of_process(key[0])}",
        "errno": error_name,
        "cpu": lambda key: f"CPU {key}",
        "socket": format_address,
    }
    return namers[by]


def _syscall_name(key: Any, tables: Sequence[SyscallTable]) -> str:
    abi, nr = key
    name = tables[min(abi, len(tables) - 1)].name(nr)
    return name if abi == 0 else f"{abi_name(tables, abi)}:{name}"
