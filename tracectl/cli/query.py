"""tracectl query"""

from __future__ import annotations

import argparse
import csv
import glob
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracectl.capture.reader import open_capture
from tracectl.cli.extras import needs
from tracectl.cli.output import print_json, say
from tracectl.cli.reading import iter_records, lost_of
from tracectl.cli.sources import iter_calls, source_of
from tracectl.errors import EXIT_OK, CaptureError, UsageError
from tracectl.render.table import format_table

if TYPE_CHECKING:
    from tracectl.export.columns import Columns

HELP = "ask captures questions in SQL"
EXAMPLES = """\
  tracectl query a.trace "SELECT syscall, count(*) FROM syscalls GROUP BY ALL ORDER BY 2 DESC"
  tracectl query a.trace "SELECT path, errno FROM names WHERE errno IS NOT NULL"
  tracectl query 'traces/*.trace' "SELECT host, kind, sum(lost) FROM loss GROUP BY ALL"
  tracectl query --format csv a.trace "FROM tasks" > tasks.csv
  tracectl query a.trace "DESCRIBE syscalls"

The SQL is DuckDB's; the views are syscalls, events, tasks, names and loss. docs/query.md says what
is in them. A query reads the captures and nothing else, and writes nothing."""

FORMATS = ("table", "csv", "json", "parquet")
_VIEWS = ("syscalls", "events", "tasks", "loss")
_LONGEST = 80


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files", metavar="FILE", nargs="+", help="captures, or patterns like 'traces/*.trace'"
    )
    parser.add_argument("sql", metavar="SQL", help="one statement")
    parser.add_argument(
        "--format", choices=FORMATS, default="table", help="of the answer (default: table)"
    )


def run(args: argparse.Namespace) -> int:
    with needs("query"):
        from tracectl.export.arrow import table_of  # noqa: PLC0415
        from tracectl.export.database import rows_of, run_query, tables_in  # noqa: PLC0415

    if args.format == "parquet" and sys.stdout.isatty():
        raise UsageError("Parquet is nothing for a terminal: add '> FILE'")
    paths = _paths_of(args.files)
    read = tables_in(args.sql)
    wanted = [view for view in _VIEWS if view in read or (view == "syscalls" and "names" in read)]
    columns: dict[str, list[Columns]] = {view: [] for view in wanted}
    for path in paths:
        _read(path, columns)
    result = run_query(args.sql, {view: table_of(parts) for view, parts in columns.items()})
    if args.format == "parquet":
        import pyarrow.parquet as pq  # noqa: PLC0415

        pq.write_table(result, sys.stdout.buffer, compression="zstd")
    else:
        _print(result.column_names, rows_of(result), args.format)
    return EXIT_OK


def _paths_of(names: Sequence[str]) -> list[Path]:
    paths = []
    for name in names:
        found = [name] if Path(name).exists() else _find(name)
        if not found:
            raise CaptureError(name, "there is no such file")
        paths += [Path(one) for one in found]
    return paths


def _find(pattern: str) -> list[str]:
    # pathlib has no pattern that may be absolute.
    return sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207


def _read(path: Path, columns: dict[str, list[Columns]]) -> None:
    """Adds the capture ``path`` to each view of ``columns``."""
    from tracectl.export.columns import columns_of  # noqa: PLC0415 - numpy
    from tracectl.export.events import event_columns, events_of  # noqa: PLC0415
    from tracectl.export.tables import loss_columns, task_columns  # noqa: PLC0415

    with open_capture(path) as capture:
        source = source_of(capture)
        if "syscalls" in columns:
            columns["syscalls"] += [columns_of(source, calls) for calls in iter_calls(capture)]
        if "events" in columns:
            known = list(capture.problems)
            shapes = capture.metadata.shapes
            columns["events"] += [
                event_columns(source, events_of(records, shapes))
                for records in iter_records(capture)
            ]
            if "syscalls" in columns:
                capture.problems[:] = known
        if "tasks" in columns:
            columns["tasks"].append(task_columns(source))
        if "loss" in columns:
            cpus = [] if capture.end is None else capture.end.cpus
            columns["loss"].append(loss_columns(source, cpus))
        problems, (_, lost) = capture.problems, lost_of(capture)
    for problem in problems:
        say(f"{path}: {problem}")
    if lost:
        say(f"{path}: {lost:,} events were lost; the view loss says which")


def _print(names: list[str], rows: list[list[Any]], form: str) -> None:
    if form == "json":
        print_json([dict(zip(names, row, strict=True)) for row in rows])
    elif form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(rows)
    else:
        cells = [[_cell(value) for value in row] for row in rows]
        left = len(names) if not rows else 0
        for value in rows[0] if rows else ():
            if isinstance(value, int | float):
                break
            left += 1
        print(format_table(names, cells, left=left))


def _cell(value: Any) -> str:
    text = "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
    text = text.encode("unicode_escape").decode() if not text.isprintable() else text
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
