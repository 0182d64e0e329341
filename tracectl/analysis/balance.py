"""The proof that a capture is whole: recorded + lost = generated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from tracectl.abi.records import (
    ABIS,
    EXIT_KINDS,
    FRAMING_KINDS,
    NEAR_KINDS,
    NR_BITS,
    NR_ESCAPE,
    OTHER_SLOT,
    SHAPES,
    Kind,
)
from tracectl.abi.totals import CpuTotals
from tracectl.decode.near import near_pairs
from tracectl.decode.subbuffer import Place, Records, Rows


@dataclass(frozen=True, slots=True)
class Span:
    """A sub-buffer: its events, and those generated and lost on its CPU before them."""

    seq: int
    generated: int
    lost: int
    recorded: int


_SLOTS = OTHER_SLOT + 1
# All numbers that a record's id can have.
_SLOT_OF_ID = np.arange(1 << 16) >> NR_BITS
_SLOT_OF_ID = np.where(
    ((np.arange(1 << 16) & NR_ESCAPE) < SHAPES) & (_SLOT_OF_ID < ABIS),
    _SLOT_OF_ID * SHAPES + (np.arange(1 << 16) & NR_ESCAPE),
    OTHER_SLOT,
).astype(np.int16)


@dataclass(frozen=True, slots=True)
class Count:
    """What one sub-buffer holds: records by kind; entries and exits, and calls told as a whole, by
    slot."""

    place: Place
    recorded: int
    kinds: np.ndarray
    entries: np.ndarray
    exits: np.ndarray
    whole: np.ndarray


def count_of(records: Records) -> Count:
    """DecodeError when exits do not belong to the entries that they say they do."""
    near, _ = near_pairs(records)
    kinds = records.kinds
    entries = _count_slots(records, records.rows(Kind.ENTRY))
    whole = _count_slots(records, records.whole)
    exits = _count_slots(records, near) + whole + _count_slots(records, records.rows(Kind.EXIT))
    framing = int(kinds[list(FRAMING_KINDS)].sum())
    recorded = len(records) - framing
    return Count(records.place, recorded, kinds, entries, exits, whole)


def _count_slots(records: Records, rows: Rows) -> np.ndarray:
    return np.bincount(_SLOT_OF_ID[records.id[rows]], minlength=_SLOTS)


@dataclass(slots=True)
class CpuBalance:
    """What the file holds of one CPU: records by kind; entries and exits, and calls told
    as a whole, by slot."""

    cpu: int
    kinds: np.ndarray = field(default_factory=lambda: np.zeros(256, np.int64))
    entries: np.ndarray = field(default_factory=lambda: np.zeros(_SLOTS, np.int64))
    exits: np.ndarray = field(default_factory=lambda: np.zeros(_SLOTS, np.int64))
    whole: np.ndarray = field(default_factory=lambda: np.zeros(_SLOTS, np.int64))
    seqs: list[int] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    sessions: Counter[int] = field(default_factory=Counter)
    last_ns: int = 0
    disorder: int = 0

    def add(self, count: Count) -> None:
        place = count.place
        self.kinds += count.kinds
        self.entries += count.entries
        self.exits += count.exits
        self.whole += count.whole
        self.disorder += place.first_ns < self.last_ns
        self.sessions[place.session_id] += 1
        self.seqs.append(place.seq)
        self.spans.append(Span(place.seq, place.generated, sum(place.lost), count.recorded))
        self.last_ns = place.last_ns


@dataclass(frozen=True, slots=True)
class CallBalance:
    """What became of the calls of ``slot`` on one CPU: ``recorded`` entries that the file holds, of
    whole calls, too, and what the module counted as ``lost`` and ``filtered``."""

    cpu: int
    slot: int
    recorded: int
    lost: int
    filtered: int

    @property
    def made(self) -> int:
        return self.recorded + self.lost + self.filtered


def iter_call_balances(
    cpus: dict[int, CpuBalance], totals: Iterable[CpuTotals]
) -> Iterator[CallBalance]:
    for total in totals:
        entries = cpus.get(total.cpu, CpuBalance(total.cpu)).entries
        for slot, counts in sorted(total.syscalls.items()):
            filtered = counts.filtered + counts.skipped
            recorded = int(entries[slot])
            if recorded or counts.entries_lost or filtered:
                yield CallBalance(total.cpu, slot, recorded, counts.entries_lost, filtered)


def count_records(counts: Iterable[Count]) -> dict[int, CpuBalance]:
    """What the file holds, by CPU."""
    cpus: dict[int, CpuBalance] = {}
    for count in counts:
        cpus.setdefault(count.place.cpu, CpuBalance(count.place.cpu)).add(count)
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
        faults += _filter_faults(total)
        if counted.disorder:
            faults.append(f"CPU {total.cpu}: {counted.disorder} sub-buffers begin before the last")
    return faults + _withheld_faults(cpus, list(known.values()))


def find_strangers(cpus: dict[int, CpuBalance], session_id: int) -> list[str]:
    """Sub-buffers of another session than the capture's."""
    return [
        f"CPU {cpu}: {count} sub-buffers are of session {other:#x}, not of {session_id:#x}"
        for cpu, counted in sorted(cpus.items())
        for other, count in sorted(counted.sessions.items())
        if other != session_id
    ]


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


def _filter_faults(total: CpuTotals) -> list[str]:
    """Calls that were filtered out are among the events that were, and rejected ones among them."""
    calls = sum(one.filtered + one.skipped for one in total.syscalls.values())
    faults = []
    if calls > total.filtered:
        faults.append(
            f"CPU {total.cpu}: {calls} calls filtered out, but only {total.filtered} events"
        )
    faults += [
        f"CPU {total.cpu}: system call slot {slot}: {one.rejected} rejected, but only "
        f"{one.filtered} filtered out"
        for slot, one in total.syscalls.items()
        if one.rejected > one.filtered
    ]
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
