"""The requests of ioctl, by number and by name."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path


def request_name(number: int) -> str | None:
    """Its name; of several, since drivers choose the same numbers, all of them."""
    return _names().get(number)


def request_number(name: str) -> int:
    return _numbers()[name]


@cache
def _numbers() -> dict[str, int]:
    tree = json.loads(Path(__file__).with_name("ioctls.json").read_bytes())
    numbers: dict[str, int] = tree["ioctls"]
    return numbers


@cache
def _names() -> dict[int, str]:
    names: dict[int, str] = {}
    for name, number in _numbers().items():
        names[number] = f"{names[number]} or {name}" if number in names else name
    return names
