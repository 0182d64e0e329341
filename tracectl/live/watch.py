"""What happens to the module, the session and the CPUs, for who waits on a file descriptor."""

from __future__ import annotations

from tracectl.errors import TracectlError
from tracectl.kernel.events import Event, EventMonitor

LOOK_S = 1.0
"""How often to look where no uevents can be received."""
_MOST = 256


class Watch:
    """``source`` is "udev", "kernel", or "poll": no uevents can be received, as in some containers.

    To be used by one thread, the one that made it: libudev's objects are not for two.
    """

    def __init__(self) -> None:
        try:
            self._monitor: EventMonitor | None = EventMonitor()
            self.source = self._monitor.source
        except TracectlError:
            self._monitor = None
            self.source = "poll"

    def fileno(self) -> int | None:
        """Readable when there is something to take; None with "poll"."""
        return None if self._monitor is None else self._monitor.fileno()

    def take(self) -> list[Event]:
        """What has happened since; does not wait."""
        if self._monitor is None:
            return []
        return list(self._monitor.take(_MOST))
