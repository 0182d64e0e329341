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
from tracectl.analysis.calls import Calls, State
from tracectl.analysis.ranks import Shift, shift_of_medians, shift_of_rates
from tracectl.analysis.tasks import text_of
from tracectl.capture.metadata import CpuTotals
from tracectl.tables.table import SyscallTable, abi_name

_K = TypeVar("_K")

_NUMBERED = re.compile(r"(?<=^/proc/)\d+|(?<=/task/)\d+")


@dataclass(slots=True)
class Profile:
    """A capture as it is compared. Keys are system calls, as ``read`` or ``i386:read``.

    ``began_ns`` and ``duration_ns`` are of calls in order of time; ``errors`` are of system calls
    and errno numbers; ``files`` have PID for the number of every process in /proc.
    """

    calls: Counter[str] = field(default_factory=Counter)
    began_ns: dict[str, NDArray[np.uint64]] = field(default_factory=dict)
    duration_ns: dict[str, NDArray[np.uint64]] = field(default_factory=dict)
    errors: Counter[tuple[str, int]] = field(default_factory=Counter)
    files: set[str] = field(default_factory=set)
    start_ns: int = 0
    span_ns: int = 0


def profile_of(
    blocks: Iterable[Calls],
    tables: Sequence[SyscallTable],
    totals: Iterable[CpuTotals] | None,
) -> Profile:
    """``totals``, where the module counted the whole of the capture, make the numbers of calls
    exact in spite of losses."""
    profile = Profile()
    began: dict[str, list[NDArray[np.uint64]]] = {}
    spent: dict[str, list[NDArray[np.uint64]]] = {}
    first, last = [], []
    for calls in blocks:
        has_entry = calls.state != State.NO_ENTRY
        profile.files |= {_NUMBERED.sub("PID", text_of(name)) for name in set(calls.names)}
        keys = calls.abi << 32 | (calls.nr & 0xFFFFFFFF)
        for key in np.unique(keys[has_entry]).tolist():
            rows = np.flatnonzero(has_entry & (keys == key))
            name = _name_of(tables, key >> 32, key & 0xFFFFFFFF)
            paired = rows[calls.state[rows] == State.PAIRED]
            profile.calls[name] += len(rows)
            began.setdefault(name, []).append(calls.entry_ns[rows])
            spent.setdefault(name, []).append(calls.duration_ns[paired])
            failed = calls.result[paired]
            failed = failed[(failed < 0) & (failed >= -4095)]
            for error, count in zip(*np.unique(-failed, return_counts=True), strict=True):
                profile.errors[name, int(error)] += int(count)
        times = calls.entry_ns[has_entry]
        if len(times):
            first.append(int(times.min()))
            last.append(int(times.max()))
    profile.start_ns = min(first, default=0)
    profile.span_ns = max(last, default=0) - profile.start_ns
    profile.began_ns = {name: np.concatenate(parts) for name, parts in began.items()}
    profile.duration_ns = {name: np.concatenate(parts) for name, parts in spent.items()}
    if totals is not None:
        profile.calls = _counted(totals, tables)
    return profile


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
        if name in before.began_ns and name in after.began_ns:
            rates[name] = shift_of_rates(
                before.began_ns[name] - np.uint64(before.start_ns),
                after.began_ns[name] - np.uint64(after.start_ns),
                before.span_ns,
                after.span_ns,
            )
        spent = [profile.duration_ns.get(name, ()) for profile in (before, after)]
        if all(map(len, spent)):
            latencies[name] = shift_of_medians(np.asarray(spent[0]), np.asarray(spent[1]))
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


def _counted(totals: Iterable[CpuTotals], tables: Sequence[SyscallTable]) -> Counter[str]:
    calls: Counter[str] = Counter()
    for cpu in totals:
        for slot, counts in cpu.syscalls.items():
            name = "other" if slot == OTHER_SLOT else _name_of(tables, *divmod(slot, SHAPES))
            calls[name] += counts.entries
    return +calls


def _name_of(tables: Sequence[SyscallTable], abi: int, nr: int) -> str:
    # A number that no table has, and that the module counts with the others.
    if not 0 <= nr < SHAPES:
        return "other"
    name = tables[min(abi, len(tables) - 1)].name(nr)
    return name if abi == 0 else f"{abi_name(tables, abi)}:{name}"
