"""Sessions that have no file while they run: flight recorders, and those that only count."""

from __future__ import annotations

import select
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

from tracectl.abi.control import ConfigFlag
from tracectl.cli.plan import Plan
from tracectl.cli.recording import arm
from tracectl.cli.summary import Summary, summary_of_status
from tracectl.errors import DeviceError
from tracectl.kernel.device import Device, Status

_LOOK_MS = 100


class Held:
    """An armed session, in the place of a Recording. Leave it as a context manager: the session
    ends with it."""

    size_bytes = 0

    def __init__(self, device: Device, plan: Plan, label: str, flags: ConfigFlag) -> None:
        self.plan = plan
        self._device = device
        arm(device, plan, label=label, flags=flags)

    def __enter__(self) -> Held:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop()

    def status(self) -> Status:
        return self._device.status()

    def resume(self) -> None:
        self._device.resume()

    def run(self, is_done: Callable[[], bool], reason: str, wake_fd: int | None = None) -> Summary:
        """Until ``is_done()``, or until the session is stopped by another process."""
        poll = select.poll()
        poll.register(self._device.fileno(), 0)
        if wake_fd is not None:
            poll.register(wake_fd, select.POLLIN)
        while not is_done():
            if self._device.fileno() in dict(poll.poll(_LOOK_MS)):
                reason = "stopped"
                break
            self._look()
        self._stop()
        # Of this session, although it has ended: it is the last one.
        return self._finish(self._device.status(), reason)

    def _look(self) -> None:
        """Ten times a second."""

    def _finish(self, status: Status, reason: str) -> Summary:
        return summary_of_status(status, reason)

    def _stop(self) -> None:
        # ENXIO: somebody else stopped it.
        with suppress(DeviceError):
            self._device.stop()
