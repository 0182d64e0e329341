"""Numbers as short text: counts with units, sparklines, bars."""

from __future__ import annotations

from collections.abc import Sequence

_BLOCKS = " ▁▂▃▄▅▆▇█"
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_UNITS = ((1_000_000_000_000, "T"), (1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k"))


def format_count(value: float) -> str:
    """Five characters at most: 999, 1.23k, 45.6M. 0.5 is 0.50: a rate may be below one."""
    for unit, name in _UNITS:
        if value >= unit * 0.9995:
            scaled = value / unit
            decimals = 2 if scaled < 9.995 else 1 if scaled < 99.95 else 0
            return f"{scaled:.{decimals}f}{name}"
    if 0 < value < 9.995 and value != int(value):
        return f"{value:.2f}"
    return f"{value:.0f}"


def sparkline(values: Sequence[float], width: int) -> str:
    """The last ``width`` of ``values``, the greatest of them as a full block; what is above zero is
    seen."""
    shown = list(values)[-width:] if width > 0 else []
    top = max(shown, default=0)
    if top <= 0:
        return " " * len(shown)
    return "".join(_BLOCKS[-int(-value * 8 // top)] if value > 0 else " " for value in shown)


def columns(values: Sequence[float], width: int, height: int) -> list[str]:
    """A chart of ``height`` lines, the newest value on the right."""
    shown = list(values)[-width:]
    shown = [0.0] * (width - len(shown)) + shown
    top = max(shown, default=0) or 1
    levels = [-int(-value * 8 * height // top) for value in shown]
    return [
        "".join(_BLOCKS[max(0, min(8, level - 8 * row))] for level in levels)
        for row in reversed(range(height))
    ]


def bar(part: float, width: int) -> str:
    """``part`` of 1 as a bar of ``width`` characters."""
    eighths = round(max(0.0, min(1.0, part)) * width * 8)
    full, rest = divmod(eighths, 8)
    text = "█" * full + (_EIGHTHS[rest] if rest else "")
    return text.ljust(width, "░")
