"""Sets of system calls as the command line names them."""

from __future__ import annotations

from collections.abc import Sequence

from tracectl.abi.records import SHAPES
from tracectl.errors import UsageError
from tracectl.tables.classes import CLASSES, numbers_in
from tracectl.tables.table import SyscallTable, abi_name


def slots_in(expression: str, tables: Sequence[SyscallTable]) -> frozenset[int]:
    """The slots (ABI * 512 + number) of the system calls that ``expression`` names, as "read,%file"
    or, all others, "!read". ``tables`` are by ABI. UsageError for a name that there is not."""
    names = expression.removeprefix("!").split(",")
    chosen: set[int] = set()
    for name in names:
        found = {
            abi * SHAPES + number
            for abi, table in enumerate(tables)
            for number in _numbers_of(name, table)
        }
        if not found:
            raise UsageError(f"no system call, and no class of them, is called {name!r}")
        chosen |= found
    if not expression.startswith("!"):
        return frozenset(chosen)
    return frozenset(range(len(tables) * SHAPES)) - chosen


def slot_name(slot: int, tables: Sequence[SyscallTable]) -> str:
    """The name of a system call by its slot, with its ABI where that is not the machine's own; the
    last slot of an ABI stands for all numbers above."""
    abi, number = divmod(slot, SHAPES)
    name = tables[abi].name(number) if number < SHAPES - 1 else "others"
    return name if abi == 0 else f"{abi_name(tables, abi)}:{name}"


def _numbers_of(name: str, table: SyscallTable) -> frozenset[int]:
    if name.removeprefix("%") in CLASSES and name.startswith("%"):
        return numbers_in(name[1:], table)
    call = table.by_name(name)
    return frozenset() if call is None else frozenset({call.nr})
