"""System calls by number: names and arguments."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tracectl.errors import UnsupportedError

MACHINES = {"x86_64": ("x86_64", "i386"), "aarch64": ("aarch64", "arm")}
"""The tables of a machine, as uname names it: of its own ABI and of the 32-bit one. x32, the third
of enum tracectl_abi, has the numbers of x86_64."""


@dataclass(frozen=True, slots=True)
class Argument:
    """``bits`` is the width the kernel uses, 32 or 64; in a 32-bit ABI it is always 32."""

    name: str
    ctype: str
    bits: int
    is_signed: bool

    @property
    def is_pointer(self) -> bool:
        return self.ctype.endswith("*")


@dataclass(frozen=True, slots=True)
class Syscall:
    """``abi`` is that of its table."""

    abi: str
    nr: int
    name: str
    args: tuple[Argument, ...]

    def __hash__(self) -> int:
        # Caches are asked for it with every call that is printed; the arguments tell little more.
        return hash((self.nr, self.name))


class SyscallTable:
    """The system calls of one ABI. ``kernel`` is the release whose headers it was made from."""

    def __init__(self, abi: str, kernel: str, rows: dict[str, list[str]]) -> None:
        self.abi = abi
        self.kernel = kernel
        self._rows = rows
        self._calls = {int(nr): _parse(abi, int(nr), row) for nr, row in rows.items()}

    def __iter__(self) -> Iterator[Syscall]:
        return iter(self._calls.values())

    def get(self, nr: int) -> Syscall | None:
        return self._calls.get(nr)

    def name(self, nr: int) -> str:
        """Its name, or ``syscall_N`` for a number that the table does not have."""
        call = self._calls.get(nr)
        return call.name if call else f"syscall_{nr}"

    def by_name(self, name: str) -> Syscall | None:
        return next((call for call in self if call.name == name), None)

    def to_json(self) -> dict[str, Any]:
        return {"kernel": self.kernel, "calls": self._rows}

    @classmethod
    def from_json(cls, abi: str, tree: dict[str, Any]) -> SyscallTable:
        """KeyError, TypeError or ValueError for what to_json() did not make."""
        rows = dict(tree["calls"])
        for row in rows.values():
            if not isinstance(row, list) or not all(isinstance(text, str) for text in row):
                raise TypeError(f"{row!r} is no row of a table")
        table = cls(abi, str(tree["kernel"]), rows)
        for call in table:
            _check(call)
        return table


def abi_name(tables: Sequence[SyscallTable], abi: int) -> str:
    """The name of ``abi``, of enum tracectl_abi; ``tables`` are a machine's, by ABI."""
    return "x32" if abi >= len(MACHINES["x86_64"]) else tables[abi].abi


@cache
def load_table(abi: str) -> SyscallTable:
    """The table that came with this tracectl, by its name in MACHINES."""
    tree = json.loads(Path(__file__).with_name("syscalls.json").read_bytes())
    return SyscallTable(abi, tree["kernel"], tree[abi])


def load_tables(machine: str = platform.machine()) -> dict[str, SyscallTable]:
    """The tables of ``machine``, by default this one, by name and in the order of the ABIs.
    UnsupportedError where there are none."""
    if machine not in MACHINES:
        raise UnsupportedError(
            f"tracectl knows the system calls of {' and '.join(MACHINES)}, not of {machine}"
        )
    return {abi: load_table(abi) for abi in MACHINES[machine]}


def _parse(abi: str, nr: int, row: list[str]) -> Syscall:
    name, *arguments = row
    return Syscall(abi, nr, name, tuple(_parse_argument(text) for text in arguments))


def _check(call: Syscall) -> None:
    """ValueError for names that a terminal, SQL or CTF would take for something else."""
    for name in (call.name, *(argument.name for argument in call.args)):
        if not (name.isascii() and name.isidentifier()):
            raise ValueError(f"{name!r} is no name")
    for argument in call.args:
        if not (argument.ctype.isascii() and argument.ctype.isprintable()):
            raise ValueError(f"{argument.ctype!r} is no type")


def _parse_argument(text: str) -> Argument:
    name, ctype, bits, sign = text.split(":")
    return Argument(name, ctype, int(bits), sign == "s")
