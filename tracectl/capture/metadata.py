"""What a capture says of itself: metadata at its start, totals at its end."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from tracectl.abi.control import ConfigFlag
from tracectl.abi.records import ABI_VERSION, ABIS, SHAPES
from tracectl.abi.totals import CpuTotals
from tracectl.capture.format import FORMAT_VERSION
from tracectl.errors import DecodeError

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Host:
    """Where the capture was made; ``release`` and ``machine`` as uname has them."""

    name: str
    release: str
    machine: str
    boot_id: str


@dataclass(frozen=True, slots=True)
class Module:
    version: str
    build_id: str


@dataclass(frozen=True, slots=True)
class Moment:
    """The same moment on the clock of the records, on CLOCK_MONOTONIC and on CLOCK_REALTIME, in
    ns."""

    trace_ns: int
    mono_ns: int
    real_ns: int


@dataclass(frozen=True, slots=True)
class Chosen:
    """Whose calls are recorded, of the process tree or of all: with ``by_thread`` only those of
    threads of a user, a name or a cgroup, and those that begin on ``cpus``, None for all."""

    by_thread: bool = False
    cpus: list[int] | None = None

    def narrowed(self, other: Chosen) -> Chosen:
        """What both choose."""
        known = [set(cpus) for cpus in (self.cpus, other.cpus) if cpus is not None]
        cpus = sorted(set.intersection(*known)) if known else None
        return Chosen(self.by_thread or other.by_thread, cpus)


@dataclass(frozen=True, slots=True)
class Config:
    """What the session was configured with; ``command`` is None where none was started for it.
    ``is_partial``: of some threads nothing is recorded; nothing of ``recorder_pid`` ever is."""

    classes: int
    subbuf_bytes: int
    subbuf_count: int
    target_pid: int
    command: list[str] | None = None
    flags: int = 0
    is_partial: bool = False
    recorder_pid: int = 0
    chosen: Chosen = Chosen()

    @property
    def is_flight(self) -> bool:
        """The capture holds what a flight recorder had not overwritten."""
        return bool(self.flags & ConfigFlag.OVERWRITE)


@dataclass(frozen=True, slots=True)
class Calibration:
    """What recording entry and exit of a call costs on the machine, in ns: of it, ``inside_ns`` are
    between the times of the two and ``outside_ns`` before and after. A call that does nothing took
    ``off_ns`` without the tracer, ``armed_ns`` with closed gates and ``traced_ns`` recorded; what
    of it is in the kernel is not known, so both parts are ``uncertainty_ns`` more or less."""

    off_ns: float
    armed_ns: float
    traced_ns: float
    inside_ns: float
    outside_ns: float
    uncertainty_ns: float


@dataclass(frozen=True, slots=True)
class Task:
    """A thread that was alive when tracing started; ``ppid`` is its parent's tgid, ``uid`` the real
    one, ``exe`` the path of its image, ``cgroup`` a path from the root of cgroup v2 on.
    ``inner_tids`` are its ids in the pid namespaces below the recorder's, outermost first."""

    tid: int
    tgid: int
    ppid: int
    comm: str
    uid: int | None = None
    exe: str = ""
    cgroup: str = ""
    inner_tids: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class OpenFiles:
    """What a process had open when tracing started: its working directory, what was behind each
    file descriptor, as /proc shows it, and those that an exec closes. ``left_out`` are the
    descriptors of which that could not be told."""

    tgid: int
    cwd: str
    files: dict[int, str]
    cloexec: list[int]
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Metadata:
    """``tables`` are system-call tables by ABI name (``SyscallTable.to_json()``); ``shapes`` what
    the module was given, 3 by 512: by ABI and number, how many arguments and a mask of the 8-byte
    ones. ``cpus`` is how many CPU ids are possible. ``cgroups`` are the directories of cgroup v2
    when tracing started: paths from the root on, by inode. ``calibration`` is the machine's, None
    where it never was calibrated with this kernel and module."""

    session_id: int
    host: Host
    module: Module
    clocks: list[Moment]
    config: Config
    cpus: int
    tables: dict[str, Any]
    shapes: list[list[tuple[int, int]]]
    tasks: list[Task] = field(default_factory=list)
    cgroups: dict[int, str] = field(default_factory=dict)
    calibration: Calibration | None = None
    opened: list[OpenFiles] = field(default_factory=list)
    format_version: int = FORMAT_VERSION
    abi_version: int = ABI_VERSION

    def to_bytes(self) -> bytes:
        return _dump(self)

    @classmethod
    def from_bytes(cls, data: bytes) -> Metadata:
        """DecodeError when ``data`` is no metadata. Fields that are not known are left out."""
        metadata = _parse(cls, data)
        if not metadata.clocks:
            raise DecodeError("its clocks are missing")
        if [len(abi) for abi in metadata.shapes] != [SHAPES] * ABIS:
            raise DecodeError("its shapes are not 3 by 512")
        for abi in metadata.shapes:
            if any(not (0 <= args <= 6 and 0 <= wide < 64) for args, wide in abi):
                raise DecodeError("a system call's shape is impossible")
        return metadata


