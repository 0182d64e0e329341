"""From measured rows to the figures of the table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from bench.kernel.guest import Measured


def figures(rows: Sequence[Measured]) -> dict[str, Any]:
    """The figures of one boot, whose first row is the base line.

    ``added_instructions`` are those of the thread that makes the calls, by kind of work and row;
    ``added_with_consumer`` all that the one CPU executed meanwhile, a call of the mix.
    """
    base, *others = rows
    found: dict[str, Any] = {
        "added_instructions": {kind: {} for kind in base.work.cpu_ns},
        "added_with_consumer": {},
        "bytes_per_event": {},
        "lost": {},
        "recorded": {},
    }
    for row in others:
        for kind in base.work.cpu_ns:
            found["added_instructions"][kind][row.row.name] = _added(base, row, kind)
        _add_mix(found, base, row)
    return found


def merge(all_: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The figures of several boots in one."""
    merged: dict[str, Any] = {}
    for one in all_:
        for name, value in one.items():
            if isinstance(value, dict):
                merged[name] = merge([merged.get(name, {}), value])
            else:
                merged[name] = value
    return merged


def _added(base: Measured, row: Measured, kind: str) -> int:
    if row.row.is_waited_for:
        return round(row.work.wall_ns[kind] - base.work.wall_ns[kind])
    return round(row.work.cpu_ns[kind] - base.work.cpu_ns[kind])


def _add_mix(found: dict[str, Any], base: Measured, row: Measured) -> None:
    if row.mix is None or base.mix is None:
        return
    name, recorded = row.row.name, row.mix_recorded
    with_consumer = row.mix.wall_ns["mix"] - base.mix.wall_ns["mix"]
    found["added_with_consumer"][name] = round(with_consumer)
    if recorded is None:
        return
    found["lost"][name] = recorded.lost
    found["recorded"][name] = recorded.events
    sizes = {name: recorded.file_bytes, f"{name}_plain": recorded.plain_bytes}
    for key, size_bytes in sizes.items():
        if size_bytes is not None:
            found["bytes_per_event"][key] = round(size_bytes / recorded.events, 2)
