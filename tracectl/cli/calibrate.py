"""tracectl calibrate"""

from __future__ import annotations

import argparse
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from statistics import median

from tracectl.abi.control import EventClass
from tracectl.capture.metadata import Calibration
from tracectl.cli.calibration import store_calibration
from tracectl.cli.output import print_json
from tracectl.errors import EXIT_OK, DeviceError, TracectlError
from tracectl.kernel.device import Device
from tracectl.kernel.recorder import Recorder
from tracectl.kernel.shapes import shapes_of
from tracectl.tables.table import SyscallTable, load_tables

NAME = "calibrate"
HELP = "measure what recording a system call costs on this machine"
EXAMPLES = """\
  tracectl calibrate
  tracectl calibrate --json

Stored for this kernel and module; captures made afterwards tell it, and 'report --time' subtracts
it. Takes some seconds, in which no session may run."""

_ROUNDS = 7
_SUBBUF_BYTES, _SUBBUF_COUNT = 1 << 20, 16


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--calls", type=int, default=50_000, metavar="N", help="calls a round (default 50000)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    with Device() as device:
        found = _measure(device, max(1000, args.calls))
        path = store_calibration(found, device.info)
    if args.json:
        print_json(asdict(found) | {"stored": str(path)})
        return EXIT_OK
    print(f"a call that does nothing  {found.off_ns:8.1f} ns")
    print(f"  with closed gates       {found.armed_ns:8.1f} ns")
    print(f"  recorded                {found.traced_ns:8.1f} ns")
    print(
        f"of a recorded call {found.inside_ns:.1f} ns are the tracer's in the kernel and "
        f"{found.outside_ns:.1f} ns in user mode, each ± {found.uncertainty_ns:.1f} ns"
    )
    print(f"stored in {path}")
    return EXIT_OK


class _Times:
    """A sink that keeps how long the calls of the sub-buffers took."""

    def __init__(self) -> None:
        self.durations_ns: list[float] = []

    def write_chunk(self, cpu: int, seq: int, data: memoryview) -> None:
        from tracectl.abi.records import Kind  # noqa: PLC0415
        from tracectl.decode.subbuffer import decode_subbuffer  # noqa: PLC0415 - numpy

        records = decode_subbuffer(bytes(data))
        ends = records.rows(Kind.EXIT_SHORT, Kind.EXIT_NEAR)
        begins = records.near_entries(ends)
        self.durations_ns += (records.time_ns[ends] - records.time_ns[begins]).tolist()


def _measure(device: Device, calls: int) -> Calibration:
    times = _Times()
    with _Caller(calls) as caller:
        # In turns, so that a machine that grows slower does so for all three.
        off, armed, traced = [], [], []
        for _ in range(_ROUNDS):
            off.append(caller.call_ns())
            with _session(device, caller.pid) as recorder:
                armed.append(caller.call_ns())
                device.resume()
                traced.append(caller.call_ns())
                device.stop()
                recorder.drain(times)
    if not times.durations_ns:
        raise TracectlError("no call was recorded while it was measured")
    off_ns, armed_ns, traced_ns = median(off), median(armed), median(traced)
    added_ns = max(0.0, traced_ns - off_ns)
    # What a call of no work does itself in there is between nothing and all that it takes.
    inside_ns = max(0.0, median(times.durations_ns) - off_ns / 2)
    return Calibration(
        off_ns=off_ns,
        armed_ns=armed_ns,
        traced_ns=traced_ns,
        inside_ns=min(inside_ns, added_ns),
        outside_ns=max(0.0, added_ns - inside_ns),
        uncertainty_ns=off_ns / 2,
    )


@contextmanager
def _session(device: Device, pid: int) -> Iterator[Recorder]:
    tables: dict[str, SyscallTable] = load_tables()
    device.configure(
        shapes_of(tables),
        classes=EventClass.SYSCALL,
        subbuf_bytes=_SUBBUF_BYTES,
        subbuf_count=_SUBBUF_COUNT,
        target_pid=pid,
        label="calibration",
    )
    try:
        with Recorder(device, _SUBBUF_BYTES, _SUBBUF_COUNT) as recorder:
            yield recorder
    finally:
        # ENXIO: it has been stopped.
        with suppress(DeviceError):
            device.stop()


class _Caller:
    """A process that calls getppid when it is told to: the recorder's own calls are left out."""

    def __init__(self, calls: int) -> None:
        self._calls = calls
        ask_read, self._ask = os.pipe()
        self._answer, answer_write = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._ask)
            _serve(ask_read, answer_write, calls)
        os.close(ask_read)
        os.close(answer_write)

    def __enter__(self) -> _Caller:
        return self

    def __exit__(self, *_: object) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._ask)
        os.close(self._answer)

    def call_ns(self) -> float:
        """ns a call, on average."""
        os.write(self._ask, b"x")
        data = os.read(self._answer, 32)
        if not data:
            raise TracectlError("the process that is measured has died")
        return int(data) / self._calls


def _serve(ask: int, answer: int, calls: int) -> None:
    try:
        while os.read(ask, 1):
            spent_ns = _time_of(os.getppid, calls) - _time_of(_nothing, calls)
            os.write(answer, b"%d" % max(0, spent_ns))
    finally:
        os._exit(0)


def _time_of(call: Callable[[], int], count: int) -> int:
    started_ns = time.thread_time_ns()
    for _ in range(count):
        call()
    return time.thread_time_ns() - started_ns


_nothing = (0).bit_length
"""A built-in like getppid, so that what Python does around a call is the same."""
