"""The cells that tables of counts have in common."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tracectl.live.ranking import Table
from tracectl.render.table import format_duration, format_size
from tracectl.tui.charts import format_count, sparkline
from tracectl.tui.grid import Cell, Column
from tracectl.tui.ranked import CellOf

RATE = Column("calls/s", 8, sort="rate")
CALLS = Column("calls", 7, sort="calls")
ERRORS = Column("errors", 7, sort="errors")
TIME = Column("time", 8, sort="time")
P50, P95, P99 = (Column(name, 7, sort=name) for name in ("p50", "p95", "p99"))
BYTES = Column("bytes", 8, sort="bytes")
TREND = Column("trend", 0, is_left=True, least=6)


def count_cells(table: Table, rates: NDArray[np.float64]) -> dict[str, CellOf]:
    """By the title of their column."""

    def errors(index: int, _: int) -> Cell:
        count = int(table.errors[index])
        return (format_count(count), "bad") if count else ("·", "dim")

    def time(index: int, _: int) -> Cell:
        spent_ns = float(table.total_ns[index])
        return short_duration(spent_ns) if spent_ns else ("·", "dim")

    def percentile(column: int) -> CellOf:
        def cell(index: int, _: int) -> Cell:
            value = float(table.percentiles[index, column])
            return short_duration(value) if value else ("·", "dim")

        return cell

    def trend(index: int, width: int) -> Cell:
        return sparkline(table.history[index].tolist(), width), "good"

    return {
        "calls/s": lambda index, _: format_count(float(rates[index])),
        "calls": lambda index, _: format_count(int(table.calls[index])),
        "errors": errors,
        "time": time,
        "p50": percentile(0),
        "p95": percentile(1),
        "p99": percentile(2),
        "bytes": lambda index, _: short_size(int(table.size_bytes[index])),
        "trend": trend,
    }


def short_duration(ns: float) -> str:
    """Without the blank, so that a column is narrow: 1.23ms."""
    return format_duration(ns).replace(" ", "")


def short_size(size_bytes: int) -> Cell:
    return (
        format_size(size_bytes).replace(" ", "").replace("iB", "") if size_bytes else ("·", "dim")
    )
