"""How fast captures are answered from: ``python -m bench.analysis --events 10000000``.

Builds a capture of that many events out of what a real recording was made of (``mix.json``), and
reads it with each command. ``events_per_s`` is of the clock, ``events_per_cpu_s`` of the time that
processors worked, so that other work on the machine does not matter. Memory is what all processes
of a command have together; pages that they share count once.

babeltrace2, where it is installed, reads the same events as CTF: of ``--peer-events`` at most,
since it takes long.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.analysis.generator import write_capture
from bench.analysis.mix import read_mix
from tracectl.capture.reader import open_capture
from tracectl.decode.subbuffer import decode_subbuffer

_TRACECTL = [sys.executable, "-m", "tracectl"]
_QUERY = "SELECT syscall, count(*) FROM syscalls GROUP BY syscall"
_QUERY_MOST = 5_000_000
_LOOK_S = 0.1


@dataclass(frozen=True, slots=True)
class Figure:
    events: int
    wall_s: float
    cpu_s: float
    events_per_s: int
    events_per_cpu_s: int
    peak_rss_mb: int
    first_line_s: float | None = None


def measure(command: Sequence[str | Path], events: int) -> Figure:
    """Its output is read and thrown away. SystemExit when it fails."""
    start_s = time.monotonic()
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=errors)
        assert process.stdout is not None
        memory = _Memory(process.pid)
        memory.start()
        first_s = None
        while os.read(process.stdout.fileno(), 1 << 20):
            first_s = first_s or time.monotonic() - start_s
        memory.has_ended.set()
        memory.join()
        _, status, used = os.wait4(process.pid, 0)
        wall_s = time.monotonic() - start_s
        if status:
            errors.seek(0)
            raise SystemExit(f"{command} failed: {errors.read().decode()[-500:]}")
    cpu_s = used.ru_utime + used.ru_stime
    return Figure(
        events,
        round(wall_s, 2),
        round(cpu_s, 2),
        round(events / wall_s),
        round(events / cpu_s),
        max(memory.peak_bytes, used.ru_maxrss << 10) >> 20,
        None if first_s is None else round(first_s, 2),
    )


class _Memory(threading.Thread):
    """Looks at what a process and its children have, until they have ended."""

    def __init__(self, pid: int) -> None:
        super().__init__()
        self.has_ended = threading.Event()
        self.peak_bytes = 0
        self._pid = pid

    def run(self) -> None:
        while not self.has_ended.wait(_LOOK_S):
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


def measure_decode(path: Path) -> dict[str, float]:
    """Of one core; reading stands still for the clock."""
    records, spent_ns = 0, 0
    with open_capture(path) as capture:
        for chunk in capture.iter_chunks():
            start_ns = time.process_time_ns()
            records += len(decode_subbuffer(chunk.data))
            spent_ns += time.process_time_ns() - start_ns
    return {"records": records, "records_per_s": round(records / spent_ns * 1e9)}


def iter_figures(directory: Path, events: int, peer_events: int) -> Iterator[tuple[str, Figure]]:
    path, small = directory / "all.trace", directory / "small.trace"
    written = write_capture(path, read_mix(), events, compress=True)
    yield "report", measure([*_TRACECTL, "report", path], written)
    yield "report_by_file", measure([*_TRACECTL, "report", "--by", "file", path], written)
    yield "verify", measure([*_TRACECTL, "verify", path], written)
    yield "print", measure([*_TRACECTL, "print", path], written)
    if events <= _QUERY_MOST:
        yield "query", measure([*_TRACECTL, "query", path, _QUERY], written)
    if shutil.which("babeltrace2"):
        written = write_capture(small, read_mix(), min(events, peer_events), compress=True)
        ctf = directory / "ctf"
        yield (
            "export_ctf",
            measure([*_TRACECTL, "export", "--to", "ctf", "-o", ctf, small], written),
        )
        yield "babeltrace2_text", measure(["babeltrace2", ctf], written)
        counter = ["babeltrace2", ctf, "--component=sink.utils.counter"]
        yield "babeltrace2_counter", measure(counter, written)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.analysis", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--events", type=int, default=10_000_000, metavar="N")
    parser.add_argument("--peer-events", type=int, default=2_000_000, metavar="N")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tracectl-bench-") as name:
        plain = Path(name, "plain.trace")
        write_capture(plain, read_mix(), min(args.events, 5_000_000), compress=False)
        decoded = measure_decode(plain)
        plain.unlink()
        found: dict[str, object] = {"cores": len(os.sched_getaffinity(0)), "decode": decoded}
        if not args.json:
            print(f"{'decode, one core':<22}{decoded['records_per_s'] / 1e6:8.2f} M records/s")
        for what, figure in iter_figures(Path(name), args.events, args.peer_events):
            found[what] = asdict(figure)
            if not args.json:
                print(
                    f"{what:<22}{figure.events_per_s / 1e6:8.2f} M events/s"
                    f"{figure.events_per_cpu_s / 1e6:8.2f} M a CPU second"
                    f"{figure.wall_s:9.2f} s{figure.peak_rss_mb:7} MiB",
                    flush=True,
                )
    if args.json:
        print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
