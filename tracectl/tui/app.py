"""The interactive view: screens over a worker that reads a capture, or what is traced now."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import events
from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen

from tracectl.kernel.events import DeviceEvent
from tracectl.live.capture import CaptureSource
from tracectl.live.feed import Feed
from tracectl.live.model import View
from tracectl.live.situation import Situation
from tracectl.live.source import Facts, Losses
from tracectl.live.worker import Worker
from tracectl.tui.control import Control
from tracectl.tui.devices import Devices
from tracectl.tui.dialogs import KEYS, TextDialog
from tracectl.tui.follower import Follower
from tracectl.tui.guard import GuardedApp
from tracectl.tui.lines import Lines
from tracectl.tui.pace import keep_pace
from tracectl.tui.saving import ask_to_save
from tracectl.tui.screens.base import ViewScreen
from tracectl.tui.screens.errors import ErrorsScreen
from tracectl.tui.screens.events import EventsScreen
from tracectl.tui.screens.files import FilesScreen
from tracectl.tui.screens.latency import LatencyScreen
from tracectl.tui.screens.overview import OverviewScreen
from tracectl.tui.screens.processes import ProcessesScreen
from tracectl.tui.screens.syscalls import SyscallsScreen
from tracectl.tui.sieve import Sieve
from tracectl.tui.span import PLAY_S, Span

_TABS: tuple[Callable[[], ViewScreen], ...] = (
    OverviewScreen, SyscallsScreen, ProcessesScreen, FilesScreen, ErrorsScreen, LatencyScreen,
    EventsScreen,
)  # fmt: skip
_LOCAL_S, _REMOTE_S = 0.02, 0.25
"""Less than it takes the reader to have something new, which would wait for the next tick
otherwise; and a frame is tens of KB on a terminal."""
_LOSING_S = 5.0
_SAMPLE = 3
_OF_CAPTURES = ("play", "zoom")
_COLOURS = {"success": "green", "warning": "yellow", "error": "red", "accent": "cyan"}


class ViewApp(GuardedApp):
    """``path`` is a capture; None: this machine, or what ``feed`` gives."""

    TITLE = "tracectl"
    CSS = "Screen { layers: base; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(number), f"tab({number})", show=False) for number in range(1, 8)),
        Binding("question_mark,f1", "help", "Help", key_display="?"),
        Binding("c", "control", "Control"),
        Binding("p", "pause", show=False),
        Binding("space", "hold", "Hold"),
        Binding("space,P", "play", "Play"),
        Binding("plus,equals_sign", "zoom(0.5)", "Zoom", key_display="+"),
        Binding("e", "export", "Export"),
        Binding("u", "devices", show=False),
        Binding("minus", "zoom(2)", show=False),
        Binding("comma", "shift(-0.5)", show=False),
        Binding("full_stop", "shift(0.5)", show=False),
        Binding("0", "whole", show=False),
        Binding("left_curly_bracket", "speed(0.5)", show=False),
        Binding("right_curly_bracket", "speed(2)", show=False),
        Binding("q,ctrl+c", "quit", "Quit"),
    ]

    def __init__(self, path: Path | None = None, *, feed: Feed | None = None) -> None:
        super().__init__()
        self._path, self._given = path, feed
        self._feed: Feed | None = None
        self._held: View | None = None
        self._held_devices: Sequence[DeviceEvent] = ()
        self._shown = -1
        self._since_s = time.monotonic()
        self._lost, self._lost_s = 0, float("-inf")
        self._said: str | None = None
        self.situation = Situation("capture" if path is not None else "unknown")
        self.span: Span | None = None
        self.is_playing = False
        self.lines: Lines | None = None
        self.follower = Follower(self)
        self.control = Control(self)
        self.devices = Devices(self)

    # What the screens show.

    @property
    def facts(self) -> Facts | None:
        return self._feed.facts if self._feed is not None else None

    @property
    def view(self) -> View | None:
        if self._held is not None:
            return self._held
        return self._feed.view if self._feed is not None else None

    @property
    def device_events(self) -> Sequence[DeviceEvent]:
        """Uevents to be shown, as far as the view goes."""
        return self._held_devices if self._held is not None else self.devices.events

    @property
    def losses(self) -> Losses:
        return self._feed.progress.losses if self._feed is not None else Losses()

    @property
    def part(self) -> float:
        return self._feed.progress.part if self._feed is not None else 1.0

    @property
    def is_live(self) -> bool:
        return self._path is None

    @property
    def is_frozen(self) -> bool:
        return self._held is not None

    @property
    def state(self) -> str:
        return "capture" if self._path is not None else self.situation.state

    @property
    def span_s(self) -> float:
        """What rates are over: of a capture all that is shown, else since the view began."""
        if self.span is not None:
            return self.span.length_ns / 1e9
        return time.monotonic() - self._since_s

    @property
    def rate(self) -> float:
        """Events a second."""
        view = self.view
        if view is None:
            return 0.0
        if not self.is_live:
            return float(view.course.events.sum()) / max(self.span_s, 1e-9)
        # The newest bucket is still being filled.
        return float(view.course.rate[-_SAMPLE - 1 : -1].mean())

    @property
    def is_losing(self) -> bool:
        return time.monotonic() - self._lost_s < _LOSING_S

    @property
    def error(self) -> str:
        """Why nothing more comes."""
        return (self._feed.progress.error if self._feed is not None else None) or ""

    @property
    def colours(self) -> dict[str, str]:
        """By meaning, as Rich has them."""
        theme = self.current_theme
        named = {name: getattr(theme, name) or plain for name, plain in _COLOURS.items()}
        return {name: colour.removeprefix("ansi_") for name, colour in named.items()}

    @property
    def crumbs(self) -> list[str]:
        return [screen.crumb for screen in self.screen_stack if isinstance(screen, ViewScreen)]

    @property
    def tab(self) -> int:
        for screen in self.screen_stack:
            if isinstance(screen, ViewScreen):
                return screen.tab
        return 1

    # Its life.

    def on_mount(self) -> None:
        if self.console.color_system in ("standard", "windows"):
            self.theme = "ansi-dark"
        if self._given is not None:
            self.adopt(self._given)
        elif self._path is not None:
            self.adopt(Worker(partial(CaptureSource, self._path)))
        self.push_screen(OverviewScreen())
        if self._feed is None:
            self.follower.start()
        self._pace = keep_pace(self)
        period_s = _REMOTE_S if "SSH_CONNECTION" in os.environ else _LOCAL_S
        self.set_interval(period_s, self._tick)

    def on_unmount(self) -> None:
        self.follower.close()
        self.devices.close()
        if self._feed is not None:
            self._feed.close()

    def adopt(self, feed: Feed) -> None:
        """Shows ``feed`` from now on."""
        if self._feed is not None:
            self._feed.close()
        self._feed = feed
        self._held = None
        self._since_s = time.monotonic()
        self._lost = 0
        self.lines = Lines(feed.facts)
        if feed.whole_ns is not None:
            self.span = Span(*feed.whole_ns)
            self.set_interval(PLAY_S, self._play)
        feed.start()
        self.show_now()

    def _tick(self) -> None:
        feed = self._feed
        if feed is None or feed.published == self._shown or not self._pace.lets_draw():
            return
        self._shown = feed.published
        lost = max(self.losses.lost, sum(feed.view.lost.values()))
        if lost > self._lost:
            self._lost, self._lost_s = lost, time.monotonic()
        if feed.progress.error:
            self.complain(feed.progress.error)
        if not self.is_frozen or feed.progress.has_ended:
            self.show_now()

    def complain(self, error: str) -> None:
        """Once, when it is said again and again."""
        if error != self._said:
            self._said = error
            self.notify(error, severity="error", timeout=10, markup=False)

    def show_now(self) -> None:
        if isinstance(self.screen, ViewScreen) and self.screen.is_mounted:
            self.screen.tick()

    # Keys.

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Space holds what goes on, and plays a capture."""
        return action not in (_OF_CAPTURES if self.is_live else ("hold",))

    def offers(self, action: str) -> bool:
        """One that is not offered says why there is nothing to be done."""
        return self.is_live or action != "control"

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key) and self._feed is not None:
            self._feed.give_way()
        await super().on_event(event)

    def action_tab(self, number: int) -> None:
        while len(self.screen_stack) > 2:
            self.pop_screen()
        self.switch_screen(_TABS[number - 1]())

    def action_leave(self) -> None:
        views = [screen for screen in self.screen_stack if isinstance(screen, ViewScreen)]
        if len(views) > 1:
            self.pop_screen()
        elif self.tab != 1:
            self.action_tab(1)

    def open_events(self, sieve: Sieve) -> None:
        self.push_screen(EventsScreen(sieve))

    def action_help(self) -> None:
        self.push_screen(TextDialog("Keys", KEYS))

    def action_hold(self) -> None:
        self.set_held(not self.is_frozen)

    def set_held(self, is_held: bool) -> None:
        """The view stays as it is, while everything goes on being counted."""
        if self.is_live and is_held != self.is_frozen:
            self._held_devices = self.devices.events
            self._held = self._feed.view if is_held and self._feed is not None else None
            self.show_now()

    def action_control(self) -> None:
        if self.is_live:
            self.control.choose()
        else:
            self.notify("this is a capture; without a file, 'tracectl tui' shows the machine")

    def action_pause(self) -> None:
        if self.is_live:
            self.control.toggle_pause()

    def action_devices(self) -> None:
        if self.is_live:
            self.notify(self.devices.toggle(), markup=False)
            self.show_now()
        else:
            self.notify("this is a capture, and has no uevents of other devices")

    def action_export(self) -> None:
        if isinstance(self.screen, ViewScreen):
            ask_to_save(self.screen)

    def action_zoom(self, factor: float) -> None:
        if self.span is not None:
            self.span.zoom(factor)
            self.select_span()

    def action_shift(self, by: float) -> None:
        if self.span is not None:
            self.span.move(by)
            self.select_span()

    def action_whole(self) -> None:
        if self.span is not None:
            self.span.reset()
            self.select_span()

    def action_play(self) -> None:
        if self.span is not None:
            self.is_playing = not self.is_playing
            if self.span.is_whole:
                self.span.zoom(0.1)
                self.span.begin_at(0)
            self.select_span()

    def action_speed(self, factor: float) -> None:
        if self.span is not None:
            self.span.speed *= factor
            self.show_now()

    def select_span(self) -> None:
        """Counts what ``span`` has."""
        if self._feed is not None and self.span is not None:
            whole = self.span.is_whole
            self._feed.select(None if whole else (self.span.start_ns, self.span.end_ns))
            self.show_now()

    def _play(self) -> None:
        if self.is_playing and self.span is not None:
            self.is_playing = self.span.shift(int(self.span.speed * PLAY_S * 1e9))
            self.select_span()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        yield from super().get_system_commands(screen)
        for number, make in enumerate(_TABS, 1):
            name = getattr(make, "__name__", "").removesuffix("Screen")
            yield SystemCommand(name, f"key {number}", partial(self.action_tab, number))
        yield SystemCommand("Control", "start, stop, pause, filter, snapshot", self.action_control)
        yield SystemCommand("Export", "what is seen, into a file", self.action_export)
