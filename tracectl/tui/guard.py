"""What stands between the lines of the widgets and the terminal."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence

from rich.segment import Segment
from textual.app import App
from textual.color import Color
from textual.filter import LineFilter
from textual.notifications import SeverityLevel

from tracectl.render.strings import printable

_TERMINAL_S = 1.0
# Controls, and what changes the direction of writing. None of them takes a cell.
_COMMANDS = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]+")


class Guard(LineFilter):
    """Lets no widget's text be a command. Those that show names escape them before, so that they
    can be told apart; what comes here as it is, as from a widget of Textual's own, is left out."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        if all(segment.text.isprintable() for segment in segments):
            return segments
        return [
            Segment(_COMMANDS.sub("", text), style, control) for text, style, control in segments
        ]


class GuardedApp(App[None]):
    """Its widgets, and its messages, which have names in them; and whether there is a terminal."""

    def __init__(self) -> None:
        super().__init__()
        self._guard = Guard()
        self.has_lost_terminal = False

    def on_mount(self) -> None:
        if sys.stdin.isatty():
            self.set_interval(_TERMINAL_S, self._look_for_terminal)

    def _look_for_terminal(self) -> None:
        """It may be gone without a SIGHUP, which Textual does not see: nothing more can be read."""
        if not sys.stdin.isatty():
            self.has_lost_terminal = True
            self.exit()

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [*super().get_line_filters(), self._guard]

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        super().notify(
            printable(message), title=printable(title), severity=severity, timeout=timeout,
            markup=markup,
        )  # fmt: skip
