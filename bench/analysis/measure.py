"""A command, and what it took."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_LOOK_S = 0.05
FIRST = ("chrt", "--fifo", "10") if os.geteuid() == 0 else ()
"""Before a command: whatever else the machine has to do waits."""


@dataclass(frozen=True, slots=True)
class Figure:
    events: int
    wall_s: float
    cpu_s: float
    events_per_s: int
    events_per_cpu_s: int
    peak_rss_mb: int
    first_line_s: float | None = None
    lines: int = 0


def measure(command: Sequence[str | Path], events: int, *, to_first: bool = False) -> Figure:
    """Of its output the lines are counted; with ``to_first`` it is ended by the first of them.
    SystemExit when it fails."""
    start_s = time.monotonic()
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=errors)
        assert process.stdout is not None
        memory = _Memory(process.pid)
        memory.start()
        first_s, lines = None, 0
        while data := os.read(process.stdout.fileno(), 1 << 20):
            first_s = first_s or time.monotonic() - start_s
            lines += data.count(b"\n")
            if to_first:
                process.kill()
                break
        memory.has_ended.set()
        memory.join()
        _, status, used = os.wait4(process.pid, 0)
        wall_s = first_s if to_first and first_s else time.monotonic() - start_s
        if status and not to_first:
            errors.seek(0)
            raise SystemExit(f"{command} failed: {errors.read().decode()[-500:]}")
    cpu_s = used.ru_utime + used.ru_stime
    return Figure(
        events,
        round(wall_s, 2),
        round(cpu_s, 2),
        round(events / wall_s),
        round(events / cpu_s),
        # Not ru_maxrss: it begins with what this process had when it forked.
        memory.peak_bytes >> 20,
        None if first_s is None else round(first_s, 2),
        lines,
    )


class _Memory(threading.Thread):
    """Looks at what a process and its children have, until they have ended."""

    def __init__(self, pid: int) -> None:
        super().__init__()
        self.has_ended = threading.Event()
        self.peak_bytes = 0
        self._pid = pid

    def run(self) -> None:
        is_over = False
        while not is_over:
            is_over = self.has_ended.wait(_LOOK_S)
            self.peak_bytes = max(self.peak_bytes, sum(map(_pss_bytes, _tree_of(self._pid))))


def _tree_of(pid: int) -> Iterator[int]:
    yield pid
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return
    for child in children:
        yield from _tree_of(int(child))


def _pss_bytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:"))