@dataclass(frozen=True, slots=True)
class EndBlock:
    """Written last. ``reason`` says in a few words what ended the recording, ``chosen`` what was
    recorded from its start to its end."""

    reason: str
    clocks: list[Moment]
    cpus: list[CpuTotals]
    chosen: Chosen = Chosen()

    def to_bytes(self) -> bytes:
        return _dump(self)

    @classmethod
    def from_bytes(cls, data: bytes) -> EndBlock:
        """DecodeError when ``data`` is no end block."""
        end = _parse(cls, data)
        for cpu in end.cpus:
            cpu.check()
        return end


def _dump(tree: Metadata | EndBlock) -> bytes:
    # Not asdict(): it copies every string of the tables, which takes seconds in a slow guest.
    return json.dumps(tree, separators=(",", ":"), default=_field_values).encode()


def _field_values(value: Any) -> dict[str, Any]:
    return {item.name: getattr(value, item.name) for item in fields(value)}


def _parse(cls: type[_T], data: bytes) -> _T:
    try:
        tree = json.loads(data)
        parsed: _T = _convert(cls, tree)
    except (ValueError, TypeError, RecursionError) as error:
        raise DecodeError(f"it is not understood ({error})") from error
    return parsed


def _convert(hint: Any, value: Any) -> Any:
    """``value``, parsed from JSON, as the type ``hint``. TypeError or ValueError."""
    if is_dataclass(hint):
        return _convert_fields(hint, value)
    if isinstance(hint, UnionType):
        (inner,) = (kind for kind in get_args(hint) if kind is not type(None))
        return None if value is None else _convert(inner, value)
    return value if hint is Any else _convert_builtin(hint, value)


def _convert_builtin(hint: Any, value: Any) -> Any:
    kind, inner = get_origin(hint) or hint, get_args(hint)
    _expect(value, list if kind is tuple else kind)
    if kind is list:
        return [_convert(inner[0], item) for item in value]
    if kind is tuple:
        return tuple(map(_convert, inner, _expect_length(value, len(inner))))
    if kind is dict:
        return {inner[0](name): _convert(inner[1], item) for name, item in value.items()}
    return value


def _convert_fields(cls: Any, value: Any) -> Any:
    _expect(value, dict)
    hints = _hints_of(cls)
    return cls(**{name: _convert(hints[name], value[name]) for name in hints if name in value})


@cache
def _hints_of(cls: Any) -> dict[str, Any]:
    return get_type_hints(cls)


def _expect(value: Any, kind: Any) -> None:
    # bool is an int for isinstance().
    if type(value) is not kind:
        raise TypeError(f"{type(value).__name__} instead of {kind.__name__}")


def _expect_length(value: list[Any], length: int) -> list[Any]:
    if len(value) != length:
        raise ValueError(f"{len(value)} instead of {length} values")
    return value
