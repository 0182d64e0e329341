"""How fast captures are answered from: ``python -m bench.analysis --events 100000000``.

Builds a capture of that many events out of what a real recording was made of (``mix.json``), and
reads it with each command; with those that write every call, a smaller one. The other
tracers' readers, as far as they are installed, read a still smaller one in their own formats, made
of the same events: babeltrace2 the CTF that tracectl exports, perf and trace-cmd the entries and
exits.

``events_per_s`` is of the clock, ``events_per_cpu_s`` of the time that processors worked, so that
other work on the machine does not matter; as root what answers the questions that are asked most is
measured before all other work, too. Memory is what all processes of a command have together;
pages that they share count once.

--json has a figure of each command under its own name, ``decode``, ``report``, ``query``,
``verify``, ``print`` and ``export``, and the finer ones beside them.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from bench.analysis import decoding, document, peers
from bench.analysis.generator import write_capture
from bench.analysis.measure import FIRST, Figure, measure
from bench.analysis.mix import read_mix

_TRACECTL = [sys.executable, "-P", "-m", "tracectl"]
_QUERY = "SELECT syscall, count(*), avg(duration_ns) FROM syscalls GROUP BY syscall"
_QUERY_FILES = "SELECT path, count(*) FROM names WHERE errno IS NOT NULL GROUP BY path"
READERS = {
    "report": ("report", "FILE"),
    "report --by file": ("report", "--by", "file", "FILE"),
    "verify": ("verify", "FILE"),
    "query, calls by system call": ("query", "FILE", _QUERY),
    "query, failed look-ups by path": ("query", "FILE", _QUERY_FILES),
}
EXPORTS = ("parquet", "ctf", "perfetto", "jsonl")
PLAIN = {"query": "query, calls by system call", "export": "export --to parquet"}
"""Names of commands that are measured in several ways, and the way that stands for each."""


def measure_decode(path: Path, events: int) -> dict[str, float]:
    """``records_per_s`` are of decoding alone; time and memory of the process that does it."""
    answer = path.with_suffix(".json")
    figure = measure([sys.executable, "-P", decoding.__file__, path, answer], events)
    found: dict[str, float] = json.loads(answer.read_text())
    measured = asdict(figure)
    return found | {name: measured[name] for name in ("peak_rss_mb", "wall_s", "cpu_s")}


def iter_figures(
    path: Path, events: int, written_events: int, peer_events: int
) -> Iterator[tuple[str, Figure]]:
    """Of the capture at ``path`` with ``events``, and of smaller ones in its place."""
    for name, words in READERS.items():
        command = [str(path) if word == "FILE" else word for word in words]
        yield name, measure([*_TRACECTL, *command], events)
    for name in document.FIRST_OF_ALL if FIRST else ():
        command = [str(path) if word == "FILE" else word for word in READERS[name]]
        yield document.first_of_all(name), measure([*FIRST, *_TRACECTL, *command], events)
    without = ["env", "TRACECTL_COMPILED=0", *_TRACECTL]
    yield "report, in numpy alone", measure([*without, "report", str(path)], events)
    first_line = [*FIRST, *_TRACECTL, "print", str(path)]
    yield document.FIRST_LINE, measure(first_line, events, to_first=True)
    written = write_capture(path, read_mix(), min(events, written_events), compress=True)
    yield "print", measure([*_TRACECTL, "print", str(path)], written)
    for form in EXPORTS:
        output = path.with_suffix(f".{form}")
        command = ["export", "--to", form, "-o", str(output), str(path)]
        yield f"export --to {form}", measure([*_TRACECTL, *command], written)
        shutil.rmtree(output) if output.is_dir() else output.unlink()
    if not peer_events:
        return
    written = write_capture(path, read_mix(), min(events, peer_events), compress=True)
    yield "print, of the peers' events", measure([*_TRACECTL, "print", str(path)], written)
    yield "report, of the peers' events", measure([*_TRACECTL, "report", str(path)], written)
    yield from peers.iter_figures(path, written, _TRACECTL)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.analysis", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--events", type=int, default=10_000_000, metavar="N")
    parser.add_argument("--written-events", type=int, default=5_000_000, metavar="N")
    parser.add_argument(
        "--peer-events", type=int, default=5_000_000, metavar="N", help="0 leaves the peers out"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--document", action="store_true", help=f"write docs/{document.TEXT.name}")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tracectl-bench-") as name:
        path = Path(name, "all.trace")
        written = write_capture(path, read_mix(), args.events, compress=True)
        decoded = measure_decode(path, written)
        if not args.json:
            print(
                f"{'decode, one core':<32}{decoded['records_per_s'] / 1e6:8.2f} M records/s"
                f"{decoded['peak_rss_mb']:47} MiB"
            )
        figures: dict[str, Figure] = {}
        load = os.getloadavg()[2]
        for what, figure in iter_figures(path, written, args.written_events, args.peer_events):
            figures[what] = figure
            if not args.json:
                print(
                    f"{what:<32}{figure.events_per_s / 1e6:8.2f} M events/s"
                    f"{figure.events_per_cpu_s / 1e6:8.2f} M a CPU second"
                    f"{figure.wall_s:9.2f} s{figure.peak_rss_mb:7} MiB",
                    flush=True,
                )
    cores = len(os.sched_getaffinity(0))
    if args.json:
        found = {what: asdict(figure) for what, figure in figures.items()}
        plain = {name: found[way] for name, way in PLAIN.items()}
        print(json.dumps({"cores": cores, "decode": decoded, **plain, **found}))
    if args.document:
        document.write(decoded, figures, cores, max(load, os.getloadavg()[2]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
