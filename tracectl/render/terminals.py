"""The settings of a terminal, as strace writes them."""

from __future__ import annotations

from typing import Any

from tracectl.render.flags import format_flags
from tracectl.tables.roles import load_constants

# include/uapi/asm-generic/termbits.h: of c_oflag how long what takes, in strace's order; of c_cflag
# the speed, and the size of a character.
_DELAYS = {"NL": 0x0100, "CR": 0x0600, "TAB": 0x1800, "BS": 0x2000, "VT": 0x4000, "FF": 0x8000}
_SPEED, _SIZE = 0x100F, 0x0030


def format_terminal(values: dict[str, Any], abi: str) -> str:
    """A struct termios, as much of it as strace shows."""
    names = load_constants(abi)
    output, control = values["c_oflag"], values["c_cflag"]
    delays = [
        next(
            name
            for name, value in names["terminal_delay"].items()
            if name.rstrip("0123") == kind and value == output & mask
        )
        for kind, mask in _DELAYS.items()
    ]
    parts = {
        "c_iflag": format_flags(values["c_iflag"], names["terminal_input"], "0"),
        "c_oflag": _join(delays, output & ~sum(_DELAYS.values()), names["terminal_output"]),
        "c_cflag": _join(
            [
                _name_of(control & _SPEED, names["terminal_speed"]),
                _name_of(control & _SIZE, names["terminal_size"]),
            ],
            control & ~(_SPEED | _SIZE),
            names["terminal_control"],
        ),
        "c_lflag": format_flags(values["c_lflag"], names["terminal_local"], "0"),
    }
    return "{" + ", ".join([*(f"{name}={text}" for name, text in parts.items()), "..."]) + "}"


def _name_of(value: int, names: dict[str, int]) -> str:
    return next((name for name, one in names.items() if one == value), f"{value:#x}")


def _join(first: list[str], rest: int, names: dict[str, int]) -> str:
    return "|".join([*first, *([format_flags(rest, names, "0")] if rest else [])])
