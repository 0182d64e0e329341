"""The device's protocol of ``kmod/uapi/tracectl.h``: ioctl arguments, numbers and states."""

from __future__ import annotations

from enum import IntEnum, IntFlag

from construct import (
    Array,
    Bytes,
    Int8ul,
    Int16ul,
    Int32sl,
    Int32ul,
    Int64ul,
    PaddedString,
    Struct,
)

from tracectl.abi.records import ABIS, COMM_BYTES, KINDS, LOST_CAUSES, SHAPES

DEVICE = "tracectl"
LABEL_BYTES = 1024
ERRNOS = 8
LATENCIES = 32
READS = 6
COUNT_RESULT = 6
COUNT_ONE = 7
READ_BOTH = 128
COMMANDS = 128
USER_BYTES = 4096
SUBBUF_MIN = 16 << 10
SUBBUF_MAX = 16 << 20
COUNT_MIN = 2
COUNT_MAX = 4096
CPU_BITS = 128 * 64
ERRNO_BITS = 4 * 64
PREFIX_BYTES = 256
BUFFER_MAX = 1 << 30


class State(IntEnum):
    """enum tracectl_state"""

    IDLE = 0
    ARMED = 1
    TRACING = 2


class End(IntEnum):
    """enum tracectl_end: how the last session ended."""

    NONE = 0
    STOPPED = 1
    CLOSED = 2


class EventClass(IntFlag):
    """Classes of events; the bits of the per-CPU gate."""

    SYSCALL = 1
    OPEN_HOW = 2
    OPEN_NAME = 4
    TASK = 8
    PATH = 16
    ARGV = 32
    SOCKET = 64
    SCHED = 128
    USER = 256
    DIVERGENCE = 512
    FILE = 2048
    ALL = 3071


class ConfigFlag(IntFlag):
    """TRACECTL_CONFIG_..."""

    OVERWRITE = 1
    """Keep the newest sub-buffers: a flight recorder."""
    COUNTERS = 2
    """Count, and record nothing."""


class FilterFlag(IntFlag):
    """TRACECTL_FILTER_...: which fields of a filter hold."""

    UID = 1
    COMM = 2
    CGROUP = 4
    CALLS = 8
    CPUS = 16
    FAILED = 32
    SLOWER = 64
    PATH = 128


Filter = Struct(
    "flags" / Int32ul,
    "uid" / Int32ul,
    "cgroup" / Int64ul,
    "comm" / Bytes(COMM_BYTES),
    "calls" / Bytes(ABIS * SHAPES // 8),
    "cpus" / Bytes(CPU_BITS // 8),
    "errnos" / Bytes(ERRNO_BITS // 8),
    "slower_ns" / Int64ul,
    "path" / Bytes(PREFIX_BYTES),
    "reserved" / Array(4, Int64ul),
)

Read = Struct(
    "form" / Int8ul,
    "argument" / Int8ul,
    "count" / Int8ul,
    "flags" / Int8ul,
    "bytes" / Int16ul,
    "most" / Int16ul,
)

Command = Struct("value" / Int32ul, "slot" / Int16ul, "bytes" / Int16ul, "flags" / Int32ul)

Info = Struct(
    "abi" / Int32ul,
    "sites" / Int32ul,
    "cpus" / Int32ul,
    "page_bytes" / Int32ul,
    "version" / PaddedString(32, "utf8"),
    "build_id" / PaddedString(48, "utf8"),
)

Config = Struct(
    "abi" / Int32ul,
    "classes" / Int32ul,
    "subbuf_bytes" / Int32ul,
    "subbuf_count" / Int32ul,
    "target_pid" / Int32ul,
    "flags" / Int32ul,
    "shapes" / Int64ul,
    "filter" / Int64ul,
    "reads" / Int64ul,
    "redact" / Int64ul,
    "commands" / Int64ul,
    "session_id" / Int64ul,
    "failed_class" / Int32ul,
    "reserved1" / Int32ul,
    "label" / Bytes(LABEL_BYTES),
)

Status = Struct(
    "abi" / Int32ul,
    "state" / Int32ul,
    "owner_pid" / Int32ul,
    "owner_uid" / Int32ul,
    "owner_comm" / Bytes(COMM_BYTES),
    "session_id" / Int64ul,
    "classes" / Int32ul,
    "target_pid" / Int32ul,
    "subbuf_bytes" / Int32ul,
    "subbuf_count" / Int32ul,
    "since_ns" / Int64ul,
    "generated" / Int64ul,
    "lost" / Array(LOST_CAUSES, Int64ul),
    "filtered" / Int64ul,
    "last_end" / Int32ul,
    "last_pid" / Int32ul,
    "flags" / Int32ul,
    "narrowed" / Int32ul,
    "label" / Bytes(LABEL_BYTES),
    "self" / Int64ul,
    "filter" / Filter,
)

Clocks = Struct("trace_ns" / Int64ul, "mono_ns" / Int64ul, "boot_ns" / Int64ul, "real_ns" / Int64ul)

Stream = Struct("cpu" / Int32ul, "fd" / Int32sl)

Subbuf = Struct("seq" / Int64ul, "index" / Int32ul, "used_bytes" / Int32ul)

SyscallCounts = Struct(
    "entries" / Int64ul,
    "exits" / Int64ul,
    "entries_lost" / Int64ul,
    "exits_lost" / Int64ul,
    "filtered" / Int64ul,
    "total_ns" / Int64ul,
    "errors" / Array(ERRNOS, Int64ul),
    "latency" / Array(LATENCIES, Int64ul),
    "withheld" / Int64ul,
    "calls_lost" / Int64ul,
    "rejected" / Int64ul,
    "skipped" / Int64ul,
)

Counters = Struct(
    "syscalls" / Int64ul,
    "generated" / Array(KINDS, Int64ul),
    "lost" / Array(KINDS, Int64ul),
    "lost_by_cause" / Array(LOST_CAUSES, Int64ul),
    "filtered" / Int64ul,
    "subbufs" / Int64ul,
    "self" / Int64ul,
    "cpu" / Int32ul,
    "reserved" / Int32ul,
)

_WRITE, _READ = 1, 2


def _ioctl(direction: int, number: int, size: int = 0) -> int:
    """As _IOC() of linux/ioctl.h on x86-64 and arm64."""
    return direction << 30 | size << 16 | 0xB5 << 8 | number


IOC_INFO = _ioctl(_READ, 0x00, Info.sizeof())
IOC_STATUS = _ioctl(_READ, 0x01, Status.sizeof())
IOC_CONFIGURE = _ioctl(_READ | _WRITE, 0x02, Config.sizeof())
IOC_RESUME = _ioctl(0, 0x03)
IOC_PAUSE = _ioctl(0, 0x04)
IOC_STOP = _ioctl(0, 0x05)
IOC_STREAM = _ioctl(_READ | _WRITE, 0x06, Stream.sizeof())
IOC_CLOCK = _ioctl(_READ, 0x07, Clocks.sizeof())
IOC_FILTER = _ioctl(_WRITE, 0x08, Filter.sizeof())
IOC_GET = _ioctl(_READ, 0x10, Subbuf.sizeof())
IOC_PUT = _ioctl(_WRITE, 0x11, 8)
IOC_FLUSH = _ioctl(0, 0x12)
IOC_COUNTERS = _ioctl(_READ | _WRITE, 0x13, Counters.sizeof())
