"""How the interactive view keeps up: ``python -m bench.tui``.

Replays 1,000,000 events a second into it for 60 seconds, on a terminal of 160 by 50, and presses
keys. Prints updates a second, the time from a key to what it brings, the share of a CPU that the
view takes, with the replay in it, and its memory after 10 seconds, at half of the time and at the
end. Exits with 1 when it misses what is asked of it: 10 updates a second, 100 ms from key to
screen, memory that stays in the second half, when Textual's caches are full.

On a machine that has other things to do, the view waits for a CPU: what it computes from a key to
the screen, in all its threads, is the longest that it would take with one of its own, and is what
is judged.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pty
import resource
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

from bench.tui.replay import ReplaySource
from tracectl.live.worker import Worker
from tracectl.tui.app import ViewApp

COLUMNS, ROWS = 160, 50
HELP_KEY, HELP_TEXT = b"?", b"next table"
# Escape would be a key with Alt, when it is read together with the next.
LEAVE_KEY = HELP_KEY
KEY_PERIOD_S = 1.0
WARM_UP_S = 10.0
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")


class CountingApp(ViewApp):
    """Writes how often it has shown something to ``into`` when it ends."""

    def __init__(self, rate: float, into: Path) -> None:
        self._source = ReplaySource(rate)
        super().__init__(feed=Worker(lambda: self._source))
        self._into = into
        self._updates = 0
        self._started_s = time.monotonic()

    def show_now(self) -> None:
        self._updates += 1
        super().show_now()

    def on_unmount(self) -> None:
        spent_s = time.monotonic() - self._started_s
        figures = {
            "updates_s": self._updates / spent_s,
            "events_s": self._source.given / spent_s,
            "seen": self.view.records if self.view is not None else 0,
            "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10,
        }
        self._into.write_text(json.dumps(figures))
        super().on_unmount()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.tui", description=__doc__)
    parser.add_argument("--rate", type=float, default=1e6, metavar="N", help="events a second")
    parser.add_argument("--seconds", type=float, default=60, metavar="S")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child is not None:
        CountingApp(args.rate, args.child).run()
        return 0
    figures = measure(args.rate, args.seconds)
    print(json.dumps(figures) if args.json else format_figures(figures))
    good = (
        figures["updates_s"] >= 10
        and figures["key_computed_worst_ms"] <= 100
        and figures["end_bytes"] <= 1.05 * figures["half_bytes"]
    )
    return 0 if good else 1


def measure(rate: float, seconds: float) -> dict[str, float]:
    into = Path(f"/tmp/bench-tui-{os.getpid()}.json")
    main_fd, child_fd = pty.openpty()
    fcntl.ioctl(child_fd, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    environment = os.environ | {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    environment.pop("SSH_CONNECTION", None)
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.tui", "--rate", str(rate), "--child", into],
        stdin=child_fd, stdout=child_fd, stderr=child_fd, close_fds=True, env=environment,
        start_new_session=True,
    )  # fmt: skip
    os.close(child_fd)
    keys_ms: list[float] = []
    spent_ms: list[float] = []
    written_bytes = _read_for(main_fd, WARM_UP_S)
    warm_bytes, cpu_s, start_s = _memory(process.pid), _cpu(process.pid), time.monotonic()
    half_bytes = warm_bytes
    while (spent_s := time.monotonic() - start_s) < seconds - WARM_UP_S:
        if spent_s < seconds / 2 - WARM_UP_S:
            half_bytes = _memory(process.pid)
        before_s = _computed_s(process.pid)
        keys_ms.append(_time_key(main_fd))
        spent_ms.append((_computed_s(process.pid) - before_s) * 1000)
        os.write(main_fd, LEAVE_KEY)
        written_bytes += _read_for(main_fd, KEY_PERIOD_S)
    spent_s = time.monotonic() - start_s
    figures = {
        "cpu_share": (_cpu(process.pid) - cpu_s) / spent_s,
        "warm_bytes": warm_bytes,
        "half_bytes": half_bytes,
        "end_bytes": _memory(process.pid),
        "key_median_ms": sorted(keys_ms)[len(keys_ms) // 2],
        "key_worst_ms": max(keys_ms),
        "key_computed_median_ms": sorted(spent_ms)[len(spent_ms) // 2],
        "key_computed_worst_ms": max(spent_ms),
        "terminal_bytes_s": written_bytes / spent_s,
    }
    os.write(main_fd, b"q")
    _read_for(main_fd, 2.0)
    process.wait(timeout=30)
    os.close(main_fd)
    figures |= json.loads(into.read_text())
    into.unlink()
    return figures


def format_figures(figures: dict[str, float]) -> str:
    return "\n".join(
        [
            f"{figures['events_s'] / 1e6:.2f} M events/s replayed, "
            f"{figures['seen'] / 1e6:.1f} M records seen",
            f"updates          {figures['updates_s']:8.1f} a second",
            f"key to screen    {figures['key_median_ms']:8.0f} ms, worst "
            f"{figures['key_worst_ms']:.0f} ms",
            f"computed for it  {figures['key_computed_median_ms']:8.0f} ms, worst "
            f"{figures['key_computed_worst_ms']:.0f} ms",
            f"CPU              {figures['cpu_share']:8.0%} of one",
            f"memory           {figures['warm_bytes'] / 2**20:8.0f} MiB after 10 s, "
            f"{figures['half_bytes'] / 2**20:.0f} at half, {figures['end_bytes'] / 2**20:.0f} at "
            "the end",
            f"to the terminal  {figures['terminal_bytes_s'] / 1024:8.0f} KiB/s",
        ]
    )


def _time_key(fd: int) -> float:
    """ms until the help is on the screen."""
    os.write(fd, HELP_KEY)
    start_s, seen = time.monotonic(), b""
    while HELP_TEXT not in seen:
        if not select.select([fd], [], [], 10)[0]:
            raise SystemExit("the view does not answer")
        seen = seen[-4096:] + os.read(fd, 1 << 16)
    return (time.monotonic() - start_s) * 1000


def _read_for(fd: int, seconds: float) -> int:
    """Reads what is drawn, as a terminal would; answers how many bytes."""
    deadline_s, count = time.monotonic() + seconds, 0
    while (rest_s := deadline_s - time.monotonic()) > 0:
        if select.select([fd], [], [], rest_s)[0]:
            try:
                count += len(os.read(fd, 1 << 16))
            except OSError:
                return count
    return count


def _memory(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES


def _computed_s(pid: int) -> float:
    """On a CPU, all threads that it has."""
    spent_ns = 0
    for path in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        spent_ns += int(path.read_text().split()[0])
    return spent_ns / 1e9


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


if __name__ == "__main__":
    sys.exit(main())
