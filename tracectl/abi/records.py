"""The byte stream of ``kmod/uapi/tracectl.h``: sub-buffers and the records in them.

Each ``Struct`` is the C struct of the same name. Nothing declares a layout a second time: numpy
dtypes are derived from these by :mod:`tracectl.abi.dtype`.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag

from construct import Array, Bytes, Int8ul, Int16ul, Int32sl, Int32ul, Int64sl, Int64ul, Struct

ABI_VERSION = 3
GRANULE = 8
COMM_BYTES = 16
KINDS = 32
LOST_CAUSES = 4
SUBBUF_MAGIC = 0x42534354

NR_BITS = 14
NR_ESCAPE = 0x3FFF
ABIS = 3
SHAPES = 512
SLOTS = ABIS * SHAPES + 1
OTHER_SLOT = SLOTS - 1


class Kind(IntEnum):
    """enum tracectl_kind"""

    TASK = 1
    TIME = 2
    ENTRY = 3
    EXIT = 4
    EXIT_NEAR = 5
    EXIT_SHORT = 6
    OPEN_HOW = 7
    NAME = 8
    FORK = 9
    EXEC = 10
    TASK_EXIT = 11
    ARGV = 12
    ADDRESS = 13
    RENAME = 14
    FILE = 15
    USER = 16
    DIVERGENCE = 17
    CGROUP = 20
    ATTACH = 21
    SETUID = 22
    SWITCH = 23
    CALL = 24


STRING_KINDS = frozenset(
    {
        Kind.NAME,
        Kind.EXEC,
        Kind.ARGV,
        Kind.ADDRESS,
        Kind.FILE,
        Kind.USER,
        Kind.DIVERGENCE,
        Kind.CGROUP,
    }
)
"""Kinds whose record ends with a string of ``id`` bytes."""

NEAR_KINDS = frozenset({Kind.EXIT_NEAR, Kind.EXIT_SHORT})
"""Exits of the last ENTRY before them in the sub-buffer."""

EXIT_KINDS = NEAR_KINDS | {Kind.EXIT}
"""What the module counts as EXIT."""

FRAMING_KINDS = frozenset({Kind.TASK, Kind.TIME})
"""Kinds that are no events: they are neither generated nor lost."""


class Lost(IntEnum):
    """enum tracectl_lost: why an event found no room."""

    FULL = 0
    NO_BUFFER = 1
    NO_PLACE = 2


class Abi(IntEnum):
    """enum tracectl_abi: the high bits of a system call's id."""

    NATIVE = 0
    COMPAT = 1
    X32 = 2


class Source(IntEnum):
    """enum tracectl_source: where a string comes from."""

    KERNEL_COPY = 0
    USER_COPY = 1


class Site(IntEnum):
    """enum tracectl_site: what the kernel was about to do with a name."""

    OPEN = 0
    LOOKUP = 1
    PARENT = 2
    TARGET = 3


class NameFlag(IntFlag):
    """flags of a NAME record"""

    TRUNCATED = 1
    IO_WORKER = 2
    KTHREAD = 4
    REDACTED = 8


class AddressSite(IntEnum):
    """enum tracectl_address_site: what the kernel was about to do with an address."""

    CONNECT = 0
    BIND = 1
    SEND = 2
    ANSWER = 3


class ArgvFlag(IntFlag):
    """flags of an ARGV record"""

    TRUNCATED = 1
    FAULTED = 2
    INTERPRETED = 4


class Form(IntEnum):
    """enum tracectl_form: how memory that an argument points to is read."""

    NONE = 0
    BYTES = 1
    PATH = 2
    VECTOR = 3
    MESSAGE_VECTOR = 4
    MESSAGE = 5
    ADDRESS = 6
    COMMAND = 7


class UserFlag(IntFlag):
    """flags of a USER record, and of a read"""

    FAULTED = 1
    TRUNCATED = 2
    EXIT = 4
    REDACTED = 8


SubbufHeader = Struct(
    "magic" / Int32ul,
    "abi" / Int16ul,
    "reserved0" / Int16ul,
    "cpu" / Int32ul,
    "subbuf_bytes" / Int32ul,
    "session_id" / Int64ul,
    "seq" / Int64ul,
    "first_ns" / Int64ul,
    "last_ns" / Int64ul,
    "used_bytes" / Int32ul,
    "records" / Int32ul,
    "lost" / Array(LOST_CAUSES, Int64ul),
    "generated" / Int64ul,
)

