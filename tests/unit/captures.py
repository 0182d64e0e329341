"""Capture files for tests, of sub-buffers made by hand, with the counters the module would have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from subbuffers import SHAPES, SubBuffer
from tracectl.abi.records import KINDS, LOST_CAUSES, NEAR_KINDS, Kind
from tracectl.abi.totals import CpuTotals, SyscallTotals
from tracectl.analysis.balance import CpuBalance, count_of
from tracectl.capture.metadata import (
    Chosen,
    Config,
    EndBlock,
    Host,
    Metadata,
    Module,
    Moment,
    OpenFiles,
    Task,
)
from tracectl.capture.writer import CaptureWriter
from tracectl.tables.table import load_table

DAY_NS = 1_764_028_800_000_000_000
"""2025-11-25 00:00 UTC, which is 0 on the sessions' clock."""
_ALL = Chosen()


def write_capture(
    path: Path,
    subbuffers: Iterable[SubBuffer],
    *,
    tasks: Sequence[Task] = (),
    lost_calls: dict[int, int] | None = None,
    lost_kinds: dict[Kind, int] | None = None,
    filtered: dict[int, int] | None = None,
    counted: dict[int, SyscallTotals] | None = None,
    flags: int = 0,
    classes: int = 15,
    is_ended: bool = True,
    host: str = "host",
    machine: str = "x86_64",
    boot_id: str = "boot",
    opened: Sequence[OpenFiles] = (),
    cgroups: Mapping[int, str] | None = None,
    config: dict[str, Any] | None = None,
    chosen: Chosen = _ALL,
) -> Path:
    """``lost_calls`` are entries lost by number on CPU 0, ``lost_kinds`` other events, both after
    its last sub-buffer; ``filtered`` are halves of calls filtered out there, by number;
    ``counted`` is what the module counted there of a system call, in place of all this.
    ``chosen`` is the end block's."""
    tables = {name: load_table(name) for name in ("x86_64", "i386")}
    configured = replace(Config(classes, 1 << 14, 4, 0, flags=flags), **(config or {}))
    metadata = Metadata(
        session_id=1, host=Host(host, "6.1.0", machine, boot_id), module=Module("0.1.0", "A"),
        clocks=[Moment(0, 0, DAY_NS)], config=configured, cpus=4,
        tables={name: table.to_json() for name, table in tables.items()}, shapes=SHAPES,
        tasks=list(tasks), opened=list(opened), cgroups=dict(cgroups or {}),
    )  # fmt: skip
    balances: dict[int, CpuBalance] = {}
    with CaptureWriter(path, metadata) as writer:
        for subbuffer in subbuffers:
            data = subbuffer.build()
            writer.write_chunk(subbuffer.cpu, subbuffer.seq, data)
            balance = balances.setdefault(subbuffer.cpu, CpuBalance(subbuffer.cpu))
            balance.add(count_of(subbuffer.decode()))
        if is_ended:
            lost_kinds = (lost_kinds or {}) | {Kind.ENTRY: sum((lost_calls or {}).values())}
            totals = [
                totals_of(balance, lost_calls or {}, lost_kinds, filtered or {}, counted or {})
                if cpu == 0
                else totals_of(balance, {}, {}, {}, {})
                for cpu, balance in balances.items()
            ]
            writer.write_end(EndBlock("stopped", [], totals, chosen))
    return path


def totals_of(
    balance: CpuBalance,
    lost_calls: dict[int, int],
    lost_kinds: dict[Kind, int],
    filtered: dict[int, int],
    counted: dict[int, SyscallTotals],
) -> CpuTotals:
    kinds = balance.kinds[:KINDS].tolist()
    kinds[Kind.EXIT] += sum(kinds[kind] for kind in NEAR_KINDS)
    for kind in (*NEAR_KINDS, Kind.TASK, Kind.TIME):
        kinds[kind] = 0
    lost = [lost_kinds.get(kind, 0) for kind in range(KINDS)]
    slots = {*balance.entries.nonzero()[0].tolist(), *lost_calls, *filtered}
    syscalls = {
        slot: SyscallTotals(
            int(balance.entries[slot]) + lost_calls.get(slot, 0),
            int(balance.exits[slot]),
            lost_calls.get(slot, 0),
            0,
            filtered.get(slot, 0),
        )
        for slot in slots
    } | counted
    return CpuTotals(
        cpu=balance.cpu,
        generated=[count + gone for count, gone in zip(kinds, lost, strict=True)],
        lost=lost,
        lost_by_cause=[sum(lost), *[0] * (LOST_CAUSES - 1)],
        filtered=0,
        subbufs=len(balance.seqs),
        syscalls=syscalls,
    )
