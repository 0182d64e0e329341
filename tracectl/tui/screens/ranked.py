"""A screen that is one ranking, sorted by any of its columns."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from tracectl.live.model import View
from tracectl.live.ranking import Table
from tracectl.live.source import Facts
from tracectl.tui.grid import Column, Grid, Rows
from tracectl.tui.screens.base import COUNTS_ONLY, ViewScreen


class RankedScreen(ViewScreen):
    """``live_sort`` is the order in which it opens on what goes on, ``sort`` that of a capture."""

    columns: Sequence[Column] = ()
    live_sort = "rate"
    sort = "time"
    empty_text = "nothing yet"
    CSS = "RankedScreen #dropped { height: 1; color: $text-warning; display: none; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "order(1)", "Order"),
        Binding("O", "order(-1)", show=False),
    ]

    def body(self) -> Iterable[Widget]:
        if self.app.is_live:
            self.sort = self.live_sort
        grid = Grid(self.columns, id="rows")
        grid.sort = self.sort
        yield grid
        yield Static("", id="dropped", markup=False)

    def show(self, view: View, facts: Facts) -> None:
        grid = self.query_one("#rows", Grid)
        rows = self.rows(view, facts)
        grid.empty_text = self.empty_text if facts.has_records else COUNTS_ONLY
        grid.columns, grid.sort = list(self.columns), self.sort
        grid.show(rows)
        self._say_dropped(self.table(view))

    def _say_dropped(self, table: Table) -> None:
        said = self.query_one("#dropped", Static)
        said.display = bool(table.dropped_rows)
        if table.dropped_rows:
            said.update(
                f" {table.dropped_rows:,} rows with {table.dropped_calls:,} calls were given up: "
                "the table was full"
            )

    def table(self, view: View) -> Table:
        """What it shows."""
        raise NotImplementedError

    def rows(self, view: View, facts: Facts) -> Rows:
        raise NotImplementedError

    def open(self, key: Hashable) -> None:
        """What Enter opens."""

    def action_order(self, by: int) -> None:
        sorts = [column.sort for column in self.columns if column.sort]
        self.sort = sorts[(sorts.index(self.sort) + by) % len(sorts)]
        self.app.show_now()

    def on_grid_opened(self, message: Grid.Opened) -> None:
        self.open(message.key)

    def on_grid_sort_wanted(self, message: Grid.SortWanted) -> None:
        self.sort = message.sort
        self.app.show_now()

    def seen(self) -> tuple[list[str], list[list[str]]]:
        return texts_of(self.query_one("#rows", Grid))


def texts_of(grid: Grid) -> tuple[list[str], list[list[str]]]:
    """All rows of ``grid``, without its trends."""
    kept = [place for place, column in enumerate(grid.columns) if column.title != "trend"]
    widths = [0 if column.title == "trend" else 1 << 16 for column in grid.columns]
    rows = []
    for place in range(len(grid.rows)):
        cells = grid.rows.cells(place, widths)
        texts = [cell[0] if isinstance(cell, tuple) else cell for cell in cells]
        rows.append(["" if texts[at] == "·" else texts[at].strip() for at in kept])
    return [grid.columns[at].title for at in kept], rows
