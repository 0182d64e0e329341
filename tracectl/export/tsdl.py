"""The metadata text of a CTF 1.8 trace, and the layout of its events."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracectl.capture.metadata import Metadata
from tracectl.export.events import Events
from tracectl.tables.table import Argument, SyscallTable

_NS_PER_S = 1_000_000_000
_ABI_PREFIXES = ("", "compat_", "x32_")

PACKET = np.dtype(
    [
        ("magic", "<u4"), ("uuid", "u1", (16,)), ("stream_id", "<u4"),
        ("timestamp_begin", "<u8"), ("timestamp_end", "<u8"), ("content_size", "<u8"),
        ("packet_size", "<u8"), ("events_discarded", "<u8"), ("cpu_id", "<u4"),
    ]
)  # fmt: skip
_EVENT = [("timestamp", "<u8"), ("id", "<u4"), ("tid", "<i4"), ("pid", "<i4")]


@dataclass(frozen=True, slots=True)
class Field:
    """An integer; ``code`` is its numpy type, ``base`` the one it is shown in."""

    name: str
    code: str
    base: int = 10

    def describe(self) -> str:
        size, signed = int(self.code[-1]) * 8, "true" if self.code[1] == "i" else "false"
        kind = f"integer {{ size = {size}; align = 8; signed = {signed}; base = {self.base}; }}"
        # The underscore keeps words of the language apart; readers drop it.
        return f"{kind} _{self.name};"


@dataclass(frozen=True, slots=True)
class EventClass:
    """A kind of event; ``text`` is the name of the string that ends it, ``has_number`` whether the
    number of the call is its first field."""

    id: int
    name: str
    fields: Sequence[Field]
    text: str | None = None
    has_number: bool = False
    dtype: np.dtype[Any] = field(init=False)

    def __post_init__(self) -> None:
        # Unnumbered, an argument could have the name of a field of every event.
        numbered = [(f"field{index}", field.code) for index, field in enumerate(self.fields)]
        object.__setattr__(self, "dtype", np.dtype([*_EVENT, *numbered]))

    def pack(
        self, events: Events, rows: NDArray[np.intp], values: NDArray[Any]
    ) -> NDArray[np.uint8]:
        """Events ``rows`` without their text, a row of bytes each; ``values`` are the fields'."""
        packed = np.zeros(len(rows), self.dtype)
        packed["timestamp"], packed["id"] = events.time_ns[rows], self.id
        packed["tid"], packed["pid"] = events.tid[rows], events.tgid[rows]
        for index, one in enumerate(self.fields):
            packed[f"field{index}"] = values[:, index].astype(one.code)
        return packed.view(np.uint8).reshape(len(rows), self.dtype.itemsize)

    def describe(self) -> str:
        lines = [one.describe() for one in self.fields]
        if self.text is not None:
            lines.append(f"string _{self.text};")
        body = "".join(f"\t\t{line}\n" for line in lines)
        return (
            f'event {{\n\tname = "{self.name}";\n\tid = {self.id};\n\tstream_id = 0;\n'
            f"\tfields := struct {{\n{body}\t}};\n}};\n"
        )


def class_of_call(
    number: int, table: SyscallTable, abi: int, nr: int, *, is_entry: bool
) -> EventClass:
    """Entries or exits of a system call, under the name that LTTng gives them."""
    call = table.get(nr)
    prefix = f"{_ABI_PREFIXES[min(abi, 2)]}syscall_{'entry' if is_entry else 'exit'}_"
    if call is not None and is_entry:
        return EventClass(number, prefix + call.name, [_field_of(one) for one in call.args])
    result = [Field("ret", "<i8")]
    if call is not None:
        return EventClass(number, prefix + call.name, result)
    rest = [Field(f"arg{index}", "<u8", 16) for index in range(6)] if is_entry else result
    name = f"{prefix}{nr}" if nr >= 0 else f"{prefix}unknown"
    return EventClass(number, name, [Field("id", "<i8"), *rest], has_number=True)


def describe(
    identity: uuid.UUID, metadata: Metadata, offset_ns: int, classes: Iterable[EventClass]
) -> str:
    """The metadata. ``offset_ns`` is from the session's clock to that of the day."""
    host = metadata.host
    seconds, rest_ns = divmod(offset_ns, _NS_PER_S)
    version = [*metadata.module.version.split("."), "0", "0"]
    env: dict[str, str | int] = {
        "hostname": host.name,
        "domain": "kernel",
        "sysname": "Linux",
        "kernel_release": host.release,
        "tracer_name": "tracectl",
        "tracer_major": int(version[0]) if version[0].isdigit() else 0,
        "tracer_minor": int(version[1]) if version[1].isdigit() else 0,
    }
    variables = "".join(f"\t{name} = {_literal(value)};\n" for name, value in env.items())
    clock = (
        f'clock {{\n\tname = "session";\n\tuuid = "{identity}";\n\tfreq = {_NS_PER_S};\n'
        f"\toffset_s = {seconds};\n\toffset = {rest_ns};\n}};\n"
    )
    text = _FRAME.replace("UUID", str(identity))
    head, types = text.split("CLOCK\n")
    return (
        head
        + f"env {{\n{variables}}};\n"
        + clock
        + types
        + "".join(one.describe() for one in classes)
    )


def _field_of(argument: Argument) -> Field:
    sign = "i" if argument.is_signed else "u"
    return Field(argument.name, f"<{sign}{argument.bits // 8}", 16 if argument.is_pointer else 10)


def _literal(value: str | int) -> str:
    return str(value) if isinstance(value, int) else json.dumps(value, ensure_ascii=False)


_FRAME = """\
/* CTF 1.8 */
typealias integer { size = 8; align = 8; signed = false; } := uint8_t;
typealias integer { size = 32; align = 8; signed = false; } := uint32_t;
typealias integer { size = 32; align = 8; signed = true; } := int32_t;
typealias integer { size = 64; align = 8; signed = false; } := uint64_t;
trace {
	major = 1;
	minor = 8;
	uuid = "UUID";
	byte_order = le;
	packet.header := struct {
		uint32_t magic;
		uint8_t uuid[16];
		uint32_t stream_id;
	};
};
CLOCK
typealias integer {
	size = 64; align = 8; signed = false; map = clock.session.value;
} := session_ns_t;
stream {
	id = 0;
	packet.context := struct {
		session_ns_t timestamp_begin;
		session_ns_t timestamp_end;
		uint64_t content_size;
		uint64_t packet_size;
		uint64_t events_discarded;
		uint32_t cpu_id;
	};
	event.header := struct {
		session_ns_t timestamp;
		uint32_t id;
	};
	event.context := struct {
		int32_t _tid;
		int32_t _pid;
	};
};
"""
