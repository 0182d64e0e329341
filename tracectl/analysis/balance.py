"""The proof that a capture is whole: recorded + lost = generated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from tracectl.abi.records import (
    EXIT_KINDS,
    FRAMING_KINDS,
    NEAR_KINDS,
    NR_ESCAPE,
    OTHER_SLOT,
    SHAPES,
    Kind,
)
from tracectl.capture.metadata import CpuTotals
from tracectl.decode.subbuffer import Records


@dataclass(frozen=True, slots=True)
class Span:
    """A sub-buffer: its events, and those generated and lost on its CPU before them."""

    seq: int
    generated: int
    lost: int
    recorded: int


@dataclass(slots=True)
class CpuBalance:
    """What the file holds of one CPU: records by kind; entries and exits, and calls told
    as a whole, by slot."""

    cpu: int
    kinds: np.ndarray = field(default_factory=lambda: np.zeros(256, np.int64))
    entries: np.ndarray = field(default_factory=lambda: np.zeros(OTHER_SLOT + 1, np.int64))
    exits: np.ndarray = field(default_factory=lambda: np.zeros(OTHER_SLOT + 1, np.int64))
    whole: np.ndarray = field(default_factory=lambda: np.zeros(OTHER_SLOT + 1, np.int64))
    seqs: list[int] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    last_ns: int = 0
    disorder: int = 0

    def add(self, records: Records) -> None:
        self.kinds += np.bincount(records.kind, minlength=256)
        slots = slots_of(records)
        self.entries += np.bincount(slots[records.kind == Kind.ENTRY], minlength=OTHER_SLOT + 1)
        self.whole += np.bincount(slots[records.whole], minlength=OTHER_SLOT + 1)
        near = records.rows(*NEAR_KINDS)
        ended = np.concatenate((records.rows(Kind.EXIT), records.near_entries(near)))
        self.exits += np.bincount(slots[ended], minlength=OTHER_SLOT + 1)
        self.disorder += records.first_ns < self.last_ns
        self.seqs.append(records.seq)
        framing = len(records.rows(*FRAMING_KINDS))
        self.spans.append(
            Span(records.seq, records.generated, sum(records.lost), len(records) - framing)
        )
        self.last_ns = records.last_ns


def slots_of(records: Records) -> np.ndarray:
    """The counter slot of each record, of its id read as a system call's."""
    number = (records.id & NR_ESCAPE).astype(np.int64)
    slots = (records.id >> 14).astype(np.int64) * SHAPES + number
    slots[(number >= SHAPES) | (slots >= OTHER_SLOT)] = OTHER_SLOT
    return slots


def count_records(all_records: Iterable[Records]) -> dict[int, CpuBalance]:
    """What the file holds, by CPU."""
    cpus: dict[int, CpuBalance] = {}
    for records in all_records:
        cpus.setdefault(records.cpu, CpuBalance(records.cpu)).add(records)
    return cpus


def find_faults(cpus: dict[int, CpuBalance], totals: Iterable[CpuTotals]) -> list[str]:
    """Sentences about everything that does not add up; none for a whole capture."""
    faults: list[str] = []
    known = {total.cpu: total for total in totals}
    for cpu in sorted(cpus.keys() - known.keys()):
        faults.append(f"CPU {cpu}: in the file, but not in the totals of its end block")
    for total in known.values():
        counted = cpus.get(total.cpu, CpuBalance(total.cpu))
        faults += _sequence_faults(counted, total)
        faults += _kind_faults(counted, total)
        faults += _syscall_faults(counted, total)
        if counted.disorder:
            faults.append(f"CPU {total.cpu}: {counted.disorder} sub-buffers begin before the last")
    return faults + _withheld_faults(cpus, list(known.values()))


def find_flight_faults(cpus: dict[int, CpuBalance]) -> list[str]:
    """The same for what a flight recorder held: the oldest sub-buffers are gone, so it is from one
    sub-buffer to the next that recorded + lost = generated."""
    faults: list[str] = []
    for cpu, counted in sorted(cpus.items()):
        for span, after in pairwise(counted.spans):
            # A gap: those in between were overwritten while the others were read.
            if after.seq != span.seq + 1:
                faults.append(
                    f"CPU {cpu}: sub-buffers {span.seq + 1} to {after.seq - 1} were overwritten "
                    "while the snapshot was taken"
                )
            elif span.recorded + after.lost - span.lost != after.generated - span.generated:
                faults.append(
                    f"CPU {cpu}: sub-buffer {span.seq}: {span.recorded} recorded + "
                    f"{after.lost - span.lost} lost != {after.generated - span.generated} generated"
                )
        if counted.disorder:
            faults.append(f"CPU {cpu}: {counted.disorder} sub-buffers begin before the last")
    return faults


def _sequence_faults(counted: CpuBalance, total: CpuTotals) -> list[str]:
    expected = Counter(range(total.subbufs))
    found = Counter(counted.seqs)
    faults = []
    for name, difference in (("missing", expected - found), ("too many", found - expected)):
        seqs = sorted(difference)
        if seqs:
            shown = ", ".join(map(str, seqs[:5])) + (", …" if len(seqs) > 5 else "")
            faults.append(
                f"CPU {total.cpu}: {len(seqs)} of {total.subbufs} sub-buffers {name} ({shown})"
            )
    return faults


def _kind_faults(counted: CpuBalance, total: CpuTotals) -> list[str]:
    faults = []
    for kind in Kind:
        if kind in FRAMING_KINDS | NEAR_KINDS:
            continue
        same = EXIT_KINDS if kind == Kind.EXIT else {kind}
        recorded = int(counted.kinds[list(same)].sum())
        if recorded + total.lost[kind] != total.generated[kind]:
            faults.append(
                f"CPU {total.cpu}: {kind.name}: {recorded} recorded + {total.lost[kind]} lost "
                f"!= {total.generated[kind]} generated"
            )
    return faults


def _syscall_faults(counted: CpuBalance, total: CpuTotals) -> list[str]:
    faults = []
    for slot, counts in total.syscalls.items():
        entries = int(counted.entries[slot]) + counts.entries_lost
        exits = int(counted.exits[slot]) + counts.exits_lost
        if (entries, exits) != (counts.entries, counts.exits):
            faults.append(f"CPU {total.cpu}: system call slot {slot} does not add up")
    return faults


def _withheld_faults(cpus: dict[int, CpuBalance], totals: list[CpuTotals]) -> list[str]:
    """Over all CPUs: a call may end on another than the one it began on."""
    faults = []
    recorded = sum((cpu.whole for cpu in cpus.values()), np.zeros(OTHER_SLOT + 1, np.int64))
    counted = np.zeros((3, OTHER_SLOT + 1), np.int64)
    for total in totals:
        for slot, counts in total.syscalls.items():
            counted[:, slot] += counts.withheld, counts.calls_lost, counts.rejected
    withheld, lost, rejected = counted
    for slot in np.flatnonzero(recorded + lost + rejected != withheld).tolist():
        faults.append(
            f"system call slot {slot}: {recorded[slot]} recorded + {lost[slot]} lost + "
            f"{rejected[slot]} filtered out != {withheld[slot]} withheld"
        )
    return faults
