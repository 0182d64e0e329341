"""How long ``tracectl status`` takes: ``python -m bench.status``.

Prints the median of 20 runs in ms. It is asked for by scripts and prompts, so it has to stay below
150 ms.
"""

from __future__ import annotations

import subprocess
import sys
import time
from statistics import median

RUNS = 20


def time_status_ms() -> float:
    """One run from fork to exit, in ms."""
    start_ns = time.perf_counter_ns()
    subprocess.run(
        [sys.executable, "-m", "tracectl", "status"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return (time.perf_counter_ns() - start_ns) / 1e6


def main() -> None:
    # The first one reads the files.
    time_status_ms()
    times_ms = sorted(time_status_ms() for _ in range(RUNS))
    print(f"tracectl status: {median(times_ms):.0f} ms (median of {RUNS}, "
          f"{times_ms[0]:.0f} to {times_ms[-1]:.0f})")  # fmt: skip


if __name__ == "__main__":
    main()
