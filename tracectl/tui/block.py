"""Lines of text that change while they are shown."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.widget import Widget


class Block(Widget):
    """As high as it has lines."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: Sequence[Text] = ()

    def show_lines(self, lines: Sequence[Text]) -> None:
        before, self.lines = len(self.lines), lines
        # A layout takes longer than all that is drawn.
        self.refresh(layout=len(lines) != before)

    def render(self) -> Text:
        return Text("\n").join(self.lines)
