"""A ranking's table as rows of a grid."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from tracectl.live.ranking import WINDOW, Table
from tracectl.tui.grid import Cell

CellOf = Callable[[int, int], Cell]
"""A cell of row ``index`` of the table, of a width."""


class RankedRows:
    """Rows of ``table`` in ``order``, a cell function a column."""

    def __init__(self, table: Table, order: NDArray[np.intp], cells: Sequence[CellOf]) -> None:
        self._table = table
        self._order = order
        self._cells = cells

    def __len__(self) -> int:
        return len(self._order)

    def cells(self, place: int, widths: Sequence[int]) -> Sequence[Cell]:
        index = int(self._order[place])
        return [
            cell(index, width) if width else ""
            for cell, width in zip(self._cells, widths, strict=True)
        ]

    def key(self, place: int) -> Hashable:
        return int(self._table.key[self._order[place]])

    def find(self, key: Hashable) -> int | None:
        found = np.flatnonzero(self._table.key[self._order] == key)
        return int(found[0]) if len(found) else None


def sort_values(table: Table, sort: str) -> NDArray[np.float64]:
    """What the rows are sorted by, the greatest first."""
    if sort in ("p50", "p95", "p99"):
        return table.percentiles[:, ("p50", "p95", "p99").index(sort)].astype(np.float64)
    columns = {
        "rate": table.recent,
        "calls": table.calls,
        "errors": table.errors,
        "time": table.total_ns,
        "bytes": table.size_bytes,
    }
    return columns[sort].astype(np.float64)


def order_of(table: Table, sort: str, rows: NDArray[np.intp] | None = None) -> NDArray[np.intp]:
    """``rows`` of ``table``, by default all, by ``sort``; those that are equal by their calls."""
    chosen = np.arange(len(table)) if rows is None else rows
    values = sort_values(table, sort)[chosen]
    order: NDArray[np.intp] = chosen[np.lexsort((-table.calls[chosen], -values))]
    return order


def rates_of(table: Table, span_s: float, is_live: bool) -> NDArray[np.float64]:
    """Calls a second: lately, or over all of a capture."""
    if is_live:
        return table.recent / min(WINDOW, max(span_s, 1.0))
    return table.calls / max(span_s, 1e-9)
