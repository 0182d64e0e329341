"""What the module has counted in the session that runs: ``report`` without a file, and the end of a
session that only counts."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tracectl.abi.control import State
from tracectl.abi.totals import CpuTotals, Totals
from tracectl.analysis.counters import ERROR_CLASSES, CountRow, sum_counts
from tracectl.cli.output import print_json
from tracectl.errors import DeviceError
from tracectl.kernel.device import Device
from tracectl.render.table import format_duration, format_table
from tracectl.tables.table import load_tables

_SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def show_live(*, as_json: bool) -> None:
    """DeviceError when nothing runs, or it is not for this user to see."""
    with Device() as device:
        if device.status().state == State.IDLE:
            raise DeviceError(
                "nothing is being traced whose counters could be shown; 'tracectl report FILE' "
                "reports on a capture, 'tracectl start --counters-only' counts"
            )
        counters = device.counters()
    show(counters, as_json=as_json)


def show(counters: list[CpuTotals], *, as_json: bool) -> None:
    rows = [(_name_of(row), row) for row in sum_counts(cpu.syscalls for cpu in counters)]
    totals = Totals.of(counters)
    if as_json:
        print_json(asdict(totals) | {"syscalls": [_json_of(name, row) for name, row in rows]})
        return
    print(
        f"{totals.generated:,} events counted, {totals.lost:,} of them lost; "
        f"{totals.filtered:,} filtered out, {totals.own:,} of these tracectl's own\n"
    )
    header = ("syscall", "calls", "failed", "total", "mean", *(f"{name} <" for name in _SHARES), "")
    print(format_table(header, [_cells_of(name, row) for name, row in rows]))


def _name_of(row: CountRow) -> str:
    native, compat = load_tables().values()
    return "unknown" if row.abi < 0 else (native, compat, native)[row.abi].name(row.nr)


def _errors_of(row: CountRow) -> dict[str, int]:
    pairs = zip(ERROR_CLASSES, row.errors, strict=True)
    return {name: count for name, count in pairs if count}


def _cells_of(name: str, row: CountRow) -> tuple[str, ...]:
    failed = sum(row.errors)
    below = (row.below_ns(share) for share in _SHARES.values())
    return (
        name,
        f"{row.calls:,}",
        f"{failed:,}" if failed else "",
        *map(format_duration, (row.total_ns, row.mean_ns)),
        *("" if ns is None else format_duration(ns) for ns in below),
        ", ".join(f"{count:,} {error}" for error, count in _errors_of(row).items()),
    )


def _json_of(name: str, row: CountRow) -> dict[str, Any]:
    return {
        "name": name,
        "abi": row.abi,
        "nr": row.nr,
        "calls": row.calls,
        "errors": sum(row.errors),
        "errors_by_class": _errors_of(row),
        "total_ns": row.total_ns,
        "mean_ns": row.mean_ns,
        **{f"{key}_below_ns": row.below_ns(share) for key, share in _SHARES.items()},
        "latency": row.latency,
    }
