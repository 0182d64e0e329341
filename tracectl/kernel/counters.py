"""What the module counts, by CPU and system call."""

from __future__ import annotations

import ctypes
import fcntl
from dataclasses import dataclass

from tracectl.abi import control
from tracectl.abi.records import SLOTS


@dataclass(frozen=True, slots=True)
class SyscallCounts:
    """``filtered`` are entries and exits that no other number but ``rejected`` has. ``errors`` by
    enum tracectl_errno; ``latency[i]`` are the exits of calls that took 2**i ns or more and less
    than twice that, ``total_ns`` is theirs together. ``withheld`` are entries kept back until the
    call's end, which was ``rejected``, or recorded, or is one of ``calls_lost``."""

    entries: int
    exits: int
    entries_lost: int
    exits_lost: int
    filtered: int
    total_ns: int
    errors: list[int]
    latency: list[int]
    withheld: int = 0
    calls_lost: int = 0
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class Counters:
    """What the module counted on one CPU: by kind, by loss cause, and by slot (ABI * 512 + number),
    of the slots that are not all zero. ``own`` is what of ``filtered`` was done by
    processes that have the device open."""

    cpu: int
    generated: list[int]
    lost: list[int]
    lost_by_cause: list[int]
    filtered: int
    subbufs: int
    syscalls: dict[int, SyscallCounts]
    own: int = 0


def read_counters(fd: int, cpu: int) -> Counters:
    """Those of ``cpu``, by its stream or by the device. OSError."""
    size = control.SyscallCounts.sizeof()
    counts = ctypes.create_string_buffer(SLOTS * size)
    request = bytearray(control.Counters.sizeof())
    request[:8] = ctypes.addressof(counts).to_bytes(8, "little")
    request[-8:-4] = cpu.to_bytes(4, "little")
    fcntl.ioctl(fd, control.IOC_COUNTERS, request)
    raw = control.Counters.parse(bytes(request))
    syscalls = {}
    # Not through construct: a thousand slots, most of them zero, would take it a second.
    numbers = memoryview(counts).cast("B").cast("Q")
    for slot in range(SLOTS):
        entries, exits, entries_lost, exits_lost, filtered, total_ns, *rest = numbers[
            slot * size // 8 : (slot + 1) * size // 8
        ]
        *lists, withheld, calls_lost, rejected = rest
        if entries or exits or filtered or withheld:
            syscalls[slot] = SyscallCounts(
                entries, exits, entries_lost, exits_lost, filtered, total_ns,
                lists[: control.ERRNOS], lists[control.ERRNOS :], withheld, calls_lost, rejected,
            )  # fmt: skip
    return Counters(
        cpu=cpu,
        generated=list(raw.generated),
        lost=list(raw.lost),
        lost_by_cause=list(raw.lost_by_cause),
        filtered=raw.filtered,
        subbufs=raw.subbufs,
        syscalls=syscalls,
        own=raw.self,
    )
