"""Numbers for paths, so that a column can hold them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

UNKNOWN = 0
"""Descriptors that were open before, or inherited."""


class Paths:
    """Paths by number. A number that was given up is never given again."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}
        self._paths: dict[int, bytes] = {UNKNOWN: b"(descriptors opened before)"}
        self._next = UNKNOWN + 1

    def __len__(self) -> int:
        return len(self._paths)

    def numbers_of(self, paths: Sequence[bytes]) -> list[int]:
        """New ones get one."""
        numbers = self._numbers
        for path in dict.fromkeys(path for path in paths if path not in numbers):
            numbers[path] = self._next
            self._paths[self._next] = path
            self._next += 1
        return [numbers[path] for path in paths]

    def raw(self, number: int) -> bytes:
        """ "?" for one that was given up."""
        return self._paths.get(number, b"?")

    def text(self, number: int) -> str:
        return self.raw(number).decode(errors="backslashreplace")

    def keep(self, numbers: Iterable[int]) -> None:
        """Gives up all others."""
        kept = {UNKNOWN, *numbers}
        self._paths = {number: path for number, path in self._paths.items() if number in kept}
        self._numbers = {path: number for number, path in self._paths.items() if number != UNKNOWN}
