"""The calls themselves, as strace writes them: newest last, held when one scrolls back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input, Static

from tracectl.errors import UsageError
from tracectl.live.model import View
from tracectl.live.source import Facts
from tracectl.render.strings import printable
from tracectl.tui.devices import TimelineRows
from tracectl.tui.dialogs import TextDialog
from tracectl.tui.field import Field
from tracectl.tui.found import FoundRows, Search
from tracectl.tui.grid import Column, Grid
from tracectl.tui.screens.base import COUNTS_ONLY, ViewScreen
from tracectl.tui.screens.detail import DetailScreen
from tracectl.tui.screens.ranked import texts_of
from tracectl.tui.sieve import Sieve, parse_sieve

_COLUMNS = (
    Column("time (UTC)", 15, is_left=True),
    Column("process", 10, is_left=True),
    Column("tid", 7),
    Column("call", 0, is_left=True, least=10),
    Column("took", 8),
)
_SEEN_LIMIT = 100_000


class EventsScreen(ViewScreen):
    """Those that get through ``given``, where it was opened from, and what is typed."""

    tab = 7
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back"),
        Binding("slash", "filter", "Filter"),
        Binding("f", "follow", "Follow"),
        Binding("n", "next(1)", "Next", show=False),
        Binding("N", "next(-1)", show=False),
    ]
    CSS = """
    EventsScreen #filter { display: none; height: 1; border: none; padding: 0 1; }
    EventsScreen #filter.open { display: block; }
    EventsScreen #said { height: 1; color: $text-muted; }
    """

    def __init__(self, given: Sieve | None = None) -> None:
        super().__init__()
        self._given = given or Sieve()
        self._typed = Sieve()
        self._search: Search | None = None
        self._rows: TimelineRows | None = None
        self.crumb = self._given.label or "Events"

    def body(self) -> Iterable[Widget]:
        yield Grid(_COLUMNS, id="rows")
        yield Static("", id="said", markup=False)
        yield Field(placeholder="-e %file --failed --comm ls  a word", id="filter", compact=True)

    def show(self, view: View, facts: Facts) -> None:
        lines = self.app.lines
        if lines is None:
            return
        sieve = self._given & self._typed
        if self._search is None or self._search.sieve != sieve:
            self._search = Search(facts, sieve)
        found = FoundRows(view, self._search.find(view), lines)
        self._rows = TimelineRows(found, self.app.device_events, facts, lines)
        grid = self.query_one("#rows", Grid)
        grid.empty_text = "no call gets through" if facts.has_records else COUNTS_ONLY
        grid.show(self._rows, at_end=not self.app.is_frozen and facts.is_live)
        self._say(view, len(found))

    def _say(self, view: View, count: int) -> None:
        said = f" {count:,} of {view.calls:,} calls"
        if view.shelf.dropped:
            said += f"; the oldest {view.shelf.dropped:,} are no longer kept"
        if view.orphans and (self.app.span is None or self.app.span.is_whole):
            said += f"; {view.orphans:,} returns without their entry"
        if self._typed.text:
            said += f"; filter: {printable(self._typed.text)}"
        self.query_one("#said", Static).update(said, layout=False)

    def on_grid_moved(self, message: Grid.Moved) -> None:
        """Who looks at a row wants it to stay; at the last one, to go on."""
        if self.app.is_live:
            self.app.set_held(message.grid.cursor < len(message.grid.rows) - 1)

    def on_grid_opened(self, message: Grid.Opened) -> None:
        place = None if self._rows is None else self._rows.find(message.key)
        if self._rows is None or place is None:
            return
        self.app.set_held(True)
        call, event = self._rows.call_at(place), self._rows.event_at(place)
        if call is not None:
            self.app.push_screen(DetailScreen(*call))
        elif event is not None:
            lines = [f"{name}={value}" for name, value in sorted(event.properties.items())]
            self.app.push_screen(TextDialog(f"uevent: {event.action} {event.path}", lines))

    def action_filter(self) -> None:
        field = self.query_one("#filter", Input)
        field.add_class("open")
        field.value = self._typed.text
        field.focus()

    def action_follow(self) -> None:
        """Only the thread under the cursor; once more: all."""
        grid = self.query_one("#rows", Grid)
        if self._typed.tid is not None:
            self._typed = Sieve()
        elif self._rows is not None and grid.current is not None:
            call = self._rows.call_at(grid.cursor)
            if call is not None:
                page, index = call
                self._type(f"--tid {int(page.tid[index])}")
        self.app.show_now()

    def action_next(self, by: int) -> None:
        """The next call that failed."""
        grid, rows = self.query_one("#rows", Grid), self._rows
        place = grid.cursor + by
        while rows is not None and 0 <= place < len(rows):
            call = rows.call_at(place)
            if call is not None and -4095 <= int(call[0].result[call[1]]) < 0:
                grid.move_to(place)
                return
            place += by
        self.app.bell()

    def on_input_submitted(self, message: Input.Submitted) -> None:
        if self._type(message.value):
            self._close_filter()
            self.app.show_now()

    def action_leave(self) -> None:
        """Escape closes the filter first."""
        if self.query_one("#filter", Input).has_class("open"):
            self._close_filter()
        else:
            self.app.action_leave()

    def _type(self, text: str) -> bool:
        facts, view = self.app.facts, self.app.view
        cgroups = view.past.cgroups if view else ()
        try:
            self._typed = parse_sieve(text, facts.tables if facts else [], cgroups)
        except UsageError as error:
            self.app.notify(str(error), severity="error", markup=False)
            return False
        return True

    def _close_filter(self) -> None:
        self.query_one("#filter", Input).remove_class("open")
        self.query_one("#rows", Grid).focus()

    def seen(self) -> tuple[list[str], list[list[str]]]:
        header, rows = texts_of(self.query_one("#rows", Grid))
        return header, rows[-_SEEN_LIMIT:]
