"""What all screens have: the frame above, the keys below, and a view that they show."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widget import Widget

from tracectl.tui.frame import Frame
from tracectl.tui.keys import KeyLine
from tracectl.tui.span import SpanBar

if TYPE_CHECKING:
    from tracectl.live.model import View
    from tracectl.live.source import Facts
    from tracectl.tui.app import ViewApp


COUNTS_ONLY = "nothing is recorded: the session only counts system calls"


class ViewScreen(Screen[None]):
    """``crumb`` is its part of the path; ``tab`` the number of the tab that it belongs to."""

    app: ViewApp
    crumb = ""
    tab = 0
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.leave", "Back"),
        Binding("backspace", "app.leave", show=False),
    ]

    def compose(self) -> ComposeResult:
        yield Frame()
        yield from self.body()
        if self.app.span is not None:
            yield SpanBar()
        yield KeyLine()

    def body(self) -> Iterable[Widget]:
        """The widgets between the frame and the keys."""
        return ()

    def on_screen_resume(self) -> None:
        self.app.show_now()

    def on_resize(self) -> None:
        self.app.show_now()

    def tick(self) -> None:
        """Shows what there is now."""
        frames = self.query(Frame)
        if not frames:
            # The timer can be before the widgets, and on a busy machine it is.
            return
        frames.first().show()
        for bar in self.query(SpanBar):
            bar.refresh()
        view, facts = self.app.view, self.app.facts
        if view is not None and facts is not None:
            self.show(view, facts)

    def show(self, view: View, facts: Facts) -> None:
        """``view`` is the newest, or the one that is held."""

    def seen(self) -> tuple[list[str], list[list[str]]]:
        """What is on the screen as a table, for an export: a header and rows of text."""
        return [], []
