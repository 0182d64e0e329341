"""tracectl export"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tracectl.abi.records import Kind
from tracectl.capture.reader import Capture, open_capture
from tracectl.cli.extras import needs
from tracectl.cli.losses import losses_of
from tracectl.cli.output import say
from tracectl.cli.progress import Conversion
from tracectl.cli.reading import iter_records, spare_capture
from tracectl.cli.sources import iter_calls, source_of
from tracectl.errors import EXIT_OK, CaptureError, UsageError
from tracectl.export.partial import partial_file, partial_trace
from tracectl.render.table import format_size

if TYPE_CHECKING:
    from tracectl.abi.totals import CpuTotals
    from tracectl.analysis.calls import Calls
    from tracectl.decode.subbuffer import Records
    from tracectl.export.columns import Source

HELP = "write a capture as other tools read it"
EXAMPLES = """\
  tracectl export --to perfetto a.trace             a.perfetto-trace, for ui.perfetto.dev
  tracectl export --to parquet a.trace              a.parquet, for DuckDB, pandas, Spark, ...
  tracectl export --to parquet -o traces/ a.trace   into a data set, by host and day
  tracectl export --to ctf -o a.ctf a.trace         for babeltrace2 and Trace Compass
  tracectl export --to jsonl -o - a.trace | jq .    an object a call, on stdout

docs/export.md says what each format holds, and what it cannot."""

SUFFIXES = {
    "jsonl": ".jsonl",
    "parquet": ".parquet",
    "ctf": ".ctf",
    "perfetto": ".perfetto-trace",
}


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="the capture")
    parser.add_argument("--to", required=True, choices=list(SUFFIXES), help="the format")
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="where to; otherwise beside the capture. A directory (which ctf always is) for a "
        "Parquet data set, - for JSON lines on stdout",
    )


def run(args: argparse.Namespace) -> int:
    is_stdout = args.output == "-"
    if is_stdout and args.to != "jsonl":
        raise UsageError("only JSON lines go to stdout")
    output = _output_of(args)
    with open_capture(args.file) as capture:
        if not is_stdout:
            spare_capture(capture, output)
        # Before anything is written: is it a capture whose tables can be read?
        source = source_of(capture)
        try:
            _WRITERS[args.to](capture, source, args.output or str(output))
        except BrokenPipeError:
            raise
        except OSError as error:
            raise CaptureError(output, f"cannot be written: {error.strerror}") from error
        problems, lost = capture.problems, losses_of(capture).describe()
    for problem in problems:
        say(f"{args.file}: {problem}")
    if lost:
        say(f"{args.file}: {lost} and are missing in the export")
    if not is_stdout:
        say(f"{output}: {format_size(_size_of(output))}")
    return EXIT_OK


def _output_of(args: argparse.Namespace) -> Path:
    if args.output is not None:
        return Path(args.output)
    stem: Path = args.file.with_suffix("") if args.file.suffix == ".trace" else args.file
    return stem.with_name(stem.name + SUFFIXES[args.to])


def _to_jsonl(capture: Capture, source: Source, output: str) -> None:
    from tracectl.export.jsonl import write_jsonl  # noqa: PLC0415 - numpy

    if output == "-":
        write_jsonl(sys.stdout, source, iter_calls(capture))
        return
    with partial_file(Path(output)) as path, path.open("w", encoding="utf-8") as file:
        write_jsonl(file, source, _watched_calls(capture, path))


def _to_parquet(capture: Capture, source: Source, output: str) -> None:
    with needs("export"):
        from tracectl.export.parquet import write_dataset, write_parquet  # noqa: PLC0415

    path = Path(output)
    if output.endswith("/") or path.is_dir():
        write_dataset(path, source, capture.metadata, _watched_calls(capture, path))
        return
    with partial_file(path) as path:
        write_parquet(path, source, _watched_calls(capture, path))


def _to_ctf(capture: Capture, source: Source, output: str) -> None:
    from tracectl.export.ctf import write_ctf  # noqa: PLC0415 - numpy

    with partial_trace(Path(output)) as path:
        records = _watched_records(capture, path)
        write_ctf(path, source, capture.metadata, records, _totals_of(capture))


def _to_perfetto(capture: Capture, source: Source, output: str) -> None:
    from tracectl.export.perfetto import write_perfetto  # noqa: PLC0415 - numpy

    with partial_file(Path(output)) as path, path.open("wb") as file:
        write_perfetto(file, source, capture.metadata, _watched_calls(capture, path))


_WRITERS: dict[str, Callable[[Capture, Source, str], None]] = {
    "jsonl": _to_jsonl,
    "parquet": _to_parquet,
    "ctf": _to_ctf,
    "perfetto": _to_perfetto,
}


def _totals_of(capture: Capture) -> list[CpuTotals]:
    return [] if capture.end is None else capture.end.cpus


def _watched_calls(capture: Capture, path: Path) -> Iterator[Calls]:
    expected = 0
    if capture.end is not None:
        cpus = capture.end.cpus
        expected = sum(cpu.generated[Kind.ENTRY] - cpu.lost[Kind.ENTRY] for cpu in cpus)
    with Conversion(expected, lambda: _size_of(path)) as conversion:
        for calls in iter_calls(capture):
            yield calls
            conversion.advance(len(calls))


def _watched_records(capture: Capture, path: Path) -> Iterator[Records]:
    with Conversion(len(capture), lambda: _size_of(path)) as conversion:
        for records in iter_records(capture):
            yield records
            conversion.advance(1)


def _size_of(path: Path) -> int:
    """Of the file, or of all files below it."""
    files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
    return sum(one.stat().st_size for one in files)
