"""The machine at a glance: its rate, its CPUs, and the busiest of everything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.text import Text
from textual.containers import Horizontal
from textual.widget import Widget

from tracectl.kernel.choice import slot_name
from tracectl.live.model import View
from tracectl.live.source import CpuState, Facts
from tracectl.tui import cells, charts
from tracectl.tui.block import Block
from tracectl.tui.devices import times_of
from tracectl.tui.grid import Column, Grid
from tracectl.tui.screens.base import ViewScreen
from tracectl.tui.screens.errors import ErrorsScreen, error_rows
from tracectl.tui.screens.files import FilesScreen, file_rows
from tracectl.tui.screens.processes import process_rows
from tracectl.tui.screens.ranked import texts_of
from tracectl.tui.screens.syscalls import SyscallsScreen, syscall_rows
from tracectl.tui.sieve import Sieve

if TYPE_CHECKING:
    from tracectl.tui.app import ViewApp

_SYSCALLS = SyscallsScreen.columns
_PROCESSES = (Column("process", 0, is_left=True), cells.RATE)
_CALLS = replace(cells.CALLS, width=6)
_FILES = (Column("file", 0, is_left=True), _CALLS)
_ERRORS = (Column("error", 10, is_left=True), Column("syscall", 0, is_left=True), _CALLS)
_LABEL_WIDTH = 8
_BUFFER_WIDTH = 8
_MANY_LINES = 34


class RateChart(Widget):
    """Events a second over time; below it, with ``marks``, at which of them uevents came."""

    DEFAULT_CSS = "RateChart { height: 3; color: $accent; }"
    rates: Sequence[float] = ()
    marks: Set[int] | None = None

    def render(self) -> Text:
        width, height = self.width, self.size.height - (self.marks is not None)
        if width < 1 or height < 1:
            return Text("")
        shown = list(self.rates)[-width:]
        labels = [""] * height
        labels[0], labels[-1] = charts.format_count(max(shown, default=0)), "/s"
        lines = charts.columns(shown, width, height)
        text = Text(no_wrap=True)
        for label, line in zip(labels, lines, strict=True):
            text.append(label.rjust(_LABEL_WIDTH - 1) + " ", style="dim")
            text.append(line + "\n")
        if self.marks is not None:
            text.append("uevents ", style="dim")
            first = len(self.rates) - width
            text.append("".join("◆" if first + at in self.marks else " " for at in range(width)))
        else:
            text.rstrip()
        return text

    @property
    def width(self) -> int:
        """Of the chart itself."""
        return self.size.width - _LABEL_WIDTH - 1


class Cpus(Block):
    """A line a CPU: events a second, the buffer, what was lost. The busiest, where there are
    more than lines."""

    DEFAULT_CSS = "Cpus { height: auto; }"
    app: ViewApp

    def show(self, view: View, facts: Facts) -> None:
        course, states, colours = view.course, self.app.losses.cpus, self.app.colours
        rates = course.events[-10:].sum(axis=0) * (1e9 / course.width_ns / 10)
        if not facts.is_live:
            rates = course.events.sum(axis=0) / max(self.app.span_s, 1e-9)
        seen = [cpu for cpu in range(facts.cpus) if course.events[:, cpu].any() or cpu in view.lost]
        room = 2 if self.app.size.height < _MANY_LINES else 8
        order = sorted(seen, key=lambda cpu: -rates[cpu])
        shown, rest = sorted(order[:room]), order[room:]
        width = max(8, self.app.size.width - 52)
        trend = course if facts.is_live else course.folded(width)
        lines = []
        for cpu in shown:
            line = Text(f" CPU {cpu:<3}", no_wrap=True)
            why = self._state_of(cpu)
            line.append(why, style=colours["warning"])
            room = width - len(why)
            line.append(charts.sparkline(trend.events[:, cpu].tolist(), room).rjust(room))
            line.append(f" {charts.format_count(float(rates[cpu])):>6}/s")
            state = states.get(cpu, CpuState())
            if state.fill is not None:
                line.append(f"  buffer {charts.bar(state.fill, _BUFFER_WIDTH)} {state.fill:>4.0%}")
            lost = max(state.lost, view.lost.get(cpu, 0))
            line.append(f"  lost {lost:,}", style=f"bold {colours['error']}" if lost else "dim")
            lines.append(line)
        if rest:
            lines[-1].append(f"  and {len(rest)} CPUs more", style="dim")
        self.show_lines(lines)

    def _state_of(self, cpu: int) -> str:
        """Why nothing comes from it."""
        situation = self.app.situation
        if not situation.online or cpu in situation.chosen:
            return ""
        return "not traced " if cpu in situation.online else "offline "


class OverviewScreen(ViewScreen):
    tab = 1
    crumb = "Overview"
    CSS = """
    OverviewScreen Horizontal { height: 1fr; min-height: 4; }
    OverviewScreen #syscalls { height: 2fr; }
    OverviewScreen Horizontal Grid { width: 9fr; margin-right: 1; }
    OverviewScreen #processes { width: 8fr; }
    OverviewScreen #errors { width: 11fr; }
    OverviewScreen .tall RateChart { height: 6; }
    """

    def body(self) -> Iterable[Widget]:
        yield RateChart()
        yield Cpus()
        syscalls = Grid(_SYSCALLS, id="syscalls")
        syscalls.sort = self.sort
        syscalls.empty_text = "no system call yet"
        yield syscalls
        with Horizontal():
            yield Grid(_PROCESSES, id="processes")
            yield Grid(_FILES, id="files")
            yield Grid(_ERRORS, id="errors")

    @property
    def sort(self) -> str:
        return "rate" if self.app.is_live else "time"

    def show(self, view: View, facts: Facts) -> None:
        span_s, sort = self.app.span_s, self.sort
        chart = self.query_one(RateChart)
        height = 6 if self.size.height >= _MANY_LINES else 3
        height += self.app.devices.is_shown
        if chart.size.height != height:
            chart.styles.height = height
        # Of a capture all is seen, of what goes on the newest.
        course = view.course if facts.is_live else view.course.folded(chart.width)
        chart.rates = course.rate.tolist()
        chart.marks = None
        if self.app.devices.is_shown:
            times_ns = times_of(self.app.device_events, facts)
            chart.marks = set((times_ns // course.width_ns - course.first).tolist())
        chart.refresh()
        self.query_one(Cpus).show(view, facts)
        for name in ("processes", "files"):
            self._grid(name).empty_text = "" if facts.has_records else "not recorded"
        grid = self.query_one("#syscalls", Grid)
        grid.sort = sort
        grid.show(syscall_rows(view.syscalls, sort, facts, span_s, _SYSCALLS))
        by_calls = "rate" if facts.is_live else "calls"
        self._grid("processes").show(process_rows(view, by_calls, facts, span_s, _PROCESSES))
        self._grid("files").show(file_rows(view, "calls", facts, span_s, _FILES))
        self._grid("errors").show(error_rows(view, "calls", facts, span_s, _ERRORS))

    def on_grid_opened(self, message: Grid.Opened) -> None:
        key, view, facts = message.key, self.app.view, self.app.facts
        if not isinstance(key, int) or view is None or facts is None:
            return
        if message.grid.id == "syscalls":
            name = slot_name(key, facts.tables)
            self.app.open_events(Sieve(label=name, slots=frozenset({key})))
        elif message.grid.id == "processes":
            self.app.push_screen(SyscallsScreen(key, view.who_is(key).comm))
        elif message.grid.id == "files":
            self.app.push_screen(FilesScreen())
        else:
            self.app.push_screen(ErrorsScreen())

    def seen(self) -> tuple[list[str], list[list[str]]]:
        return texts_of(self._grid("syscalls"))

    def _grid(self, name: str) -> Grid:
        return self.query_one(f"#{name}", Grid)