Record = Struct("time" / Int32ul, "id" / Int16ul, "kind" / Int8ul, "granules" / Int8ul)

Task = Struct("head" / Record, "tid" / Int32ul, "tgid" / Int32ul)
Time = Struct("head" / Record, "time_ns" / Int64ul)
Exit = Struct("head" / Record, "result" / Int64sl)
Whole = Struct("head" / Record, "result" / Int64sl, "entry_ns" / Int64ul)
OpenHow = Struct("head" / Record, "flags" / Int64ul, "mode" / Int64ul, "resolve" / Int64ul)
Name = Struct(
    "head" / Record,
    "dfd" / Int32sl,
    "source" / Int8ul,
    "flags" / Int8ul,
    "site" / Int8ul,
    "reserved" / Int8ul,
)
Fork = Struct(
    "head" / Record,
    "tid" / Int32ul,
    "tgid" / Int32ul,
    "uid" / Int32ul,
    "inner_tid" / Int32ul,
    "ppid" / Int32ul,
    "reserved" / Int32ul,
    "cgroup" / Int64ul,
    "comm" / Bytes(COMM_BYTES),
)
Exec = Struct(
    "head" / Record,
    "old_tid" / Int32ul,
    "uid" / Int32ul,
    "comm" / Bytes(COMM_BYTES),
    "cgroup" / Int64ul,
)
Rename = Struct("head" / Record, "tid" / Int32ul, "reserved" / Int32ul, "comm" / Bytes(COMM_BYTES))
Setuid = Struct("head" / Record, "uid" / Int32ul, "reserved" / Int32ul)
Cgroup = Struct("head" / Record, "cgroup" / Int64ul)
Attach = Struct("head" / Record, "tid" / Int32ul, "whole" / Int32ul, "cgroup" / Int64ul)
Switch = Struct("head" / Record, "next_tid" / Int32ul, "state" / Int32ul)
Argv = Struct(
    "head" / Record,
    "bytes" / Int32ul,
    "variables" / Int16ul,
    "flags" / Int8ul,
    "reserved" / Int8ul,
)
Address = Struct(
    "head" / Record,
    "site" / Int8ul,
    "flags" / Int8ul,
    "reserved0" / Int16ul,
    "reserved1" / Int32ul,
)
File = Struct(
    "head" / Record,
    "fd" / Int32sl,
    "flags" / Int8ul,
    "reserved0" / Int8ul,
    "reserved1" / Int16ul,
)
User = Struct(
    "head" / Record,
    "argument" / Int8ul,
    "form" / Int8ul,
    "source" / Int8ul,
    "flags" / Int8ul,
    "given" / Int32ul,
)
Divergence = Struct(
    "head" / Record,
    "user_bytes" / Int16ul,
    "argument" / Int8ul,
    "reserved0" / Int8ul,
    "reserved1" / Int32ul,
)
TaskExit = Struct("head" / Record, "code" / Int32sl, "reserved" / Int32ul)

Shape = Struct("args" / Int8ul, "wide" / Int8ul)

BODIES: dict[Kind, Struct] = {
    Kind.TASK: Task,
    Kind.TIME: Time,
    Kind.EXIT: Exit,
    Kind.EXIT_NEAR: Exit,
    Kind.OPEN_HOW: OpenHow,
    Kind.NAME: Name,
    Kind.FORK: Fork,
    Kind.EXEC: Exec,
    Kind.TASK_EXIT: TaskExit,
    Kind.ARGV: Argv,
    Kind.ADDRESS: Address,
    Kind.FILE: File,
    Kind.USER: User,
    Kind.DIVERGENCE: Divergence,
    Kind.RENAME: Rename,
    Kind.CGROUP: Cgroup,
    Kind.ATTACH: Attach,
    Kind.SETUID: Setuid,
    Kind.SWITCH: Switch,
    Kind.CALL: Whole,
}
"""The fixed part of each kind; ENTRY's depends on the shape of its system call, EXIT_SHORT is all
head."""
