"""The requests of ioctl by number."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files


def request_name(number: int) -> str | None:
    """Its name; of several, since drivers choose the same numbers, all of them."""
    return _names().get(number)


@cache
def _names() -> dict[int, str]:
    tree = json.loads(files("tracectl.tables").joinpath("ioctls.json").read_bytes())
    names: dict[int, str] = {}
    for name, number in tree["ioctls"].items():
        names[number] = f"{names[number]} or {name}" if number in names else name
    return names
