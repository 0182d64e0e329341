"""How fast the readers of tracers are: ``python -m bench.decode.peers``.

The same work is recorded by each tracer in a guest; what it recorded is read here, outside, at the
processor's own speed. Events a second are those of CPU time, so that other work on the machine does
not matter.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from bench import peer_root
from bench.kernel import document, peers
from bench.kernel.guest import measure
from bench.kernel.rows import OWN, Tool
from tracectl.errors import GuestError, TracectlError
from tracectl.module.dkms import enter_root
from tracectl.vm.guest import Options
from tracectl.vm.kernel import Kernel

MIX = 20_000
_OPTIONS = Options(smp=1, memory_mib=4096, timeout_s=3600)
_TRACECTL = shlex.join([sys.executable, "-P", "-m", "tracectl"])
_BT2 = (
    "import bt2; print(sum(type(m) is bt2._EventMessageConst "
    "for m in bt2.TraceCollectionMessageIterator('trace')))"
)


@dataclass(frozen=True, slots=True)
class Reader:
    """``command`` is shell, beside what ``row`` of ``tool`` recorded."""

    name: str
    tool: Tool
    row: str
    command: str


READERS = (
    Reader("tracectl print", OWN, "all", f"{_TRACECTL} print capture.trace"),
    Reader("tracectl report", OWN, "all", f"{_TRACECTL} report capture.trace"),
    Reader("tracectl verify", OWN, "all", f"{_TRACECTL} verify capture.trace"),
    Reader("babeltrace2, text", peers.LTTNG, "lttng_tid_pid", "babeltrace2 trace"),
    Reader(
        "babeltrace2, counter",
        peers.LTTNG,
        "lttng_tid_pid",
        "babeltrace2 trace --component=sink.utils.counter",
    ),
    Reader("babeltrace2, Python", peers.LTTNG, "lttng_tid_pid", f'python3 -c "{_BT2}"'),
    Reader("trace-cmd report", peers.TRACE_CMD, "trace_cmd_large", "trace-cmd report trace.dat"),
    Reader("perf script", peers.PERF, "perf_record_large", "perf script -i perf.data"),
    Reader("perf trace -s", peers.PERF, "perf_record_large", "perf trace -s -i perf.data"),
    Reader("sysdig -r", peers.SYSDIG, "sysdig", "sysdig -r capture.scap"),
)


@dataclass(frozen=True, slots=True)
class Reading:
    """``events_per_s`` is of CPU time; ``first_line_s`` of the clock."""

    reader: str
    events: int
    events_per_s: int
    peak_mib: int
    first_line_s: float


def say(message: str) -> None:
    print(f"bench.decode.peers: {message}", file=sys.stderr, flush=True)


def iter_readings(kernel: Kernel, readers: Sequence[Reader]) -> Iterator[Reading]:
    """Records with each tool once, and reads. One that did not record the work is told, and has
    none."""
    work = peer_root.directory() / "var" / "tmp"
    for tool in dict.fromkeys(reader.tool.name for reader in readers):
        mine = [reader for reader in readers if reader.tool.name == tool]
        with tempfile.TemporaryDirectory(prefix="tracectl-bench-", dir=work) as job:
            try:
                events = _record(kernel, mine[0], Path(job))
            except GuestError as error:
                say(f"{tool}: {error}")
                continue
            for reader in mine:
                yield _read(reader, Path(job, f"{reader.row}.mix"), events)


def _record(kernel: Kernel, reader: Reader, job: Path) -> int:
    """How many events were recorded of the mix."""
    (row,) = (row for row in reader.tool.rows if row.name == reader.row)
    tool = replace(reader.tool, rows=(replace(row, mix=MIX),))
    measured = measure(kernel, tool, job, say, {"getppid": 1000}, _OPTIONS)[-1]
    assert measured.mix_recorded is not None
    return measured.mix_recorded.events


def _read(reader: Reader, directory: Path, events: int) -> Reading:
    command, cwd = ["sh", "-c", f"exec {reader.command}"], directory
    if reader.tool is not OWN:
        inside = f"cd /{directory.relative_to(peer_root.directory())} && exec {reader.command}"
        command, cwd = [*enter_root(peer_root.directory()), "sh", "-c", inside], Path("/")
    start_s = time.monotonic()
    with (directory / "errors").open("wb") as errors:
        process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=errors)
        assert process.stdout is not None
        process.stdout.readline()
        first_line_s = time.monotonic() - start_s
        while process.stdout.read(1 << 20):
            pass
        _, status, used = os.wait4(process.pid, 0)
    if status:
        raise TracectlError(f"{reader.name} failed: {(directory / 'errors').read_text()[-500:]}")
    cpu_s = used.ru_utime + used.ru_stime
    return Reading(
        reader.name, events, round(events / cpu_s), used.ru_maxrss >> 10, round(first_line_s, 2)
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.decode.peers", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args()
    try:
        kernel = peer_root.fetch_peer_kernel(say)
        found = {}
        for reading in iter_readings(kernel, READERS):
            found[reading.reader] = asdict(reading)
            if args.json:
                print(json.dumps(asdict(reading)), flush=True)
            else:
                print(
                    f"{reading.reader:<22}{reading.events_per_s:>12,} events/s"
                    f"{reading.peak_mib:>7} MiB{reading.first_line_s:>8.2f} s to the first line",
                    flush=True,
                )
        document.write_section(kernel, "readers", found)
    except TracectlError as error:
        say(str(error))
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
