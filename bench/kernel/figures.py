"""From measured rows to the figures of the table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.kernel.guest import Measured
from bench.kernel.work import CALLS


def figures(rows: Sequence[Measured]) -> dict[str, Any]:
    """The figures of one boot, whose first row is the base line.

    ``added_instructions`` are those of the thread that makes the calls, by kind of work and row;
    ``added_with_consumer`` all that the one CPU executed meanwhile, a call of the mix.
    """
    base, *others = rows
    added = {
        kind: {row.row: round(row.work.cpu_ns[kind] - base.work.cpu_ns[kind]) for row in others}
        for kind in CALLS
    }
    bytes_per_event, lost, with_consumer = {}, {}, {}
    for row in others:
        if row.mix is None or base.mix is None:
            continue
        with_consumer[row.row] = round(row.mix.wall_ns["mix"] - base.mix.wall_ns["mix"])
        recorded = row.mix_recorded
        if recorded is not None:
            lost[row.row] = recorded.lost
            bytes_per_event[row.row] = round(recorded.file_bytes / recorded.events, 2)
            if recorded.plain_bytes is not None:
                plain = round(recorded.plain_bytes / recorded.events, 2)
                bytes_per_event[f"{row.row}_plain"] = plain
    return {
        "baseline_instructions": {kind: round(base.work.cpu_ns[kind]) for kind in CALLS},
        "added_instructions": added,
        "added_with_consumer": {"mix": with_consumer},
        "bytes_per_event": bytes_per_event,
        "lost": lost,
    }
