"""What happens to the device, its session and the CPUs, as it happens: uevents through pyudev."""

from __future__ import annotations

import errno
import select
import time
from collections.abc import Iterator, Sequence
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
_OVERRUN = object()


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


@dataclass(frozen=True, slots=True)
class DeviceEvent:
    """Of any device, received at ``mono_ns`` of CLOCK_MONOTONIC: uevents have no time of their own.
    Without a ``path``, some came faster than they were read and are missing."""

    mono_ns: int
    action: str
    subsystem: str
    path: str
    properties: dict[str, str]


class _Monitor:
    """Uevents from its creation on, so that nothing is missed between a first look and the next.

    udev passes uevents on once its rules have run, so that the device has its group by then.
    Without udevd, as in a container, the kernel's own are taken.
    """

    def __init__(self, subsystems: Sequence[str]) -> None:
        """UnsupportedError where none can be received. No ``subsystems`` are all."""
        self.source = "udev" if _UDEVD.exists() else "kernel"
        try:
            self._monitor = pyudev.Monitor.from_netlink(pyudev.Context(), source=self.source)
            for subsystem in subsystems:
                self._monitor.filter_by(subsystem)
            self._monitor.set_receive_buffer_size(_BUFFER_BYTES)
            self._monitor.start()
        except OSError as error:
            raise UnsupportedError(f"no uevents can be received: {error.strerror}") from error

    def fileno(self) -> int:
        return int(self._monitor.fileno())

    def _receive(self, timeout_s: float | None) -> Any:
        """A device, None when the time is over, or _OVERRUN."""
        try:
            return self._monitor.poll(timeout_s)
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
            return _OVERRUN


class EventMonitor(_Monitor):
    """Of the module, its session and the CPUs."""

    def __init__(self) -> None:
        super().__init__(_SUBSYSTEMS)

    def poll(self, timeout_s: float | None = None) -> Iterator[Event]:
        """What one uevent tells: nothing, for one of other devices, or when the time is over."""
        device = self._receive(timeout_s)
        if device is _OVERRUN:
            yield Event(Subject.MISSED, "uevents")
        elif device is not None:
            yield from _events_of(device)

    def take(self, most: int) -> Iterator[Event]:
        """What has come already, of ``most`` uevents."""
        for _ in range(most):
            if not _is_readable(self.fileno()):
                return
            yield from self.poll(0)


class DeviceMonitor(_Monitor):
    """Of all devices."""

    def __init__(self) -> None:
        super().__init__(())

    def take(self, most: int) -> Iterator[DeviceEvent]:
        """What has come already, of ``most`` uevents."""
        for _ in range(most):
            if not _is_readable(self.fileno()):
                return
            device, now_ns = self._receive(0), time.monotonic_ns()
            if device is _OVERRUN:
                yield DeviceEvent(now_ns, "missed", "", "", {})
            elif device is not None:
                yield DeviceEvent(
                    now_ns, device.action or "", device.subsystem or "", device.device_path,
                    dict(device.properties),
                )  # fmt: skip


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
