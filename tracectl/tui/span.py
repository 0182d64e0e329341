"""The part of a capture that is shown: a line below the screens of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from textual import events
from textual.widget import Widget

from tracectl.render.table import format_duration

if TYPE_CHECKING:
    from tracectl.tui.app import ViewApp

PLAY_S = 0.5
_WHOLE_S = 20.0
_LEAST_NS = 1000


class Span:
    """``start_ns`` to ``end_ns`` of a capture that goes from ``first_ns`` to ``last_ns``. ``speed``
    is that of playing: at first as it was, and a short capture so that it takes 20 seconds."""

    def __init__(self, first_ns: int, last_ns: int) -> None:
        self.first_ns = self.start_ns = first_ns
        self.last_ns = self.end_ns = last_ns
        self.speed = min(1.0, self.length_ns / 1e9 / _WHOLE_S)

    @property
    def length_ns(self) -> int:
        return self.end_ns - self.start_ns

    @property
    def is_whole(self) -> bool:
        return (self.start_ns, self.end_ns) == (self.first_ns, self.last_ns)

    def zoom(self, factor: float) -> None:
        """About its middle."""
        middle = (self.start_ns + self.end_ns) // 2
        half = max(_LEAST_NS, int(self.length_ns * factor)) // 2
        self._set(middle - half, middle + half)

    def move(self, by: float) -> bool:
        """By so many of its lengths; False at the end."""
        return self.shift(int(by * self.length_ns))

    def shift(self, by_ns: int) -> bool:
        start_ns = self.start_ns
        self._set(self.start_ns + by_ns, self.end_ns + by_ns)
        return self.start_ns != start_ns

    def begin_at(self, part: float) -> None:
        """With its middle at ``part`` of the capture."""
        middle = self.first_ns + int(part * (self.last_ns - self.first_ns))
        half = self.length_ns // 2
        self._set(middle - half, middle + half)

    def reset(self) -> None:
        self.start_ns, self.end_ns = self.first_ns, self.last_ns

    def _set(self, start_ns: int, end_ns: int) -> None:
        """Keeps its length within the capture."""
        length = min(end_ns - start_ns, self.last_ns - self.first_ns)
        self.start_ns = max(self.first_ns, min(start_ns, self.last_ns - length))
        self.end_ns = self.start_ns + length


class SpanBar(Widget):
    """The slider. A click puts the part there."""

    DEFAULT_CSS = """
    SpanBar { height: 1; background: $panel; color: $text-muted; }
    """

    app: ViewApp

    def render(self) -> Text:
        span, lines = self.app.span, self.app.lines
        if span is None or lines is None:
            return Text("")
        said = f" {lines.clock_of(span.start_ns)} + {format_duration(span.length_ns)}"
        if self.app.is_playing:
            said += f"  playing ×{span.speed:.3g}"  # noqa: RUF001
        width = self._width
        whole = max(1, span.last_ns - span.first_ns)
        start = int((span.start_ns - span.first_ns) / whole * width)
        end = max(start + 1, round((span.end_ns - span.first_ns) / whole * width))
        text = Text(" ", no_wrap=True)
        text.append("─" * start)
        text.append("█" * (end - start), style=self.app.colours["accent"])
        text.append("─" * (width - end))
        text.append(said)
        return text

    @property
    def _width(self) -> int:
        return max(4, self.size.width - 46)

    def on_click(self, event: events.Click) -> None:
        if self.app.span is not None and 1 <= event.x <= self._width:
            self.app.span.begin_at((event.x - 1) / self._width)
            self.app.select_span()
