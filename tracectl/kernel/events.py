"""What happens to the device, its session and the CPUs, as it happens: uevents through pyudev."""

from __future__ import annotations

import errno
import select
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import pyudev

from tracectl.abi import control
from tracectl.errors import UnsupportedError

_UDEVD = Path("/run/udev/control")
_BUFFER_BYTES = 1 << 20
_SUBSYSTEMS = ("misc", "cpu", "module")


class Subject(StrEnum):
    MODULE = "module"
    STATE = "state"
    LOST = "lost"
    CPU = "cpu"
    MISSED = "missed"
    """Events came faster than they were read: what is known has to be looked up again."""


@dataclass(frozen=True, slots=True)
class Event:
    """``value`` is loaded or unloaded for the module, idle, armed or tracing for the state, the
    events lost of the session so far for ``cpu``, online or offline for a CPU."""

    subject: Subject
    value: str | int
    cpu: int | None = None


class EventMonitor:
    """Events from its creation on, so that nothing is missed between a first look and the next.

    udev passes uevents on once its rules have run, so that the device has its group by then.
    Without udevd, as in a container, the kernel's own are taken.
    """

    def __init__(self) -> None:
        self.source = "udev" if _UDEVD.exists() else "kernel"
        try:
            self._monitor = pyudev.Monitor.from_netlink(pyudev.Context(), source=self.source)
            for subsystem in _SUBSYSTEMS:
                self._monitor.filter_by(subsystem)
            self._monitor.set_receive_buffer_size(_BUFFER_BYTES)
            self._monitor.start()
        except OSError as error:
            raise UnsupportedError(f"no uevents can be received: {error.strerror}") from error

    def fileno(self) -> int:
        return int(self._monitor.fileno())

    def poll(self, timeout_s: float | None = None) -> Iterator[Event]:
        """What one uevent tells: nothing, for one of other devices, or when the time is over."""
        try:
            device = self._monitor.poll(timeout_s)
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
            yield Event(Subject.MISSED, "uevents")
            return
        if device is not None:
            yield from _events_of(device)

    def take(self, most: int) -> Iterator[Event]:
        """What has come already, of ``most`` uevents."""
        for _ in range(most):
            if not _is_readable(self.fileno()):
                return
            yield from self.poll(0)


def _is_readable(fd: int) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(0))


def _events_of(device: Any) -> Iterator[Event]:
    if device.subsystem == "module" and device.sys_name == control.DEVICE:
        if device.action in ("add", "remove"):
            yield Event(Subject.MODULE, "loaded" if device.action == "add" else "unloaded")
    elif device.subsystem == "cpu" and device.action in ("online", "offline"):
        yield Event(Subject.CPU, device.action, int(device.sys_name.removeprefix("cpu")))
    elif device.subsystem == "misc" and device.sys_name == control.DEVICE:
        properties = device.properties
        if "STATE" in properties:
            yield Event(Subject.STATE, properties["STATE"])
        if "LOST" in properties:
            yield Event(Subject.LOST, int(properties["LOST"]), int(properties["CPU"]))
