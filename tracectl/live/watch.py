"""Told at once when the module, the session or a CPU changes."""

from __future__ import annotations

import threading
from collections.abc import Callable

from tracectl.errors import TracectlError
from tracectl.kernel.events import Event, EventMonitor, Subject

_LOOK_S = 1.0
_CLOSE_LOOK_S = 0.25


class Watch:
    """Calls ``on_event`` from a thread of its own, for each uevent. Where none can be received it
    calls it once a second instead, with Subject.MISSED: look again. ``source`` is "udev", "kernel",
    or "poll"."""

    def __init__(self, on_event: Callable[[Event], None]) -> None:
        self._on_event = on_event
        self._ended = threading.Event()
        try:
            self._monitor: EventMonitor | None = EventMonitor()
            self.source = self._monitor.source
        except TracectlError:
            self._monitor = None
            self.source = "poll"
        self._thread = threading.Thread(target=self._run, name="tracectl-events", daemon=True)

    def start(self) -> Watch:
        self._thread.start()
        return self

    def close(self) -> None:
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._ended.is_set():
            if self._monitor is None:
                self._ended.wait(_LOOK_S)
                self._on_event(Event(Subject.MISSED, "uevents"))
                continue
            for event in self._monitor.poll(_CLOSE_LOOK_S):
                self._on_event(event)
