"""What the module reads of user memory, call by call."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tracectl.abi.control import COUNT_ONE, READS, USER_BYTES, Read
from tracectl.abi.records import ABIS, SHAPES, Form
from tracectl.tables.roles import role_of
from tracectl.tables.table import Syscall, SyscallTable

_NOTHING = bytes(Read.sizeof() * READS)


@dataclass(frozen=True, slots=True)
class Wanted:
    """``paths``: what path arguments pointed to at the entry of the call."""

    paths: bool = False

    def __bool__(self) -> bool:
        return self.paths


def pack_reads(tables: dict[str, SyscallTable], wanted: Wanted) -> bytes:
    """As tracectl_read[TRACECTL_ABIS][TRACECTL_SHAPES][TRACECTL_READS]. ``tables`` are a machine's,
    by ABI; x32 has the numbers of the first."""
    own = list(tables.values())
    packed = [_NOTHING] * (ABIS * SHAPES)
    for abi, table in enumerate((*own, own[0])):
        for call in table:
            if call.nr < SHAPES:
                reads = b"".join(_iter_reads(call, wanted))
                packed[abi * SHAPES + call.nr] = reads.ljust(len(_NOTHING), bytes(1))
    return b"".join(packed)


def _iter_reads(call: Syscall, wanted: Wanted) -> Iterator[bytes]:
    for index, argument in enumerate(call.args):
        if wanted.paths and role_of(call, argument) == "path":
            yield _pack(Form.PATH, index, most=USER_BYTES)


def _pack(
    form: Form,
    argument: int,
    *,
    count: int = COUNT_ONE,
    flags: int = 0,
    size: int = 1,
    most: int = USER_BYTES,
) -> bytes:
    fields = {
        "form": form, "argument": argument, "count": count, "flags": flags, "bytes": size,
        "most": min(most, USER_BYTES),
    }  # fmt: skip
    packed: bytes = Read.build(fields)
    return packed
