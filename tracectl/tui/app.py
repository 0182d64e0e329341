"""The interactive view: screens over a worker that reads a capture, or what is traced now."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen

from tracectl.errors import TracectlError
from tracectl.kernel.events import Subject
from tracectl.live.capture import CaptureSource
from tracectl.live.model import View
from tracectl.live.situation import Situation, look, open_running
from tracectl.live.source import Facts, Losses
from tracectl.live.watch import LOOK_S, Watch
from tracectl.live.worker import Worker
from tracectl.tui.actions import Action, Outcome, actions_for, run_action
from tracectl.tui.dialogs import AskDialog, HelpDialog, MenuDialog
from tracectl.tui.lines import Lines
from tracectl.tui.saving import save_table
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
_LOCAL_S = 0.08
_REMOTE_S = 0.25
"""A frame is tens of KB on a terminal."""
_SWITCH_S = 0.0005
_LOSING_S = 5.0
_SAMPLE = 3
_COLOURS = {"success": "green", "warning": "yellow", "error": "red", "accent": "cyan"}


class ViewApp(App[None]):
    """``path`` is a capture; None: this machine."""

    TITLE = "tracectl"
    CSS = "Screen { layers: base; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(number), f"tab({number})", show=False) for number in range(1, 8)),
        Binding("question_mark,f1", "help", "Help", key_display="?"),
        Binding("c", "control", "Control"),
        Binding("p", "pause", show=False),
        Binding("space", "hold", "Hold"),
        Binding("e", "export", "Export"),
        Binding("plus,equals_sign", "zoom(0.5)", show=False),
        Binding("minus", "zoom(2)", show=False),
        Binding("comma", "shift(-0.5)", show=False),
        Binding("full_stop", "shift(0.5)", show=False),
        Binding("0", "whole", show=False),
        Binding("P", "play", show=False),
        Binding("left_curly_bracket", "speed(0.5)", show=False),
        Binding("right_curly_bracket", "speed(2)", show=False),
        Binding("q,ctrl+c", "quit", "Quit"),
    ]

    def __init__(self, path: Path | None = None, *, worker: Worker | None = None) -> None:
        super().__init__()
        self._path = path
        self._worker = worker
        self._watch: Watch | None = None
        self._held: View | None = None
        self._shown = -1
        self._since_s = time.monotonic()
        self._lost, self._lost_s = 0, float("-inf")
        self._said: str | None = None
        self._session_id = 0
        self._looks = 0
        self.situation = Situation("capture" if path is not None else "unknown")
        self.span: Span | None = None
        self.is_playing = False
        self.lines: Lines | None = None

    # What the screens show.

    @property
    def facts(self) -> Facts | None:
        return self._worker.facts if self._worker is not None else None

    @property
    def view(self) -> View | None:
        if self._held is not None:
            return self._held
        return self._worker.view if self._worker is not None else None

    @property
    def losses(self) -> Losses:
        return self._worker.progress.losses if self._worker is not None else Losses()

    @property
    def part(self) -> float:
        return self._worker.progress.part if self._worker is not None else 1.0

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
    def note(self) -> str:
        """What is wrong, in a sentence."""
        if self._worker is not None and self._worker.progress.error:
            return self._worker.progress.error
        if self.situation.note:
            return self.situation.note
        view = self.view
        if view is not None and view.problems:
            more = f" (and {len(view.problems) - 1} more)" if len(view.problems) > 1 else ""
            return view.problems[0] + more
        if self.is_live and self.situation.state == "idle":
            return "nothing is traced; c starts something"
        if self.is_live and self._watch is not None and self._watch.source == "poll":
            return "no uevents here: the device is looked at once a second"
        return ""

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
        if self._path is not None:
            self._adopt(self._worker or Worker(partial(CaptureSource, self._path)))
        self.push_screen(OverviewScreen())
        if self._path is None:
            self._watch = Watch()
            fd = self._watch.fileno()
            if fd is None:
                self.set_interval(LOOK_S, self._look)
            else:
                asyncio.get_running_loop().add_reader(fd, self._take_events)
            self._look()
        # The reader's thread computes all the time, and a key has to wait for it.
        sys.setswitchinterval(_SWITCH_S)
        # What is there now stays; walking over it again and again takes 35 ms.
        gc.freeze()
        period_s = _REMOTE_S if "SSH_CONNECTION" in os.environ else _LOCAL_S
        self.set_interval(period_s, self._tick)

    def on_unmount(self) -> None:
        fd = self._watch.fileno() if self._watch is not None else None
        if fd is not None:
            asyncio.get_running_loop().remove_reader(fd)
        if self._worker is not None:
            self._worker.close()

    def _adopt(self, worker: Worker) -> None:
        """Shows what ``worker`` reads from now on."""
        if self._worker is not None and self._worker is not worker:
            self._worker.close()
        self._worker = worker
        self._held = None
        self._since_s = time.monotonic()
        self._lost = 0
        self.lines = Lines(worker.facts)
        if isinstance(worker.source, CaptureSource):
            self.span = Span(*worker.source.span_ns)
            self.set_interval(PLAY_S, self._play)
        worker.start()
        self.show_now()

    def _tick(self) -> None:
        worker = self._worker
        if worker is None or worker.published == self._shown:
            return
        self._shown = worker.published
        lost = max(self.losses.lost, sum(worker.view.lost.values()))
        if lost > self._lost:
            self._lost, self._lost_s = lost, time.monotonic()
        error = worker.progress.error
        if error and error != self._said:
            self._said = error
            self.notify(error, severity="error", timeout=10, markup=False)
        if not self.is_frozen or worker.progress.has_ended:
            self.show_now()

    def show_now(self) -> None:
        if isinstance(self.screen, ViewScreen) and self.screen.is_mounted:
            self.screen.tick()

    # What the machine does.

    def _take_events(self) -> None:
        events = self._watch.take() if self._watch is not None else []
        for event in events:
            if event.subject in (Subject.MODULE, Subject.CPU):
                which = f"CPU {event.cpu}" if event.cpu is not None else "the module"
                self.notify(f"{which} is {event.value}")
        if any(event.subject is not Subject.LOST for event in events):
            self._look()

    def _look(self) -> None:
        """One at a time; what happens meanwhile is looked at afterwards."""
        self._looks += 1
        if self._looks == 1:
            self.run_worker(self._find_situation, thread=True)

    def _find_situation(self) -> None:
        situation = look()
        worker, reason = None, ""
        if situation.session_id and situation.session_id != self._session_id:
            try:
                worker = Worker(partial(open_running, situation))
            except (TracectlError, OSError) as error:
                reason = str(error)
        self.call_from_thread(self._set_situation, situation, worker, reason)

    def _set_situation(self, situation: Situation, worker: Worker | None, reason: str) -> None:
        self.situation = situation
        is_again, self._looks = self._looks > 1, 0
        if is_again:
            self._look()
        if worker is not None:
            self._session_id = situation.session_id
            self._adopt(worker)
        if reason and reason != self._said:
            self._said = reason
            self.notify(reason, severity="error", timeout=10, markup=False)
        self.show_now()

    # Keys.

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
        self.push_screen(HelpDialog())

    def action_hold(self) -> None:
        self.set_held(not self.is_frozen)

    def set_held(self, is_held: bool) -> None:
        """The view stays as it is, while everything goes on being counted."""
        if self.is_live and is_held != self.is_frozen:
            self._held = self._worker.view if is_held and self._worker is not None else None
            self.show_now()

    def action_control(self) -> None:
        if not self.is_live:
            self.notify("this is a capture; without a file, 'tracectl tui' shows the machine")
            return
        actions = actions_for(self.situation)
        if not actions:
            self.notify(self.situation.note or "nothing can be done", markup=False)
            return

        def choose(answer: str | None) -> None:
            if answer is not None:
                self._ask(actions[int(answer)])

        title = f"The tracer is {self.situation.state}. What shall be done?"
        self.push_screen(MenuDialog(title, actions), choose)

    def action_pause(self) -> None:
        for action in actions_for(self.situation):
            if action.command in ("pause", "resume"):
                self._ask(action)

    def _ask(self, action: Action) -> None:
        def act(command: str | None) -> None:
            if command is not None:
                self.notify(f"tracectl {command}", title="running", markup=False)
                self.run_worker(partial(self._act, command), thread=True)

        if action.is_asked:
            self.push_screen(
                AskDialog(action.title, "tracectl", action.command, action.warning), act
            )
        else:
            act(action.command)

    def _act(self, command: str) -> None:
        self.call_from_thread(self._told, run_action(command))

    def _told(self, outcome: Outcome) -> None:
        self.notify(
            outcome.message,
            title=f"tracectl {outcome.command}",
            severity="error" if outcome.exit_code else "information",
            markup=False,
        )
        self._look()

    def action_export(self) -> None:
        screen = self.screen
        if not isinstance(screen, ViewScreen):
            return
        header, rows = screen.seen()

        def save(name: str | None) -> None:
            if name is None:
                return
            try:
                count = save_table(Path(name), header, rows)
            except TracectlError as error:
                self.notify(str(error), severity="error", markup=False)
            else:
                self.notify(f"{name}: {count:,} rows", markup=False)

        name = f"tracectl-{type(screen).__name__.removesuffix('Screen').lower()}.csv"
        self.push_screen(AskDialog("Export what is seen", "into .csv, .json or .txt", name), save)

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
        if self._worker is not None and self.span is not None:
            whole = self.span.is_whole
            self._worker.select(None if whole else (self.span.start_ns, self.span.end_ns))
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
