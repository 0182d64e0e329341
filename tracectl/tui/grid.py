"""A table of any length: only what is seen is formatted.

Textual's DataTable keeps and measures every cell: 56 ms an update at 100 rows, where this takes 3.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tracectl.render.strings import printable

Cell = str | tuple[str, str]
"""Text, or text and what it is: "bad", "dim", "warn", "good"."""


@dataclass(frozen=True, slots=True)
class Column:
    """``width`` is in cells; of 0 it takes what is left. One of ``least`` or fewer is left out.
    ``sort`` names what the rows can be sorted by, if they can."""

    title: str
    width: int
    is_left: bool = False
    sort: str = ""
    least: int = 1


class Rows(Protocol):
    """What a grid shows."""

    def __len__(self) -> int: ...

    def cells(self, place: int, widths: Sequence[int]) -> Sequence[Cell]:
        """One a column; a column that is not shown has the width 0."""

    def key(self, place: int) -> Hashable:
        """What is the same row when the rows are others."""

    def find(self, key: Hashable) -> int | None:
        """Where it is now."""


class NoRows:
    def __len__(self) -> int:
        return 0

    def cells(self, place: int, widths: Sequence[int]) -> Sequence[Cell]:
        return ()

    def key(self, place: int) -> Hashable:
        return None

    def find(self, key: Hashable) -> int | None:
        return None


class Grid(ScrollView, can_focus=True):
    """A cursor on rows; the first row stays under it until it is moved away from there."""

    DEFAULT_CSS = """
    Grid { height: 1fr; scrollbar-size-vertical: 1; scrollbar-size-horizontal: 0; }
    Grid .grid--header { color: $text-muted; text-style: bold; }
    Grid .grid--sorted { color: $accent; text-style: bold; }
    Grid .grid--cursor { background: $block-cursor-blurred-background; text-style: bold; }
    Grid:focus .grid--cursor { background: $block-cursor-background;
        color: $block-cursor-foreground; text-style: bold; }
    Grid .grid--bad { color: $text-error; text-style: bold; }
    Grid .grid--warn { color: $text-warning; }
    Grid .grid--good { color: $text-success; }
    Grid .grid--dim { color: $text-muted; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "grid--header", "grid--sorted", "grid--cursor", "grid--bad", "grid--warn", "grid--good",
        "grid--dim",
    }  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open"),
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home,g", "go(0)", show=False),
        Binding("end,G", "go(-1)", show=False),
    ]

    class Opened(Message):
        """Enter, or a second click, on the row ``key``."""

        def __init__(self, grid: Grid, key: Hashable) -> None:
            super().__init__()
            self.grid = grid
            self.key = key

    class Moved(Message):
        """The cursor was moved, by the user."""

        def __init__(self, grid: Grid) -> None:
            super().__init__()
            self.grid = grid

    class SortWanted(Message):
        """The header of a column that has ``sort`` was clicked."""

        def __init__(self, grid: Grid, sort: str) -> None:
            super().__init__()
            self.grid = grid
            self.sort = sort

    def __init__(self, columns: Sequence[Column], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.columns = list(columns)
        self.rows: Rows = NoRows()
        self.sort = ""
        self.cursor = 0
        self.empty_text = ""
        self._key: Hashable = None
        self._base: Style | None = None

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._base = None

    @property
    def base_style(self) -> Style:
        """The widget's own; asked for a line, it is a third of drawing one."""
        if self._base is None:
            self._base = self.rich_style
        return self._base

    def show(self, rows: Rows, *, at_end: bool = False) -> None:
        """``rows`` from now on; the cursor stays on its row, or goes to the last."""
        self.rows = rows
        if at_end:
            self.cursor = len(rows) - 1
        elif self.cursor > 0 and self._key is not None:
            found = rows.find(self._key)
            self.cursor = self.cursor if found is None else found
        self.cursor = max(0, min(self.cursor, len(rows) - 1))
        self._key = rows.key(self.cursor) if len(rows) else None
        if self.virtual_size.height != len(rows) + 1:
            self.virtual_size = Size(0, len(rows) + 1)
        self._scroll_to_cursor()
        self.refresh()

    @property
    def current(self) -> Hashable:
        """The key of the row under the cursor; None in an empty grid."""
        return self._key

    @property
    def rows_seen(self) -> int:
        return max(1, self.size.height - 1)

    def move_to(self, place: int) -> None:
        self.cursor = max(0, min(place, len(self.rows) - 1))
        self._key = self.rows.key(self.cursor) if len(self.rows) else None
        self._scroll_to_cursor()
        self.refresh()
        self.post_message(self.Moved(self))

    def action_move(self, by: int) -> None:
        self.move_to(self.cursor + by)

    def action_page(self, by: int) -> None:
        self.move_to(self.cursor + by * self.rows_seen)

    def action_go(self, place: int) -> None:
        self.move_to(place if place >= 0 else len(self.rows) - 1)

    def action_open(self) -> None:
        if self._key is not None:
            self.post_message(self.Opened(self, self._key))

    def on_click(self, event: events.Click) -> None:
        place = event.y - 1 + self.scroll_offset.y
        if event.y == 0:
            self._sort_at(event.x)
        elif place < len(self.rows):
            if place == self.cursor:
                self.action_open()
            else:
                self.move_to(place)

    def on_resize(self) -> None:
        self._scroll_to_cursor()

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        widths = self._widths(width)
        if y == 0:
            return self._header(widths, width)
        place = y - 1 + self.scroll_offset.y
        if place >= len(self.rows):
            text = self.empty_text if y == 1 and not len(self.rows) else ""
            style = self.get_component_rich_style("grid--dim")
            return Strip([Segment(text, style)]).crop_extend(0, width, self.base_style)
        base = self.base_style
        is_cursor = place == self.cursor
        if is_cursor:
            base += self.get_component_rich_style("grid--cursor")
        segments = []
        for cell, column, cells in zip(
            self.rows.cells(place, widths), self.columns, widths, strict=True
        ):
            if not cells:
                continue
            text, kind = cell if isinstance(cell, tuple) else (cell, "")
            style = base
            # Under the cursor its colours are the ones that can be read.
            if kind and not is_cursor:
                style += self.get_component_rich_style(f"grid--{kind}")
            segments.append(Segment(_fit(text, cells, column.is_left), style))
            segments.append(Segment(" ", base))
        return Strip(segments).crop_extend(0, width, base)

    def _header(self, widths: Sequence[int], width: int) -> Strip:
        segments = []
        header = self.base_style + self.get_component_rich_style("grid--header")
        chosen = self.base_style + self.get_component_rich_style("grid--sorted")
        for column, cells in zip(self.columns, widths, strict=True):
            if cells:
                is_chosen = bool(column.sort) and column.sort == self.sort
                title = f"{column.title}▾" if is_chosen else column.title
                style = chosen if is_chosen else header
                segments.append(Segment(_fit(title, cells, column.is_left), style))
                segments.append(Segment(" ", header))
        return Strip(segments).crop_extend(0, width, header)

    def _widths(self, width: int) -> list[int]:
        """Those of 0 share what the others leave; where that is too little, they are left out."""
        fixed = sum(column.width + 1 for column in self.columns if column.width)
        greedy = [column for column in self.columns if not column.width]
        rest = width - fixed - len(greedy)
        share = rest // len(greedy) if greedy else 0
        return [column.width or (share if share >= column.least else 0) for column in self.columns]

    def _sort_at(self, x: int) -> None:
        start = 0
        for column, cells in zip(
            self.columns, self._widths(self.scrollable_content_region.width), strict=True
        ):
            if cells and start <= x <= start + cells and column.sort:
                self.post_message(self.SortWanted(self, column.sort))
                return
            start += cells + 1 if cells else 0

    def _scroll_to_cursor(self) -> None:
        top, seen = self.scroll_offset.y, self.rows_seen
        if self.cursor < top:
            top = self.cursor
        elif self.cursor >= top + seen:
            top = self.cursor - seen + 1
        top = max(0, min(top, len(self.rows) - seen))
        if top != self.scroll_offset.y:
            self.scroll_to(y=top, animate=False, force=True, immediate=True)


def _fit(text: str, cells: int, is_left: bool) -> str:
    text = printable(text)
    length = cell_len(text)
    if length > cells:
        return set_cell_size(text, cells - 1) + "…"
    return text + " " * (cells - length) if is_left else " " * (cells - length) + text
