"""The part that runs in the guest: times requests to the module."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median

from tracectl.abi.control import EventClass
from tracectl.kernel.device import Device
from tracectl.kernel.shapes import shapes_of
from tracectl.tables.table import load_tables

ROUNDS = 15
CLASSES = EventClass.SYSCALL | EventClass.TASK | EventClass.OPEN_NAME


def ms_of(request: Callable[[], object]) -> float:
    started_ns = time.monotonic_ns()
    request()
    return (time.monotonic_ns() - started_ns) / 1e6


def measure(device: Device) -> dict[str, float]:
    shapes = shapes_of(load_tables())
    times: dict[str, list[float]] = {"configure": [], "resume": [], "pause": [], "stop": []}

    def configure() -> None:
        device.configure(shapes, classes=CLASSES, subbuf_bytes=1 << 14, subbuf_count=2)

    for _ in range(ROUNDS):
        times["configure"].append(ms_of(configure))
        times["resume"].append(ms_of(device.resume))
        times["pause"].append(ms_of(device.pause))
        times["stop"].append(ms_of(device.stop))
    return {f"{name}_ms": round(median(all_ms), 3) for name, all_ms in times.items()}


def main() -> int:
    threads = int(sys.argv[1])
    command = ["/job/threads", str(threads), "1", "wait"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        if process.stdout.readline() != b"ready\n":
            return 1
        with Device() as device:
            print(json.dumps({"threads": threads, **measure(device)}))
        process.stdin.close()
    return process.returncode


if __name__ == "__main__":
    sys.exit(main())
