"""Text tables: columns padded to their widest cell."""

from __future__ import annotations

from collections.abc import Sequence

_TIME_UNITS = ((1, "ns"), (1_000, "µs"), (1_000_000, "ms"), (1_000_000_000, "s"))
_SIZE_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def format_duration(ns: float) -> str:
    """A duration of ``ns`` nanoseconds with three significant digits and its unit."""
    for unit_ns, unit in _TIME_UNITS:
        if ns / unit_ns < 999.5 or unit == "s":
            break
    return f"{ns:.0f} ns" if unit == "ns" else f"{_three_digits(ns / unit_ns)} {unit}"


def format_size(size_bytes: float) -> str:
    """``size_bytes`` in the largest binary unit that leaves at least one."""
    for unit in _SIZE_UNITS:
        if size_bytes < 1023.5 or unit == _SIZE_UNITS[-1]:
            break
        size_bytes /= 1024
    return f"{size_bytes:.0f} {unit}" if unit == "B" else f"{_three_digits(size_bytes)} {unit}"


def format_table(header: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """The rows under their header; the first ``left`` columns left-aligned, the others right."""
    widths = widths_of([header, *rows])
    rule = ["-" * width for width in widths]
    return "\n".join(format_rows([header, rule, *rows], widths, left=left))


def widths_of(rows: Sequence[Sequence[str]], least: Sequence[int] = ()) -> list[int]:
    """Of each column; ``least`` are those of rows before."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return list(map(max, widths, least)) if least and widths else widths or list(least)


def format_rows(
    rows: Sequence[Sequence[str]], widths: Sequence[int], *, left: int = 1
) -> list[str]:
    """A line a row; the first ``left`` columns left-aligned, the others right."""
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if index < left else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def _three_digits(value: float) -> str:
    # What it is rounded to decides: 9.999 is 10.0.
    decimals = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:.{decimals}f}"
