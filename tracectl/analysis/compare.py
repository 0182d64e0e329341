"""What changed from one capture to another."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tracectl.abi.records import OTHER_SLOT, SHAPES
from tracectl.abi.totals import CpuTotals
from tracectl.analysis.calls import Calls, State
from tracectl.analysis.codes import call_keys
from tracectl.analysis.ranks import BLOCKS, Shift, shift_of_medians, shift_of_rates
from tracectl.analysis.sample import Sample
from tracectl.analysis.tasks import text_of
from tracectl.tables.table import SyscallTable, abi_name

_K = TypeVar("_K")

_NUMBERED = re.compile(r"(?<=^/proc/)\d+|(?<=/task/)\d+")


@dataclass(slots=True)
class Profile:
    """A capture as it is compared. Keys are system calls, as ``read`` or ``i386:read``.

    ``began`` are how many calls began in each of BLOCKS parts of ``span_ns``; ``errors`` are of
    system calls and errno numbers; ``files`` have PID for the number of every process in /proc.
    """

    span_ns: int
    calls: Counter[str] = field(default_factory=Counter)
    began: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    spent: dict[str, Sample] = field(default_factory=dict)
    errors: Counter[tuple[str, int]] = field(default_factory=Counter)
    files: set[str] = field(default_factory=set)

    def add(self, part: Part, tables: Sequence[SyscallTable]) -> None:
        for one in part.calls:
            name = _name_of(tables, one.abi, one.nr)
            self.calls[name] += int(one.began.sum())
            self.began[name] = self.began.get(name, 0) + one.began
            self.spent.setdefault(name, Sample()).add(one.paired_ns, one.spent_ns)
            for error, count in one.errors.items():
                self.errors[name, error] += count
        self.files |= {_NUMBERED.sub("PID", text_of(name)) for name in part.files}

    def count_exactly(self, totals: Iterable[CpuTotals], tables: Sequence[SyscallTable]) -> None:
        """``totals``, where the module counted the whole of the capture, make the numbers of calls
        exact in spite of losses."""
        self.calls = Counter()
        for cpu in totals:
            for slot, counts in cpu.syscalls.items():
                name = "other" if slot == OTHER_SLOT else _name_of(tables, *divmod(slot, SHAPES))
                self.calls[name] += counts.entries
        self.calls = +self.calls


@dataclass(frozen=True, slots=True)
class OfCall:
    """Of one system call: ``spent_ns`` of the calls that began at ``paired_ns`` and ended."""

    abi: int
    nr: int
    began: NDArray[np.int64]
    paired_ns: NDArray[np.uint64]
    spent_ns: NDArray[np.uint64]
    errors: dict[int, int]


@dataclass(frozen=True, slots=True)
class Part:
    """What some calls of a capture add to its profile."""

    calls: list[OfCall]
    files: set[bytes]


@dataclass(frozen=True, slots=True)
class Profiler:
    """Makes parts of calls, on any core; the capture is from ``first_ns`` to before ``last_ns``."""

    first_ns: int
    last_ns: int

    def __call__(self, calls: Calls) -> Part:
        calls_with_entry = calls.select(np.flatnonzero(calls.state != State.NO_ENTRY))
        keys, which = call_keys(calls_with_entry.abi, calls_with_entry.nr)
        order = np.argsort(which, kind="stable")
        ends = np.searchsorted(which[order], np.arange(1, len(keys) + 1))
        parts = np.split(order, ends[:-1]) if keys else []
        return Part(
            [
                self._of_call(*key, calls_with_entry, rows)
                for key, rows in zip(keys, parts, strict=True)
            ],
            set(calls.names),
        )

    def _of_call(self, abi: int, nr: int, calls: Calls, rows: NDArray[np.intp]) -> OfCall:
        entry_ns = calls.entry_ns[rows]
        since_ns = np.maximum(entry_ns.astype(np.int64) - self.first_ns, 0)
        part = np.minimum(since_ns / max(self.last_ns - self.first_ns, 1) * BLOCKS, BLOCKS - 1)
        paired = calls.state[rows] == State.PAIRED
        ended = rows[paired]
        result = calls.result[ended]
        errors = -result[(result < 0) & (result >= -4095)]
        counts = zip(*np.unique(errors, return_counts=True), strict=True)
        return OfCall(
            abi,
            nr,
            np.bincount(part.astype(np.int64), minlength=BLOCKS),
            entry_ns[paired],
            calls.exit_ns[ended] - entry_ns[paired],
            {int(error): int(count) for error, count in counts},
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """``rates`` (calls a second) and ``latencies`` (ns) are of the system calls that both have;
    those that ``shifted_`` names are no noise."""

    appeared: dict[str, int]
    vanished: dict[str, int]
    rates: dict[str, Shift]
    latencies: dict[str, Shift]
    shifted_rates: list[str]
    shifted_latencies: list[str]
    new_files: list[str]
    gone_files: list[str]
    new_errors: dict[tuple[str, int], int]
    gone_errors: dict[tuple[str, int], int]


def compare(before: Profile, after: Profile, threshold: float) -> Comparison:
    """``threshold`` is the least change of a rate or a latency that counts, 0.2 for a fifth."""
    both = sorted(before.calls.keys() & after.calls.keys())
    rates, latencies = {}, {}
    for name in both:
        if name in before.began and name in after.began:
            rates[name] = shift_of_rates(
                before.began[name], after.began[name], before.span_ns, after.span_ns
            )
        spent = [profile.spent.get(name, Sample()).spent_ns() for profile in (before, after)]
        if all(map(len, spent)):
            latencies[name] = shift_of_medians(*spent)
    return Comparison(
        appeared=_only(after.calls, before.calls),
        vanished=_only(before.calls, after.calls),
        rates=rates,
        latencies=latencies,
        shifted_rates=_shifted(rates, threshold),
        shifted_latencies=_shifted(latencies, threshold),
        new_files=sorted(after.files - before.files),
        gone_files=sorted(before.files - after.files),
        new_errors=_only(after.errors, before.errors),
        gone_errors=_only(before.errors, after.errors),
    )


def _shifted(shifts: dict[str, Shift], threshold: float) -> list[str]:
    tests = sum(shift.p is not None for shift in shifts.values())
    return [name for name, shift in shifts.items() if shift.is_real(tests, threshold)]


def _only(these: Counter[_K], those: Counter[_K]) -> dict[_K, int]:
    return {key: count for key, count in sorted(these.items()) if key not in those}


def _name_of(tables: Sequence[SyscallTable], abi: int, nr: int) -> str:
    # A number that no table has, and that the module counts with the others.
    if not 0 <= nr < SHAPES:
        return "other"
    name = tables[min(abi, len(tables) - 1)].name(nr)
    return name if abi == 0 else f"{abi_name(tables, abi)}:{name}"
