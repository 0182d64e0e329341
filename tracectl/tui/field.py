"""A line that is typed into."""

from __future__ import annotations

from rich.text import Text
from textual import events
from textual.widgets import Input


class Field(Input):
    """Its keys in the order in which they come. By itself Textual sends those that edit by way of
    the app, and what is typed next overtakes them where the view is slower than who types."""

    @property
    def _value(self) -> Text:
        # What is asked about may have a name in it; a cell each, for the cursor.
        shown = "".join(char if char.isprintable() else "�" for char in self.value)
        return Text(shown, no_wrap=True, overflow="ignore", end="")

    async def _on_key(self, event: events.Key) -> None:
        for binding in self._bindings.key_to_bindings.get(event.key, ()):
            event.stop()
            event.prevent_default()
            await self.run_action(binding.action)
            return
