"""Files by what is done with them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from tracectl.live.model import View
from tracectl.live.paths import UNKNOWN
from tracectl.live.ranking import Table
from tracectl.live.source import Facts
from tracectl.render.strings import printable
from tracectl.tui import cells
from tracectl.tui.grid import Cell, Column, Rows
from tracectl.tui.ranked import RankedRows, order_of, rates_of
from tracectl.tui.screens.ranked import RankedScreen
from tracectl.tui.sieve import Sieve


class FilesScreen(RankedScreen):
    """Calls are those that name the file: opens, stats, and so on."""

    tab = 4
    crumb = "Files"
    sort = "calls"
    columns: Sequence[Column] = (
        Column("file", 0, is_left=True, least=10), cells.RATE, cells.CALLS, cells.ERRORS,
        cells.TIME, cells.BYTES,
    )  # fmt: skip

    def table(self, view: View) -> Table:
        return view.files

    def rows(self, view: View, facts: Facts) -> Rows:
        return file_rows(view, self.sort, facts, self.app.span_s, self.columns)

    def open(self, key: Hashable) -> None:
        assert isinstance(key, int)
        view = self.app.view
        if view is not None and key != UNKNOWN:
            self.app.open_events(Sieve(label=view.path(key), path=view.paths.raw(key)))


def file_rows(
    view: View, sort: str, facts: Facts, span_s: float, columns: Sequence[Column]
) -> RankedRows:
    table = view.files
    made = cells.count_cells(table, rates_of(table, span_s, facts.is_live))

    def path(index: int, width: int) -> Cell:
        text = view.path(int(table.key[index]))
        shown = printable(text)
        # The end of a path tells more than its start.
        return text if len(shown) <= width else "…" + shown[len(shown) - width + 1 :]

    made["file"] = path
    return RankedRows(table, order_of(table, sort), [made[column.title] for column in columns])
