"""What the module reads of user memory, call by call."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tracectl.abi.control import (
    COMMANDS,
    COUNT_ONE,
    COUNT_RESULT,
    READ_BOTH,
    READS,
    USER_BYTES,
    Command,
    Read,
)
from tracectl.abi.records import ABIS, SHAPES, Abi, Form, UserFlag
from tracectl.tables.addresses import address_of
from tracectl.tables.commands import COMMAND, POINTER, commands_of
from tracectl.tables.pointees import Pointee, is_text, payload_of, pointee_of
from tracectl.tables.roles import role_of
from tracectl.tables.structs import layout_of
from tracectl.tables.table import Syscall, SyscallTable

_NOTHING = bytes(Read.sizeof() * READS)
_ELEMENTS = 32
"""As many of an array as strace shows."""
_ADDRESS_BYTES = 128
"""No address of a socket is longer: TRACECTL_ADDRESS_BYTES."""
_LISTS = {"iovec": Form.VECTOR, "user_msghdr": Form.MESSAGE}


@dataclass(frozen=True, slots=True)
class Wanted:
    """``paths``: what paths and addresses of sockets are at the entry of a call; ``structs``: what
    is in structures that arguments point to; ``payload``: the first bytes of what is read and
    written, so many; ``texts``: with structures, also the paths that readlink and getcwd answer.
    """

    paths: bool = False
    structs: bool = False
    payload: int = 0
    texts: bool = True

    def __bool__(self) -> bool:
        return self.paths or self.structs or self.payload > 0


@dataclass(frozen=True, slots=True)
class Reads:
    """``calls`` is a tracectl_read[TRACECTL_ABIS][TRACECTL_SHAPES][TRACECTL_READS], ``commands`` a
    tracectl_command[TRACECTL_COMMANDS]."""

    calls: bytes
    commands: bytes


def pack_reads(tables: dict[str, SyscallTable], wanted: Wanted) -> Reads:
    """``tables`` are a machine's, by ABI; x32 has the numbers of the first."""
    own = list(tables.values())
    calls = [_NOTHING] * (ABIS * SHAPES)
    commands: list[bytes] = []
    for abi, table in enumerate((*own, own[0])):
        # Its structures are partly those of one, partly those of the other.
        known = replace(wanted, structs=False) if abi == Abi.X32 else wanted
        for call in table:
            if call.nr < SHAPES:
                slot = abi * SHAPES + call.nr
                reads = b"".join(_iter_reads(call, known))
                assert len(reads) <= len(_NOTHING), call.name
                calls[slot] = reads.ljust(len(_NOTHING), bytes(1))
                if known.structs:
                    commands += _iter_commands(call, slot)
    assert len(commands) <= COMMANDS
    return Reads(b"".join(calls), b"".join(commands).ljust(COMMANDS * Command.sizeof(), bytes(1)))


def _iter_commands(call: Syscall, slot: int) -> Iterator[bytes]:
    for value, pointee in commands_of(call).items():
        layout = layout_of(pointee.type, call.abi)
        assert layout is not None, pointee.type
        yield Command.build(
            {"value": value, "slot": slot, "bytes": layout.size, "flags": _when(pointee)}
        )


def _iter_reads(call: Syscall, wanted: Wanted) -> Iterator[bytes]:
    address = address_of(call)
    if wanted.structs and commands_of(call):
        yield _pack(Form.COMMAND, POINTER, COMMAND, READ_BOTH)
    if wanted.paths and address is not None and address.length is not None:
        yield _pack(Form.ADDRESS, address.argument, address.length, most=_ADDRESS_BYTES)
    for index, argument in enumerate(call.args):
        if wanted.paths and role_of(call, argument) == "path":
            yield _pack(Form.PATH, index)
        structs, payload = pointee_of(call, argument), payload_of(call, argument)
        is_list = structs is not None and structs.type in _LISTS
        if structs is not None and (wanted.structs or (is_list and wanted.payload)):
            yield from _reads_of_structs(call, index, structs)
        if payload is None:
            continue
        if payload.type not in _LISTS:
            most = (
                USER_BYTES if wanted.structs and wanted.texts and is_text(call) else wanted.payload
            )
            if most:
                yield _pack(Form.BYTES, index, _count_of(call, payload), _when(payload), most=most)
        elif wanted.payload:
            form = _LISTS[payload.type]
            count = _count_of(call, payload) if form == Form.VECTOR else COUNT_ONE
            yield _pack(form, index, count, _when(payload), most=wanted.payload)


def _reads_of_structs(call: Syscall, index: int, pointee: Pointee) -> Iterator[bytes]:
    layout = layout_of(pointee.type, call.abi)
    assert layout is not None, pointee.type
    size, count = layout.size, _count_of(call, pointee)
    if pointee.count.isdigit():
        size *= int(pointee.count)
    most = size if count == COUNT_ONE or pointee.count == "any" else size * _ELEMENTS
    flags = READ_BOTH if pointee.is_in and pointee.is_out else _when(pointee)
    yield _pack(Form.BYTES, index, count, flags, size=size, most=most)
    if pointee.type == "user_msghdr":
        yield _pack(Form.MESSAGE_VECTOR, index, COUNT_ONE, _when(pointee))


def _when(pointee: Pointee) -> int:
    return UserFlag.EXIT if pointee.is_out else 0


def _count_of(call: Syscall, pointee: Pointee) -> int:
    if pointee.count.isdigit():
        return COUNT_ONE
    if pointee.count in ("result", "any"):
        return COUNT_RESULT
    return [argument.name for argument in call.args].index(pointee.count)


def _pack(
    form: Form,
    argument: int,
    count: int = COUNT_ONE,
    flags: int = 0,
    *,
    size: int = 1,
    most: int = USER_BYTES,
) -> bytes:
    fields = {
        "form": form, "argument": argument, "count": count, "flags": flags, "bytes": size,
        "most": min(most, USER_BYTES),
    }  # fmt: skip
    packed: bytes = Read.build(fields)
    return packed
