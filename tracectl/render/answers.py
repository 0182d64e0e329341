"""What poll and select found, after their result."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tracectl.abi.records import Form, Kind, UserFlag
from tracectl.decode.copies import Copy
from tracectl.render.flags import format_flags, signed
from tracectl.render.structs import format_struct
from tracectl.tables.pointees import pointee_of
from tracectl.tables.roles import load_constants
from tracectl.tables.structs import layout_of
from tracectl.tables.table import Syscall

_SETS = {"inp": "in", "outp": "out", "exp": "except"}
_POLLS = frozenset({"poll", "ppoll", "ppoll_time64"})
_ANSWERED = _POLLS | {"select", "pselect6"}


def is_answered(call: Syscall) -> bool:
    """Whether what it wrote is shown after its result and not in place of its arguments."""
    return call.name in _ANSWERED


def format_answer(
    call: Syscall, arguments: Sequence[int], result: int, copies: Iterable[Copy]
) -> str:
    """`` ([{fd=3, revents=POLLIN}], left {...})``; nothing where nothing was found."""
    found = {
        copy.argument: copy
        for copy in copies
        if copy.kind == Kind.USER and copy.form == Form.BYTES and copy.flags & UserFlag.EXIT
    }
    if result <= 0 or call.name not in _ANSWERED or not found:
        return ""
    texts, rest = [], result
    for index, argument in enumerate(call.args):
        if index not in found:
            continue
        data = found[index].data
        if argument.name == "ufds":
            texts.append(_format_polled(call, data))
        elif argument.name in _SETS:
            # The kernel leaves bits as they are that are beyond the table of the process.
            fds = (fds_in(data, signed(arguments[0], 32)) or [])[:rest]
            rest -= len(fds)
            texts += [f"{_SETS[argument.name]} {_join(fds)}"] if fds else []
        else:
            texts += _left(call, index, data)
    return f" ({', '.join(texts)})"


def format_fds(data: bytes, count: int) -> str | None:
    """The descriptors below ``count`` of an fd_set; None where not all of it is there."""
    fds = fds_in(data, count)
    return None if fds is None else _join(fds)


def fds_in(data: bytes, count: int) -> list[int] | None:
    if not 0 <= count <= len(data) * 8:
        return None
    bits = int.from_bytes(data, "little")
    return [fd for fd in range(count) if bits >> fd & 1]


def _join(fds: Sequence[int]) -> str:
    return f"[{' '.join(map(str, fds))}]"


def _format_polled(call: Syscall, data: bytes) -> str:
    layout = layout_of("pollfd", call.abi)
    assert layout is not None
    names = load_constants(call.abi)["poll_events"]
    texts = []
    for at in range(0, len(data) - layout.size + 1, layout.size):
        values = layout.unpack(data, at)
        events = values["revents"] & 0xFFFF
        if events:
            texts.append(f"{{fd={values['fd']}, revents={format_flags(events, names, '0')}}}")
    return f"[{', '.join(texts)}]"


def _left(call: Syscall, index: int, data: bytes) -> Sequence[str]:
    """The time that was left of the timeout."""
    pointee = pointee_of(call, call.args[index])
    layout = None if pointee is None else layout_of(pointee.type, call.abi)
    if layout is None or len(data) < layout.size:
        return ()
    return (f"left {format_struct(layout, data, 0, call.abi)}",)
