"""How long calls took, over time: a heat map."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from tracectl.analysis.histogram import OCTAVES
from tracectl.live.history import Course
from tracectl.live.model import View
from tracectl.live.source import Facts
from tracectl.tui.cells import short_duration
from tracectl.tui.screens.base import ViewScreen
from tracectl.tui.sieve import Sieve

_LABEL_WIDTH = 9
_SHADES = " ░▒▓█"


class HeatMap(Widget, can_focus=True):
    """Columns are buckets of time, the newest on the right; rows octaves, long ones above. The more
    calls, the fuller the cell, by octaves of their count."""

    DEFAULT_CSS = """
    HeatMap { height: 1fr; }
    HeatMap .heat--1 { color: $primary; }
    HeatMap .heat--2 { color: $success; }
    HeatMap .heat--3 { color: $warning; }
    HeatMap .heat--4 { color: $error; }
    HeatMap .heat--label { color: $text-muted; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "heat--1", "heat--2", "heat--3", "heat--4", "heat--label",
    }  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open"),
        Binding("up,k", "move(0, 1)", show=False),
        Binding("down,j", "move(0, -1)", show=False),
        Binding("left,h", "move(-1, 0)", show=False),
        Binding("right,l", "move(1, 0)", show=False),
    ]

    class Opened(Message):
        """Enter on a cell."""

    class Moved(Message):
        """The cursor is on another cell."""

    def __init__(self) -> None:
        super().__init__()
        self._course: Course | None = None
        self._bucket: int | None = None
        self._row: int | None = None
        # Octaves are shown by so many together, in the rows from low to high.
        self._step = 1
        self._low, self._high = 10, 20
        self._heat = np.zeros((0, 0), np.int64)

    def show(self, course: Course, *, is_live: bool) -> None:
        """Of a capture all is seen, of what goes on the newest."""
        self._course = course if is_live else course.folded(self._width)
        course = self._course
        used = np.flatnonzero(course.heat.any(axis=0))
        if len(used):
            rows = max(1, self.size.height)
            self._step = -(-(int(used[-1]) - int(used[0]) + 1) // rows)
            self._low, self._high = int(used[0]) // self._step, int(used[-1]) // self._step
        self._heat = _by_step(course.heat, self._step)
        self.refresh()

    @property
    def course(self) -> Course | None:
        """As it is shown."""
        return self._course

    @property
    def octaves(self) -> tuple[int, int]:
        """The first octave under the cursor, and how many there are."""
        cell = self.cell
        return (cell[1] if cell else 0) * self._step, self._step

    @property
    def count(self) -> int:
        """Of the calls under the cursor."""
        cell, course = self.cell, self._course
        if cell is None or course is None or not 0 <= cell[0] - course.first < len(self._heat):
            return 0
        return int(self._heat[cell[0] - course.first, cell[1]])

    @property
    def cell(self) -> tuple[int, int] | None:
        """Bucket and row under the cursor: by default those of the most calls in the newest bucket
        that has any."""
        if self._course is None:
            return None
        if self._bucket is not None and self._row is not None:
            row = max(self._low, min(self._high, self._row))
            return max(self._bucket, self._course.first), row
        heat = self._heat
        with_calls = np.flatnonzero(heat.any(axis=1))
        if not len(with_calls):
            return None
        newest = int(with_calls[-1])
        return self._course.first + newest, int(heat[newest].argmax())

    def action_move(self, by_bucket: int, by_row: int) -> None:
        cell, course = self.cell, self._course
        if cell is None or course is None:
            return
        newest = course.first + len(course.heat) - 1
        oldest = max(course.first, newest - self._width + 1)
        self._bucket = max(oldest, min(newest, cell[0] + by_bucket))
        self._row = max(self._low, min(self._high, cell[1] + by_row))
        self.refresh()
        self.post_message(self.Moved())

    def action_open(self) -> None:
        if self.cell is not None:
            self.post_message(self.Opened())

    def on_click(self, event: events.Click) -> None:
        course = self._course
        if course is None or event.x < _LABEL_WIDTH:
            return
        newest = course.first + len(course.heat) - 1
        self._bucket = newest - self._width + 1 + event.x - _LABEL_WIDTH
        self._row = self._high - event.y
        self.refresh()
        self.post_message(self.Moved())

    def render_line(self, y: int) -> Strip:
        row, course = self._high - y, self._course
        if course is None or row < self._low or row >= self._heat.shape[1]:
            return Strip.blank(self.size.width, self.rich_style)
        label = self.get_component_rich_style("heat--label")
        segments = [
            Segment(f"{short_duration(2.0 ** (row * self._step)):>{_LABEL_WIDTH - 1}} ", label)
        ]
        column = self._heat[-self._width :, row]
        top = max(int(self._heat.max()), 1)
        first = course.first + len(course.heat) - len(column)
        cell, base = self.cell, self.rich_style
        for place, count in enumerate(column.tolist()):
            level = shade_of(count, top)
            style = base
            if level:
                style += self.get_component_rich_style(f"heat--{level}")
            if cell == (first + place, row):
                segments.append(Segment("◆" if not level else "◇", style))
            else:
                segments.append(Segment(_SHADES[level], style))
        # A cell each would be four times as much for a terminal.
        return Strip(segments).simplify().crop_extend(0, self.size.width, self.rich_style)

    @property
    def _width(self) -> int:
        return max(1, self.size.width - _LABEL_WIDTH)


def _by_step(heat: NDArray[np.int64], step: int) -> NDArray[np.int64]:
    """Neighbouring octaves added up, ``step`` at a time."""
    padded = np.pad(heat, ((0, 0), (0, -heat.shape[1] % step)))
    sums: NDArray[np.int64] = padded.reshape(len(heat), -1, step).sum(axis=2)
    return sums


def shade_of(count: int, top: int) -> int:
    """0 for none, else 1 to 4: quarters of the octaves up to ``top``."""
    if count <= 0:
        return 0
    return 1 + min(3, int(4 * (count.bit_length() - 1) / max(top.bit_length(), 1)))


class LatencyScreen(ViewScreen):
    tab = 6
    crumb = "Latency"

    def body(self) -> Iterable[Widget]:
        yield HeatMap()
        yield Static("", id="cell", markup=False)

    def show(self, view: View, facts: Facts) -> None:
        self.query_one(HeatMap).show(view.course, is_live=facts.is_live)
        self._describe()

    def on_heat_map_moved(self) -> None:
        self._describe()

    def on_heat_map_opened(self) -> None:
        found = self._found()
        if found is not None:
            bucket, first, last, _, width_ns = found
            # The map has them where they ended.
            span_ns = bucket * width_ns - (1 << last), (bucket + 1) * width_ns
            self.app.open_events(
                Sieve(
                    label=f"{short_duration(2.0**first)} to {short_duration(2.0**last)}",
                    slower_ns=1 << first if first else 0,
                    faster_ns=1 << last,
                    span_ns=span_ns,
                )
            )

    def _describe(self) -> None:
        found = self._found()
        text = " no call has ended yet"
        if found is not None:
            bucket, first, last, count, width_ns = found
            clock = self.app.lines.clock_of(max(0, bucket * width_ns)) if self.app.lines else ""
            calls = "1 call" if count == 1 else f"{count:,} calls"
            text = (
                f" {clock} + {short_duration(width_ns)}: {calls} took "
                f"{short_duration(2.0**first)} to {short_duration(2.0**last)}"
            )
        self.query_one("#cell", Static).update(text, layout=False)

    def _found(self) -> tuple[int, int, int, int, int] | None:
        """Bucket, first octave and the one after the last, calls there, ns of a bucket."""
        heat_map = self.query_one(HeatMap)
        course, cell = heat_map.course, heat_map.cell
        if course is None or cell is None:
            return None
        first, count = heat_map.octaves
        return cell[0], first, first + count, heat_map.count, course.width_ns

    def seen(self) -> tuple[list[str], list[list[str]]]:
        view, lines = self.app.view, self.app.lines
        if view is None or lines is None:
            return [], []
        course = view.course
        header = ["time", *(short_duration(2.0**octave) for octave in range(OCTAVES))]
        rows = [
            [lines.clock_of((course.first + place) * course.width_ns), *map(str, row)]
            for place, row in enumerate(course.heat.tolist())
            if any(row)
        ]
        return header, rows
