"""What was read of user memory, on the argument that pointed to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from tracectl.abi.records import Form, UserFlag
from tracectl.decode.copies import Copy
from tracectl.render.addresses import format_address
from tracectl.render.answers import format_fds, is_answered
from tracectl.render.flags import signed
from tracectl.render.strings import format_string
from tracectl.render.structs import (
    format_address_of,
    format_struct,
    format_wait_status,
)
from tracectl.tables.commands import COMMAND, pointee_of_command
from tracectl.tables.pointees import Pointee, payload_of, pointee_of
from tracectl.tables.structs import Layout, layout_of
from tracectl.tables.table import Syscall

_PARTIAL = UserFlag.FAULTED | UserFlag.TRUNCATED
_STATUS = frozenset({"wait4", "waitpid"})
# A futex's utime is a number for all others: uapi/linux/futex.h.
_FUTEX_WAITS = frozenset({0, 6, 9, 11, 13})
_FUTEX_COMMAND = 0x7F
# include/uapi/linux/sched.h: CLONE_ARGS_SIZE_VER0 and _VER2.
_FIRST_CLONE_ARGS, _CLONE_ARGS = 64, 88


def texts_of_memory(
    call: Syscall, arguments: Sequence[int], copies: Iterable[Copy], name: str | None = None
) -> dict[int, str]:
    """In place of the addresses, by argument; what could not be read stays one.

    ``copies`` are of Kind.USER; ``name`` is the text of a message's address, where it is known.
    """
    texts = {}
    if is_answered(call):
        copies = (copy for copy in copies if not copy.flags & UserFlag.EXIT)
    for index, group in groupby(sorted(copies, key=_argument_of), _argument_of):
        if index < len(call.args) and _applies(call, arguments, index):
            text = _text_of(call, arguments, index, list(group), name)
            if text is not None:
                texts[index] = text
    return texts


def _argument_of(copy: Copy) -> int:
    return copy.argument


def _applies(call: Syscall, arguments: Sequence[int], index: int) -> bool:
    if call.name not in ("futex", "futex_time64") or call.args[index].name != "utime":
        return True
    return arguments[1] & _FUTEX_COMMAND in _FUTEX_WAITS


def _text_of(
    call: Syscall, arguments: Sequence[int], index: int, copies: list[Copy], name: str | None
) -> str | None:
    argument = call.args[index]
    by_form = {copy.form: copy for copy in copies}
    text = by_form.get(Form.PATH) or by_form.get(Form.ADDRESS)
    if text is not None:
        if text.flags & UserFlag.FAULTED:
            return None
        return (format_string if text.form == Form.PATH else format_address)(text.data)
    payload, pointee = payload_of(call, argument), pointee_of(call, argument)
    if payload is not None and payload.type == "bytes":
        return _format_payload(by_form[Form.BYTES], is_text=call.name == "getcwd")
    plain = by_form.get(Form.BYTES)
    if plain is None and Form.COMMAND in by_form:
        plain = by_form[Form.COMMAND]
        pointee = pointee_of_command(call, arguments[COMMAND])
    if pointee is None or plain is None:
        return None
    layout = layout_of(pointee.type, call.abi)
    if pointee.type == "fd_set":
        return format_fds(plain.data, signed(arguments[0], 32))
    if pointee.type == "clone_args":
        plain = _as_long_as(arguments[index + 1], plain)
    if layout is None or len(plain.data) < layout.size:
        return None
    if pointee.type == "iovec":
        return _format_vector(layout, plain, by_form.get(Form.VECTOR))
    if pointee.type == "user_msghdr":
        return _format_message(call.abi, layout, plain, by_form, name)
    if pointee.is_in and pointee.is_out and not is_answered(call):
        return _format_change(layout, [copy for copy in copies if copy.form == Form.BYTES])
    if call.name in _STATUS and pointee.type == "int":
        return format_wait_status(int.from_bytes(plain.data[:4], "little"))
    return _format_plain(call.abi, pointee, layout, plain)


def _as_long_as(told: int, plain: Copy) -> Copy:
    """clone3 takes as much as its caller knows of it, but not less than at first there was."""
    data = plain.data[:told] if told >= _FIRST_CLONE_ARGS else b""
    return plain._replace(data=data.ljust(_CLONE_ARGS, b"\0") if data else data)


def _format_plain(abi: str, pointee: Pointee, layout: Layout, plain: Copy) -> str:
    texts = [
        format_struct(layout, plain.data, at, abi)
        for at in range(0, len(plain.data) - layout.size + 1, layout.size)
    ]
    is_one = pointee.count in ("1", "any")
    if plain.flags & _PARTIAL and not is_one:
        texts.append("...")
    is_bare = layout.fields[0].name in ("value", "sched_priority") and layout.name != "sigset_t"
    return texts[0] if is_one and not is_bare else f"[{', '.join(texts)}]"


def _format_change(layout: Layout, copies: Sequence[Copy]) -> str:
    """A number at the entry, and what became of it."""
    values = [layout.unpack(copy.data)["value"] for copy in copies if len(copy.data) >= layout.size]
    first, *rest = dict.fromkeys(values)
    return f"[{first} => {rest[0]}]" if rest else f"[{first}]"


def _format_payload(copy: Copy, *, is_text: bool = False) -> str | None:
    if copy.flags & UserFlag.FAULTED and not copy.data:
        return None
    data = copy.data.split(b"\0")[0] if is_text else copy.data
    return format_string(data) + ("..." if copy.flags & _PARTIAL else "")


def _format_vector(layout: Layout, plain: Copy, contents: Copy | None) -> str:
    texts = []
    used = 0
    for at in range(0, len(plain.data) - layout.size + 1, layout.size):
        values = layout.unpack(plain.data, at)
        base, length = values["iov_base"], values["iov_len"]
        text = format_address_of(base)
        if contents is not None:
            there = min(length, contents.given - used)
            part = contents.data[used : used + there]
            if part or not there:
                text = format_string(part) + ("..." if len(part) < there else "")
            used += there
        texts.append(f"{{iov_base={text}, iov_len={length}}}")
    return f"[{', '.join(texts)}]"


def _format_message(
    abi: str, layout: Layout, plain: Copy, by_form: dict[int, Copy], name: str | None
) -> str:
    values = layout.unpack(plain.data)
    vector, inner = by_form.get(Form.MESSAGE_VECTOR), layout_of("iovec", abi)
    if vector is not None and inner is not None and len(vector.data) >= inner.size:
        iov = _format_vector(inner, vector, by_form.get(Form.MESSAGE))
    else:
        iov = format_address_of(values["msg_iov"])
    control = f", msg_control={values['msg_control']:#x}" if values["msg_control"] else ""
    return (
        f"{{msg_name={name or format_address_of(values['msg_name'])}, "
        f"msg_namelen={values['msg_namelen']}, msg_iov={iov}, msg_iovlen={values['msg_iovlen']}"
        f"{control}, msg_controllen={values['msg_controllen']}, "
        f"msg_flags={values['msg_flags']:#x}}}".replace("msg_flags=0x0}", "msg_flags=0}")
    )
