"""What the module is told of the system calls: without the same shapes its records cannot be
read."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from tracectl.abi.records import ABIS, SHAPES
from tracectl.tables.table import SyscallTable

UNKNOWN_SHAPE = (6, 0x3F)

Shapes = Sequence[Sequence[tuple[int, int]]]
"""By ABI and number, 3 by 512: how many arguments, and a mask of those that are 8 bytes wide."""

_FLIGHT = "flight recorder, tables "


def shapes_of(tables: dict[str, SyscallTable]) -> list[list[tuple[int, int]]]:
    """What the module needs to know of the tables, which are in the order of the ABIs: by ABI and
    number, how many arguments and a mask of the 8-byte ones. x32 and unknown numbers keep six whole
    registers."""
    shapes = [[UNKNOWN_SHAPE] * SHAPES for _ in range(ABIS)]
    for abi, table in enumerate(tables.values()):
        for syscall in table:
            if syscall.nr < SHAPES:
                wide = sum(1 << i for i, arg in enumerate(syscall.args) if arg.bits == 64)
                shapes[abi][syscall.nr] = (len(syscall.args), wide)
    return shapes


def pack_shapes(shapes: Shapes) -> bytes:
    """As tracectl_shape[TRACECTL_ABIS][TRACECTL_SHAPES]."""
    if len(shapes) != ABIS or any(len(abi) != SHAPES for abi in shapes):
        raise ValueError("shapes are 3 by 512")
    return bytes(value for abi in shapes for shape in abi for value in shape)


def flight_label(tables: dict[str, SyscallTable]) -> str:
    """The label of a flight recorder's session, which tells what shapes its records have."""
    return f"{_FLIGHT}{zlib.crc32(repr(shapes_of(tables)).encode()):08x}"
