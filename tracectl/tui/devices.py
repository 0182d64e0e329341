"""Uevents of other devices, for the same timeline as the calls."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections import deque
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tracectl.errors import TracectlError
from tracectl.kernel.events import DeviceEvent, DeviceMonitor
from tracectl.live.page import Page
from tracectl.live.source import Facts
from tracectl.tui.found import FoundRows
from tracectl.tui.grid import Cell
from tracectl.tui.lines import Lines

if TYPE_CHECKING:
    from tracectl.tui.app import ViewApp

_KEPT = 512
_MOST = 256


class Devices:
    """Received from when they are first wanted on; the newest are kept."""

    def __init__(self, app: ViewApp) -> None:
        self._app = app
        self._monitor: DeviceMonitor | None = None
        self._events: deque[DeviceEvent] = deque(maxlen=_KEPT)
        self.is_shown = False

    @property
    def events(self) -> Sequence[DeviceEvent]:
        """Those that are shown."""
        return tuple(self._events) if self.is_shown else ()

    def toggle(self) -> str:
        """Answers what to tell of it."""
        if self._monitor is None:
            try:
                self._monitor = DeviceMonitor()
            except TracectlError as error:
                return str(error)
            asyncio.get_running_loop().add_reader(self._monitor.fileno(), self._take)
        self.is_shown = not self.is_shown
        if not self.is_shown:
            return "uevents of other devices are left out"
        if self._monitor.source == "kernel":
            return "udevd does not run here; the kernel's own uevents are shown among the calls"
        return "uevents of all devices are shown among the calls"

    def close(self) -> None:
        if self._monitor is not None:
            asyncio.get_running_loop().remove_reader(self._monitor.fileno())

    def _take(self) -> None:
        if self._monitor is not None:
            self._events.extend(self._monitor.take(_MOST))
        if self.is_shown and not self._app.is_frozen:
            self._app.show_now()


class TimelineRows:
    """Rows of a grid: the calls that were found, and ``events`` between them, by time."""

    def __init__(
        self, calls: FoundRows, events: Sequence[DeviceEvent], facts: Facts, lines: Lines
    ) -> None:
        self._calls = calls
        self._events = events
        self._lines = lines
        self._times_ns = times_of(events, facts)
        before = calls.count_before(self._times_ns)
        self._places: list[int] = (before + np.arange(len(events))).tolist()

    def __len__(self) -> int:
        return len(self._calls) + len(self._events)

    def call_at(self, place: int) -> tuple[Page, int] | None:
        """The page and the index in it; None for an event."""
        number, is_event = self._split(place)
        return None if is_event else self._calls.at(place - number)

    def event_at(self, place: int) -> DeviceEvent | None:
        number, is_event = self._split(place)
        return self._events[number] if is_event else None

    def cells(self, place: int, widths: Sequence[int]) -> Sequence[Cell]:
        number, is_event = self._split(place)
        if not is_event:
            return self._calls.cells(place - number, widths)
        event, time_ns = self._events[number], int(self._times_ns[number])
        return (
            (self._lines.clock_of(time_ns), "dim"),
            ("uevent", "good"),
            "",
            (f"{event.action} {event.subsystem} {event.path}", "good"),
            "",
        )

    def key(self, place: int) -> Hashable:
        number, is_event = self._split(place)
        return self._events[number].mono_ns if is_event else self._calls.key(place - number)

    def find(self, key: Hashable) -> int | None:
        if isinstance(key, int):
            at = [event.mono_ns for event in self._events]
            return self._places[at.index(key)] if key in at else None
        found = self._calls.find(key)
        if found is None:
            return None
        before = [place - number for number, place in enumerate(self._places)]
        # Those that stand before as many calls or fewer come first.
        return found + bisect_left(before, found + 1)

    def _split(self, place: int) -> tuple[int, bool]:
        """How many events are before ``place``, and whether one is there."""
        number = bisect_left(self._places, place)
        return number, number < len(self._places) and self._places[number] == place


def times_of(events: Sequence[DeviceEvent], facts: Facts) -> NDArray[np.int64]:
    """On the session's clock."""
    moment = facts.moments[0]
    offset_ns = moment.trace_ns - moment.mono_ns
    return np.array([event.mono_ns + offset_ns for event in events], np.int64)
