"""The rarer views of a capture as columns: its tasks, and what was generated and lost."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from tracectl.abi.records import EXIT_KINDS, FRAMING_KINDS, OTHER_SLOT, SHAPES, Kind
from tracectl.abi.totals import CpuTotals, SyscallTotals
from tracectl.analysis.containers import container_of
from tracectl.analysis.tasks import FOREVER_NS, Life
from tracectl.export.columns import (
    Column,
    Columns,
    Source,
    constant,
    numbers_of,
    table_of,
    time_of,
    words_of,
)
from tracectl.tables.table import abi_name

TASK_COLUMNS = {
    "file": "the capture",
    "host": "where it was made",
    "pid": "process (thread group) id",
    "tid": "thread id",
    "ppid": "process id of the parent; none where it is not known",
    "comm": "name of the thread",
    "path": "path of the image; none of a kernel thread",
    "uid": "user id, the real one; none where it is not known",
    "cgroup": "path of the cgroup, from the root of v2 on",
    "container": "the container of that cgroup: the first 12 digits of an id, or a machine's name",
    "inner_tid": "thread id in its own pid namespace; none where that is the recorder's",
    "cause": "what began this row: fork, exec, rename, setuid or attach; none where it was found",
    "started": "time of day of that; none where tracing found it alive",
    "start_ns": "the same, ns on the session's clock",
    "ended": "time of day of its next row or its end; none where it outlived the capture",
    "end_ns": "the same, ns on the session's clock",
    "exit_code": "what it exited with; none where it did not",
    "signal": "the signal that ended it, 0 for none",
}
LOSS_COLUMNS = {
    "file": "the capture",
    "host": "where it was made",
    "cpu": "whose counters these are",
    "kind": "as in events",
    "syscall": "of entry and exit: name of the system call, or other",
    "abi": "of entry and exit: x86_64, i386 or x32; aarch64 or arm",
    "generated": "events that happened",
    "lost": "those that found no room; the rest was recorded",
}

_ONE_KIND = set(Kind) - FRAMING_KINDS - EXIT_KINDS - {Kind.ENTRY}


def task_columns(source: Source) -> Columns:
    """A row a life: another name, user or cgroup ends one and begins the next."""
    lives = source.lives
    started = np.array([life.start_ns for life in lives], np.uint64)
    ended = np.array([life.end_ns for life in lives], np.uint64)
    codes = [life.exit_code for life in lives]
    has_exited = np.array([code is not None for code in codes], np.bool_)
    status = np.array([code or 0 for code in codes], np.int32)
    is_open = ended == FOREVER_NS
    # Not into the times of day, which end before it does.
    ended[is_open] = 0
    ppid = np.array([life.ppid for life in lives], np.int32)
    return {
        "file": constant(source.file, len(lives)),
        "host": constant(source.host, len(lives)),
        "pid": Column(np.array([life.tgid for life in lives], np.int32)),
        "tid": Column(np.array([life.tid for life in lives], np.int32)),
        "ppid": Column(ppid, ppid != 0),
        "comm": words_of([life.comm for life in lives]),
        "path": words_of([life.path or None for life in lives]),
        "uid": numbers_of([life.uid for life in lives]),
        "cgroup": words_of([life.cgroup or None for life in lives]),
        "container": words_of([container_of(life.cgroup) or None for life in lives]),
        "inner_tid": numbers_of([_inner_tid_of(life) for life in lives]),
        "cause": words_of(
            [None if life.cause is None else life.cause.name.lower() for life in lives]
        ),
        "started": Column(time_of(source, started).values, started != 0),
        "start_ns": Column(started.astype(np.int64), started != 0),
        "ended": Column(time_of(source, ended).values, ~is_open),
        "end_ns": Column(ended.astype(np.int64), ~is_open),
        "exit_code": Column(status >> 8, has_exited),
        "signal": Column(status & 0x7F, has_exited),
    }


def loss_columns(source: Source, totals: Iterable[CpuTotals]) -> Columns:
    """A row a CPU and kind of event, and of entries and exits a system call."""
    rows: list[tuple[Any, ...]] = []
    for cpu in totals:
        rows += [
            (cpu.cpu, kind.name.lower(), None, None, cpu.generated[kind], cpu.lost[kind])
            for kind in sorted(_ONE_KIND)
            if cpu.generated[kind]
        ]
        for slot, counts in sorted(cpu.syscalls.items()):
            rows += _call_rows(source, cpu.cpu, slot, counts)
    cpus, kinds, calls, abis, generated, lost = zip(*rows, strict=True) if rows else ((),) * 6
    return {
        "file": constant(source.file, len(rows)),
        "host": constant(source.host, len(rows)),
        "cpu": Column(np.array(cpus, np.int32)),
        "kind": words_of(kinds),
        "syscall": words_of(calls),
        "abi": words_of(abis),
        "generated": Column(np.array(generated, np.int64)),
        "lost": Column(np.array(lost, np.int64)),
    }


def _call_rows(source: Source, cpu: int, slot: int, counts: SyscallTotals) -> list[tuple[Any, ...]]:
    abi, nr = divmod(slot, SHAPES)
    name = "other" if slot == OTHER_SLOT else table_of(source, abi).name(nr)
    abi_text = None if slot == OTHER_SLOT else abi_name(source.tables, abi)
    return [
        (cpu, "entry", name, abi_text, counts.entries, counts.entries_lost),
        (cpu, "exit", name, abi_text, counts.exits, counts.exits_lost),
    ]


def _inner_tid_of(life: Life) -> int | None:
    return life.inner_tid if life.inner_tid not in (0, life.tid) else None
