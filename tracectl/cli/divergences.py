"""The section of ``report`` about paths that changed under a call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tracectl.render.strings import format_string
from tracectl.render.table import format_table
from tracectl.tables.table import SyscallTable

if TYPE_CHECKING:
    from tracectl.analysis.toctou import Divergence


def divergences_json(
    divergences: Sequence[Divergence], tables: Sequence[SyscallTable]
) -> list[dict[str, Any]]:
    return [
        {
            "name": tables[min(one.abi, 2)].name(one.nr),
            "pid": one.tgid,
            "entered": one.entered.decode(errors="backslashreplace"),
            "used": one.used.decode(errors="backslashreplace"),
            "calls": one.count,
        }
        for one in divergences
    ]


def divergences_section(divergences: Sequence[Divergence], tables: Sequence[SyscallTable]) -> str:
    """A table with its title; nothing where there are none."""
    cells = [
        (
            tables[min(one.abi, 2)].name(one.nr),
            f"{one.count:,}",
            str(one.tgid),
            format_string(one.entered),
            format_string(one.used),
        )
        for one in divergences
    ]
    if not cells:
        return ""
    header = ("syscall", "calls", "pid", "path at the entry", "path that was used")
    return (
        "\n\nPaths that changed while a call was under way (TOCTOU)\n\n"
        f"{format_table(header, cells)}"
    )
