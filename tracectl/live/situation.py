"""What the machine's tracer does now, and the source that shows it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from tracectl.abi.control import ConfigFlag, State
from tracectl.errors import DeviceError, TracectlError, UnsupportedError
from tracectl.kernel.device import Device, Status
from tracectl.live.capture import GrowingSource
from tracectl.live.flight import FlightSource
from tracectl.live.source import Source
from tracectl.module.loading import is_loaded


@dataclass(frozen=True, slots=True)
class Situation:
    """``state`` is "not loaded", "idle", "armed" (paused), "tracing", or "unknown" with the reason
    in ``note``. ``session_id`` is 0 unless a session exists; one that ``is_counting`` records
    nothing."""

    state: str
    session_id: int = 0
    is_flight: bool = False
    is_counting: bool = False
    file: str = ""
    owner: str = ""
    generated: int = 0
    lost: int = 0
    filtered: int = 0
    note: str = ""

    @property
    def exists(self) -> bool:
        """A session does."""
        return self.state in ("armed", "tracing")

    @property
    def target(self) -> str:
        """Where the records go."""
        return "memory" if self.is_flight else self.file


def look() -> Situation:
    """At this machine, now."""
    if not is_loaded():
        return Situation(
            "not loaded", note="the module is not loaded; 'tracectl module load' loads it"
        )
    try:
        with Device() as device:
            return _situation_of(device.status())
    except TracectlError as error:
        return Situation("unknown", note=str(error))


def _situation_of(status: Status) -> Situation:
    is_flight = bool(status.flags & ConfigFlag.OVERWRITE)
    return Situation(
        state=State(status.state).name.lower(),
        session_id=status.session_id if status.state != State.IDLE else 0,
        is_flight=is_flight,
        is_counting=bool(status.flags & ConfigFlag.COUNTERS),
        file="" if is_flight else status.label,
        owner=f"{status.owner_comm} (pid {status.owner_pid}, uid {status.owner_uid})",
        generated=status.generated,
        lost=status.lost,
        filtered=status.filtered,
    )


def open_running(situation: Situation) -> Source:
    """The source of the session that runs: the flight recorder's buffers, or the file that its
    recorder writes. TracectlError when it cannot be read."""
    if not situation.exists:
        raise DeviceError("nothing is being traced")
    if situation.is_counting:
        raise UnsupportedError(
            "the session only counts, and records nothing; 'tracectl report' shows its counts"
        )
    if situation.is_flight:
        return FlightSource()
    path = Path(situation.file)
    if not os.access(path, os.R_OK):
        raise UnsupportedError(
            f"{situation.owner} records into {path}, which cannot be read here; only its user can "
            "view it"
        )
    return GrowingSource(path)
