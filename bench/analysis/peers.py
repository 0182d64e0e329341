"""The readers of other tracers, on files of their own with the events of a capture."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import peer_root
from bench.analysis import document
from bench.analysis.measure import FIRST, Figure, measure
from bench.analysis.peer_files import write_perf, write_trace_dat
from tracectl.module.dkms import enter_root


@dataclass(frozen=True, slots=True)
class Place:
    """Where a program is: ``prefix`` enters it, ``directory`` is for what it reads, which it knows
    as ``inside``."""

    prefix: Sequence[str]
    directory: Path
    inside: Path


@contextmanager
def place_of(program: str) -> Iterator[Place | None]:
    """Here, or else in the root of bench.peer_root; None where it is in neither."""
    root = peer_root.directory()
    is_here = shutil.which(program) is not None
    if not is_here and not (root / "usr/bin" / program).exists():
        print(f"bench.analysis: {program} is not installed", file=sys.stderr)
        yield None
        return
    parent = None if is_here else root / "var/tmp"
    with tempfile.TemporaryDirectory(prefix="tracectl-bench-", dir=parent) as name:
        directory = Path(name)
        inside = directory if is_here else Path("/", directory.relative_to(root))
        yield Place([] if is_here else enter_root(root), directory, inside)


def iter_figures(
    capture: Path, events: int, tracectl: Sequence[str]
) -> Iterator[tuple[str, Figure]]:
    """Of the readers that there are. SystemExit when one does not read all ``events``."""
    with place_of("babeltrace2") as place:
        if place is not None:
            output = place.directory / "ctf"
            export = [*tracectl, "export", "--to", "ctf", "-o", str(output), str(capture)]
            subprocess.run(export, check=True, stderr=subprocess.DEVNULL)
            command = [*place.prefix, "babeltrace2", str(place.inside / "ctf")]
            yield "babeltrace2, text", _checked(measure(command, events))
            if FIRST:
                # Whoever reads from it would have to wait.
                silent = ["sh", "-c", f"{shlex.join(command)} >/dev/null"]
                yield document.first_of_all("babeltrace2, text"), measure([*FIRST, *silent], events)
            counter = [*command, "--component=sink.utils.counter"]
            yield "babeltrace2, counter", measure(counter, events)
    with place_of("perf") as place:
        if place is not None:
            halves = write_perf(place.directory / "perf.data", capture)
            command = [*place.prefix, "perf", "script", "-i", str(place.inside / "perf.data")]
            yield "perf script", _checked(measure(command, halves))
    with place_of("trace-cmd") as place:
        if place is not None:
            halves = write_trace_dat(place.directory / "trace.dat", capture)
            command = [*place.prefix, "trace-cmd", "report", str(place.inside / "trace.dat")]
            # Its first line says how many CPUs there are.
            yield "trace-cmd report", _checked(measure(command, halves), heads=1)


def _checked(figure: Figure, heads: int = 0) -> Figure:
    if figure.lines - heads != figure.events:
        raise SystemExit(f"{figure.lines - heads} lines of {figure.events} events")
    return figure
