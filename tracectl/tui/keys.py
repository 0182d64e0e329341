"""The keys that do something now: a line below every screen.

Textual's Footer is composed anew with each change of them, which is a third of opening a dialog,
and keeps what it was composed of before: 20 KiB a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding
from textual.screen import Screen
from textual.widget import Widget

if TYPE_CHECKING:
    from tracectl.tui.app import ViewApp


class KeyLine(Widget):
    """A click on a key is that key."""

    DEFAULT_CSS = """
    KeyLine { height: 1; dock: bottom; background: $footer-background;
        color: $footer-description-foreground; }
    KeyLine .keys--key { color: $footer-key-foreground; text-style: bold; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"keys--key"}
    app: ViewApp

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._change)

    def render(self) -> Text:
        style = self.get_component_rich_style("keys--key")
        text = Text(no_wrap=True, overflow="crop")
        for binding in self._keys():
            text.append(self.app.get_key_display(binding), style)
            text.append(f" {binding.description} ")
        return text

    def on_click(self, event: events.Click) -> None:
        at = 0
        for binding in self._keys():
            at += Text(f"{self.app.get_key_display(binding)} {binding.description} ").cell_len
            if event.x < at:
                self.app.simulate_key(binding.key)
                return

    def _keys(self) -> list[Binding]:
        """The first of those that do the same."""
        found: dict[str, Binding] = {}
        for active in self.screen.active_bindings.values():
            if active.binding.show and self.app.offers(active.binding.action):
                found.setdefault(active.binding.action, active.binding)
        return list(found.values())

    def _change(self, _: Screen[object]) -> None:
        self.refresh()
