"""The client of /dev/tracectl."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from tracectl.abi import control
from tracectl.abi.control import ConfigFlag, End, EventClass, FilterFlag, State
from tracectl.abi.records import ABI_VERSION
from tracectl.abi.totals import CpuTotals
from tracectl.errors import AbiError, DeviceError, SessionBusyError, UnsupportedError
from tracectl.kernel.counters import read_counters
from tracectl.kernel.filter import Terms, terms_of
from tracectl.kernel.permission import open_error
from tracectl.kernel.shapes import Shapes, pack_shapes
from tracectl.kernel.sites import check_switches, refusal
from tracectl.kernel.stream import Stream

if TYPE_CHECKING:
    # It brings the tables of all structures, which few need.
    from tracectl.kernel.reads import Reads

DEVICE_PATH = Path("/dev") / control.DEVICE
LABEL_MAX_BYTES = control.LABEL_BYTES - 1


@dataclass(frozen=True, slots=True)
class Info:
    abi: int
    cpus: int
    version: str
    build_id: str


@dataclass(frozen=True, slots=True)
class Status:
    """What the module says of its session; when idle, of the last one. ``since_ns`` is of
    CLOCK_MONOTONIC."""

    state: State
    owner_pid: int
    owner_uid: int
    owner_comm: str
    session_id: int
    classes: EventClass
    target_pid: int
    subbuf_bytes: int
    subbuf_count: int
    since_ns: int
    generated: int
    lost: int
    filtered: int
    flags: ConfigFlag
    last_end: End
    last_pid: int
    label: str
    own: int
    """Of filtered: processes that have the device open."""
    terms: Terms
    narrowed: FilterFlag
    """Of all terms that it has had."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """The same moment on the session's clock and on the machine's, in ns."""

    trace_ns: int
    mono_ns: int
    boot_ns: int
    real_ns: int


class Device:
    """An open /dev/tracectl. UnsupportedError when it cannot be opened here, DeviceError when the
    module refuses something."""

    def __init__(self, path: Path = DEVICE_PATH) -> None:
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            raise open_error(path, error) from error
        try:
            self.info = self._read_info()
        except (DeviceError, UnsupportedError):
            self.close()
            raise

    def __enter__(self) -> Device:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the session, if this file owns one."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def fileno(self) -> int:
        """Polls POLLHUP once this file's session has ended."""
        return self._fd

    def status(self) -> Status:
        try:
            raw = self._parse(control.Status, control.IOC_STATUS)
        except OSError as error:
            raise DeviceError(
                f"the module does not tell its status: {error.strerror}", error.errno or 0
            ) from error
        return Status(
            state=State(raw.state),
            owner_pid=raw.owner_pid,
            owner_uid=raw.owner_uid,
            owner_comm=_text(raw.owner_comm),
            session_id=raw.session_id,
            classes=EventClass(raw.classes),
            target_pid=raw.target_pid,
            subbuf_bytes=raw.subbuf_bytes,
            subbuf_count=raw.subbuf_count,
            since_ns=raw.since_ns,
            generated=raw.generated,
            lost=sum(raw.lost),
            filtered=raw.filtered,
            flags=ConfigFlag(raw.flags),
            last_end=End(raw.last_end),
            last_pid=raw.last_pid,
            label=os.fsdecode(raw.label.split(b"\0")[0]),
            own=raw.self,
            terms=terms_of(raw.filter),
            narrowed=FilterFlag(raw.narrowed),
        )

    def clocks(self) -> Clocks:
        try:
            raw = self._parse(control.Clocks, control.IOC_CLOCK)
        except OSError as error:
            raise DeviceError(
                f"the module does not tell its time: {error.strerror}", error.errno or 0
            ) from error
        return Clocks(raw.trace_ns, raw.mono_ns, raw.boot_ns, raw.real_ns)

    def configure(
        self,
        shapes: Shapes,
        *,
        classes: EventClass,
        subbuf_bytes: int,
        subbuf_count: int,
        target_pid: int = 0,
        flags: int = 0,
        terms: Terms | None = None,
        reads: Reads | None = None,
        redact: str = "",
        label: str = "",
    ) -> int:
        """Arms a session that this file owns; answers its id. ``reads`` go with EventClass.USER.
        ``redact`` is the directory below which paths are not told."""
        check_switches(classes)
        table = ctypes.create_string_buffer(pack_shapes(shapes))
        prefix = ctypes.create_string_buffer(os.fsencode(redact))
        calls = ctypes.create_string_buffer(reads.calls if reads else b"")
        commands = ctypes.create_string_buffer(reads.commands if reads else b"")
        filter_ = ctypes.create_string_buffer((terms or Terms()).pack())
        request = {
            "abi": ABI_VERSION,
            "classes": classes,
            "subbuf_bytes": subbuf_bytes,
            "subbuf_count": subbuf_count,
            "target_pid": target_pid,
            "flags": flags,
            "shapes": ctypes.addressof(table),
            "filter": ctypes.addressof(filter_),
            "reads": ctypes.addressof(calls) if reads else 0,
            "redact": ctypes.addressof(prefix) if redact else 0,
            "commands": ctypes.addressof(commands) if reads else 0,
            "session_id": 0,
            "failed_class": 0,
            "reserved1": 0,
            "label": os.fsencode(label)[:LABEL_MAX_BYTES].ljust(control.LABEL_BYTES, b"\0"),
        }
        data = bytearray(control.Config.build(request))
        try:
            fcntl.ioctl(self._fd, control.IOC_CONFIGURE, data)
        except OSError as error:
            failed = EventClass(control.Config.parse(bytes(data)).failed_class)
            raise self._configure_error(error, failed, subbuf_bytes * subbuf_count) from error
        return int(control.Config.parse(bytes(data)).session_id)

    def resume(self) -> None:
        self._control(control.IOC_RESUME, "resumed")

    def pause(self) -> None:
        self._control(control.IOC_PAUSE, "paused")

    def set_filter(self, terms: Terms) -> None:
        """While the session runs; what both the old and the new terms let through is not missed."""
        self._control(control.IOC_FILTER, "filtered", terms.pack())

    def counters(self) -> list[CpuTotals]:
        """What each CPU has counted so far in the session that runs."""
        counted = []
        for cpu in range(self.info.cpus):
            try:
                counted.append(read_counters(self._fd, cpu))
            except OSError as error:
                if error.errno != errno.ENODEV:
                    raise self._control_error(error, "counted") from error
        return counted

    def stop(self) -> None:
        self._control(control.IOC_STOP, "stopped")

    def open_stream(self, cpu: int, subbuf_bytes: int, subbuf_count: int) -> Stream | None:
        """The buffer of ``cpu``, or None while that CPU has none (it never was online)."""
        data = bytearray(control.Stream.build({"cpu": cpu, "fd": -1}))
        try:
            fcntl.ioctl(self._fd, control.IOC_STREAM, data)
        except OSError as error:
            if error.errno in (errno.ENODEV, errno.EINVAL):
                return None
            raise DeviceError(
                f"the module gives no stream of CPU {cpu}: {error.strerror}", error.errno or 0
            ) from error
        return Stream(control.Stream.parse(bytes(data)).fd, cpu, subbuf_bytes, subbuf_count)

    def _read_info(self) -> Info:
        try:
            raw = self._parse(control.Info, control.IOC_INFO)
        except OSError as error:
            if error.errno != errno.ENOTTY:
                raise DeviceError(
                    f"the module does not answer: {error.strerror}", error.errno or 0
                ) from error
            raise AbiError(
                f"the loaded module ({_loaded_version()}) does not know the requests of ABI "
                f"version {ABI_VERSION}, which this tracectl speaks; load the module that came "
                "with it"
            ) from error
        if raw.abi != ABI_VERSION:
            raise AbiError(
                f"the loaded module has ABI version {raw.abi}, this tracectl version "
                f"{ABI_VERSION}; load the module that came with it"
            )
        return Info(raw.abi, raw.cpus, raw.version, raw.build_id)

    def _parse(self, struct: Any, request: int) -> Any:
        data = bytearray(struct.sizeof())
        fcntl.ioctl(self._fd, request, data)
        return struct.parse(bytes(data))

    def _control(self, request: int, done: str, argument: bytes = b"") -> None:
        try:
            fcntl.ioctl(self._fd, request, bytearray(argument))
        except OSError as error:
            raise self._control_error(error, done) from error

    def _control_error(self, error: OSError, done: str) -> DeviceError:
        if error.errno == errno.ENXIO:
            return DeviceError(f"nothing is being traced that could be {done}", errno.ENXIO)
        if error.errno == errno.EPERM:
            status = self.status()
            return DeviceError(
                f"the session can be {done} only by its owner (pid {status.owner_pid}, "
                f"{status.owner_comm}, uid {status.owner_uid}) or by root",
                errno.EPERM,
            )
        if error.errno == errno.EOPNOTSUPP:
            return DeviceError(
                "the running session cannot filter so: it records no names, which --path needs, or "
                "only counts, so that no call waits for its end",
                errno.EOPNOTSUPP,
            )
        return DeviceError(f"the session could not be {done}: {error.strerror}", error.errno or 0)

    def _configure_error(
        self, error: OSError, failed: EventClass, buffer_bytes: int
    ) -> DeviceError | UnsupportedError:
        if failed:
            return refusal(error, failed)
        if error.errno == errno.EBUSY:
            status = self.status()
            return SessionBusyError(
                f"already tracing: {status.owner_comm} (pid {status.owner_pid}, uid "
                f"{status.owner_uid}) writes {status.label or 'a capture'}; "
                "'tracectl stop' ends it",
                status.owner_pid,
                status.owner_comm,
            )
        if error.errno == errno.ENOMEM:
            return DeviceError(
                f"no memory for buffers of {buffer_bytes / (1 << 20):g} MiB a CPU; ask for less "
                "with --subbuf-count or --subbuf-size",
                errno.ENOMEM,
            )
        if error.errno == errno.EMFILE:
            return DeviceError(
                "the streams of too many ended sessions are still open; their recorders have to "
                "end first",
                errno.EMFILE,
            )
        if error.errno == errno.EPROTO:
            return AbiError(
                f"the loaded module ({_loaded_version()}) does not speak ABI version "
                f"{ABI_VERSION}; load the module that came with this tracectl"
            )
        if error.errno == errno.ESRCH:
            return DeviceError("the process to trace does not exist", errno.ESRCH)
        return DeviceError(f"the module refused the session: {error.strerror}", error.errno or 0)


def _loaded_version() -> str:
    try:
        version = Path("/sys/module", control.DEVICE, "version").read_text(encoding="ascii")
    except (OSError, ValueError):
        return "of unknown version"
    return f"version {version.strip()}"


def _text(raw: bytes) -> str:
    return raw.split(b"\0")[0].decode(errors="replace")
