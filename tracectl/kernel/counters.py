"""The counters of the module, read."""

from __future__ import annotations

import ctypes
import fcntl

from tracectl.abi import control
from tracectl.abi.records import SLOTS
from tracectl.abi.totals import CpuTotals, SyscallTotals


def read_counters(fd: int, cpu: int) -> CpuTotals:
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
        *lists, withheld, calls_lost, rejected, skipped = rest
        if entries or exits or filtered or withheld or skipped:
            syscalls[slot] = SyscallTotals(
                entries, exits, entries_lost, exits_lost, filtered, total_ns,
                lists[: control.ERRNOS], lists[control.ERRNOS :], withheld, calls_lost, rejected,
                skipped,
            )  # fmt: skip
    return CpuTotals(
        cpu=cpu,
        generated=list(raw.generated),
        lost=list(raw.lost),
        lost_by_cause=list(raw.lost_by_cause),
        filtered=raw.filtered,
        subbufs=raw.subbufs,
        syscalls=syscalls,
        own=raw.self,
    )
