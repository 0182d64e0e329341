"""The section of ``report`` about paths and addresses that changed under a call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tracectl.render.copies import format_diverged, format_entered
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
            "entered": format_diverged(tables[min(one.abi, 2)].get(one.nr), one.entered),
            "used": format_diverged(tables[min(one.abi, 2)].get(one.nr), one.used),
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
            format_entered(tables[min(one.abi, 2)].get(one.nr), one.entered),
            format_entered(tables[min(one.abi, 2)].get(one.nr), one.used),
        )
        for one in divergences
    ]
    if not cells:
        return ""
    header = ("syscall", "calls", "pid", "at the entry", "what was used")
    return f"\n\nWhat changed while a call was under way (TOCTOU)\n\n{format_table(header, cells)}"
