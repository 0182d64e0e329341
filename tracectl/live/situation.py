"""What the machine's tracer does now, and the source that shows it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from tracectl.abi.control import ConfigFlag, End, State
from tracectl.errors import DeviceError, TracectlError, UnsupportedError
from tracectl.kernel.device import Device, Status
from tracectl.kernel.filter import Terms
from tracectl.live.capture import GrowingSource
from tracectl.live.flight import FlightSource
from tracectl.live.source import Source
from tracectl.module.loading import is_loaded


@dataclass(frozen=True, slots=True)
class Situation:
    """``state`` is "not loaded", "idle", "armed" (paused), "tracing", or "unknown" with the reason
    in ``note``. ``session_id`` is 0 unless a session exists; one that ``is_counting`` records
    nothing, and what of the machine it is about is in ``terms``. ``online`` are the CPUs."""

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
    terms: Terms = field(default_factory=Terms)
    online: tuple[int, ...] = ()

    @property
    def exists(self) -> bool:
        """A session does."""
        return self.state in ("armed", "tracing")

    @property
    def chosen(self) -> tuple[int, ...]:
        """The CPUs whose calls are wanted."""
        cpus = self.terms.cpus
        return self.online if cpus is None else tuple(sorted(cpus & set(self.online)))


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


def online_cpus(path: Path = Path("/sys/devices/system/cpu/online")) -> tuple[int, ...]:
    found: list[int] = []
    for part in path.read_text().strip().split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return tuple(found)


def _situation_of(status: Status) -> Situation:
    is_flight = bool(status.flags & ConfigFlag.OVERWRITE)
    is_counting = bool(status.flags & ConfigFlag.COUNTERS)
    is_dead = status.state == State.IDLE and status.last_end == End.CLOSED
    return Situation(
        state=State(status.state).name.lower(),
        session_id=status.session_id if status.state != State.IDLE else 0,
        is_flight=is_flight,
        is_counting=is_counting,
        file="" if is_flight or is_counting else status.label,
        owner=f"{status.owner_comm} (pid {status.owner_pid}, uid {status.owner_uid})",
        generated=status.generated,
        lost=status.lost,
        filtered=status.filtered,
        note=_death_of(status) if is_dead else "",
        terms=status.terms,
        online=online_cpus(),
    )


def _death_of(status: Status) -> str:
    """Of the recorder of the last session."""
    if status.flags & (ConfigFlag.OVERWRITE | ConfigFlag.COUNTERS):
        return f"nothing is traced: its recorder died (pid {status.last_pid})"
    return (
        f"nothing is traced: its recorder died (pid {status.last_pid}); {status.label} is readable "
        "to its last whole chunk"
    )


def open_running(situation: Situation) -> Source:
    """The source of the session that runs: the flight recorder's buffers, or the file that its
    recorder writes. TracectlError when it cannot be read, or records nothing."""
    if not situation.exists:
        raise DeviceError("nothing is being traced")
    if situation.is_flight:
        return FlightSource()
    path = Path(situation.file)
    if not os.access(path, os.R_OK):
        raise UnsupportedError(
            f"{situation.owner} records into {path}, which cannot be read here; only its user can "
            "view it"
        )
    return GrowingSource(path)
