"""System calls by number: names and arguments."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

ABIS = ("x86_64", "i386", "x32")
"""Names of the ABIs in the order of enum tracectl_abi."""


@dataclass(frozen=True, slots=True)
class Argument:
    """``bits`` is the width the kernel uses, 32 or 64; in the i386 table it is always 32."""

    name: str
    ctype: str
    bits: int
    is_signed: bool

    @property
    def is_pointer(self) -> bool:
        return self.ctype.endswith("*")


@dataclass(frozen=True, slots=True)
class Syscall:
    nr: int
    name: str
    args: tuple[Argument, ...]


class SyscallTable:
    """The system calls of one ABI. ``kernel`` is the release whose headers it was made from."""

    def __init__(self, abi: str, kernel: str, rows: dict[str, list[str]]) -> None:
        self.abi = abi
        self.kernel = kernel
        self._rows = rows
        self._calls = {int(nr): _parse(int(nr), row) for nr, row in rows.items()}

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
        return cls(abi, str(tree["kernel"]), rows)


@cache
def load_table(abi: str) -> SyscallTable:
    """The table that came with this tracectl: "x86_64" or "i386"."""
    tree = json.loads(files("tracectl.tables").joinpath("syscalls.json").read_bytes())
    return SyscallTable(abi, tree["kernel"], tree[abi])


def _parse(nr: int, row: list[str]) -> Syscall:
    name, *arguments = row
    return Syscall(nr, name, tuple(_parse_argument(text) for text in arguments))


def _parse_argument(text: str) -> Argument:
    name, ctype, bits, sign = text.split(":")
    return Argument(name, ctype, int(bits), sign == "s")
