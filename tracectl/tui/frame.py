"""What stands above every screen: where one is, what there is, and what was lost."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

from rich.text import Text
from textual import events

from tracectl.render.strings import printable
from tracectl.tui.block import Block
from tracectl.tui.charts import format_count

if TYPE_CHECKING:
    from tracectl.live.model import View
    from tracectl.tui.app import ViewApp

TABS = ("Overview", "Syscalls", "Processes", "Files", "Errors", "Latency", "Events")
_NOTES = 2
_ROOMY = 16
_STATES = {
    "tracing": ("●", "tracing"),
    "armed": ("‖", "paused"),
    "idle": ("○", "idle"),
    "not loaded": ("-", "not loaded"),
    "unknown": ("?", "no access"),
    "capture": ("▤", "capture"),
}


class Frame(Block):
    """Three lines: the path with the state, the tabs, the counts; more where what is to be said
    has no room beside the counts."""

    DEFAULT_CSS = """
    Frame { height: auto; min-height: 3; dock: top; background: $panel; }
    """

    app: ViewApp

    def show(self) -> None:
        """What there is now."""
        width = self.app.size.width
        self.show_lines([self._path(width), self._tabs(), *self._counts(width)])

    def render(self) -> Text:
        lines = [line.copy() for line in self.lines]
        for line in lines:
            # Narrower than the screen where that has a scrollbar.
            line.truncate(self.size.width, overflow="ellipsis")
        return Text("\n").join(lines)

    def on_click(self, event: events.Click) -> None:
        if event.y == 1:
            at = 0
            for number, tab in enumerate(TABS, 1):
                at += len(tab) + 4
                if event.x < at:
                    self.app.action_tab(number)
                    return

    def _path(self, width: int) -> Text:
        facts = self.app.facts
        crumbs = ["tracectl"]
        if facts is not None:
            crumbs.append(facts.title if not facts.is_live else facts.host)
        crumbs += self.app.crumbs
        path = Text(printable(" > ".join(crumbs)), style="bold", no_wrap=True)
        state = self._state()
        room = width - len(state) - 2
        path.truncate(max(room, 1), overflow="ellipsis", pad=True)
        return Text(" ") + path + state

    def _state(self) -> Text:
        sign, name = _STATES[self.app.state]
        colours = self.app.colours
        style = {"tracing": colours["success"], "capture": colours["accent"]}.get(
            self.app.state, colours["warning"]
        )
        text = Text(f"{sign} {name}", style=f"bold {style}")
        if self.app.is_frozen:
            text.append(" view held", style=f"bold {colours['warning']}")
        return text

    def _tabs(self) -> Text:
        text = Text(no_wrap=True)
        active = self.app.tab
        for number, tab in enumerate(TABS, 1):
            style = "reverse bold" if number == active else ""
            text.append(f" {number} {tab} ", style=style)
        return text

    def _counts(self, width: int) -> list[Text]:
        """And what is to be said."""
        text, note = Text(no_wrap=True), printable(_note_of(self.app))
        if self.app.view is not None:
            self._append_counts(text, self.app.view)
        if not note and self.app.part < 1:
            text.append(f"  reading {self.app.part:.0%}", style=self.app.colours["accent"])
        style = self.app.colours["warning"]
        note = f"  {note}" if text else f" {note}"
        if text.cell_len + len(note) <= width or self.app.size.height < _ROOMY:
            return [text.append(note, style)]
        lines = [Text(f" {line}", style) for line in wrap(note, width - 2, max_lines=_NOTES)]
        return [text, *lines] if text else lines

    def _append_counts(self, text: Text, view: View) -> None:
        colours, losses = self.app.colours, self.app.losses
        generated = losses.generated or view.records
        text.append(f" {format_count(self.app.rate)} events/s")
        text.append(f"  {format_count(generated)} events  ")
        lost = max(losses.lost, sum(view.lost.values()))
        if lost and self.app.is_losing:
            text.append(f"! {lost:,} LOST, growing", style=f"bold reverse {colours['error']}")
        else:
            text.append(f"lost {lost:,}", style=f"bold {colours['error']}" if lost else "")
        if view.missed:
            text.append(f"  {view.missed:,} blocks not seen", style=colours["warning"])
        if losses.filtered:
            text.append(f"  {format_count(losses.filtered)} filtered out")


def _note_of(app: ViewApp) -> str:
    """What is wrong, in a sentence."""
    if app.error or app.situation.note:
        return app.error or app.situation.note
    if app.view is not None and app.view.problems:
        first, *others = app.view.problems
        return f"{first} (and {len(others)} more)" if others else first
    if app.is_live and app.situation.state == "idle":
        return "nothing is traced; c starts something"
    if app.follower.is_polling:
        return "no uevents here: the device is looked at once a second"
    return ""
