"""tracectl query"""

from __future__ import annotations

import argparse
import csv
import glob
import json
import math
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from tracectl.capture.reader import open_capture
from tracectl.cli.extras import needs
from tracectl.cli.losses import losses_of
from tracectl.cli.output import say
from tracectl.cli.reading import descriptors_of
from tracectl.cli.sources import source_of
from tracectl.errors import EXIT_OK, CaptureError, UsageError
from tracectl.export.kinds import NUMBERS, STORED, TEXTS, TREES, Holds
from tracectl.render.strings import printable
from tracectl.render.table import format_rows, format_table, widths_of

HELP = "ask captures questions in SQL"
EXAMPLES = """\
  tracectl query a.trace "SELECT syscall, count(*) FROM syscalls GROUP BY ALL ORDER BY 2 DESC"
  tracectl query a.trace "SELECT path, errno FROM names WHERE errno IS NOT NULL"
  tracectl query 'traces/*.trace' "SELECT host, kind, sum(lost) FROM loss GROUP BY ALL"
  tracectl query --format csv a.trace "FROM tasks" > tasks.csv
  tracectl query a.trace "DESCRIBE syscalls"

The SQL is DuckDB's; the views are syscalls, events, tasks, names, files and loss. docs/query.md
says what is in them. A query reads the captures and nothing else, and writes nothing."""

_LONGEST = 80
_NUMBERS = int | float | Decimal


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files", metavar="FILE", nargs="+", help="captures, or patterns like 'traces/*.trace'"
    )
    parser.add_argument("sql", metavar="SQL", help="one statement")
    parser.add_argument(
        "--format", choices=list(_FORMATS), default="table", help="of the answer (default: table)"
    )


def run(args: argparse.Namespace) -> int:
    with needs("query"):
        from tracectl.export.database import Database  # noqa: PLC0415
        from tracectl.export.views import VIEWS, schema_of  # noqa: PLC0415

    if args.format == "parquet" and sys.stdout.isatty():
        raise UsageError("Parquet is nothing for a terminal: add '> FILE'")
    captures = _Captures(_paths_of(args.files))
    database = Database({view: schema_of(view) for view in VIEWS})
    plan = database.plan(args.sql)
    write, holds = _FORMATS[args.format]
    with database.answer(
        args.sql, plan, lambda view: captures.iter_batches(view, plan.wanted[view]), holds
    ) as answer:
        write(answer)
    for message in dict.fromkeys(captures.messages):
        say(message)
    return EXIT_OK


class _Captures:
    """The captures at ``paths``, opened one by one as they are read. ``messages`` are what is to be
    said of them."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.messages: list[str] = []
        self._paths = paths

    def iter_batches(self, view: str, wanted: Collection[str]) -> Iterator[Any]:
        """The rows of ``view``, with the columns ``wanted``."""
        from tracectl.export.views import has_history, iter_batches  # noqa: PLC0415

        for path in self._paths:
            with open_capture(path) as capture:
                source = source_of(capture, has_history=has_history(view, wanted))
                yield from iter_batches(view, wanted, capture, source, descriptors_of(capture))
                self.messages += [f"{path}: {problem}" for problem in capture.problems]
                if lost := losses_of(capture).describe():
                    which = "" if capture.end is None else "; the view loss says which"
                    self.messages.append(f"{path}: {lost}{which}")


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


def _write_parquet(answer: Any) -> None:
    import pyarrow.parquet as pq  # noqa: PLC0415

    with pq.ParquetWriter(sys.stdout.buffer, answer.schema, compression="zstd") as writer:
        for batch in answer:
            writer.write_batch(batch)


def _write_json(answer: Any) -> None:
    from tracectl.export.database import rows_of  # noqa: PLC0415

    names, separator = answer.schema.names, "[\n"
    for batch in answer:
        for row in rows_of(batch):
            sys.stdout.write(separator + _json_of(dict(zip(names, row, strict=True))))
            separator = ",\n"
    print("[]" if separator == "[\n" else "\n]")


def _json_of(tree: Any) -> str:
    try:
        return _encode(tree)
    except ValueError:
        return _encode(_without_nan(tree))


def _number_of(value: Decimal) -> int | float:
    return float(value) if value.as_tuple().exponent else int(value)


_encode = json.JSONEncoder(allow_nan=False, default=_number_of).encode


def _without_nan(tree: Any) -> Any:
    """Neither NaN nor infinities, which JSON has not."""
    if isinstance(tree, dict):
        return {name: _without_nan(value) for name, value in tree.items()}
    if isinstance(tree, list):
        return [_without_nan(value) for value in tree]
    return None if isinstance(tree, float) and not math.isfinite(tree) else tree


def _write_csv(answer: Any) -> None:
    from tracectl.export.database import rows_of  # noqa: PLC0415

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(answer.schema.names)
    for batch in answer:
        writer.writerows(rows_of(batch))


def _write_table(answer: Any) -> None:
    """The columns are as wide as the first rows are, or wider where a later one is."""
    from tracectl.export.database import rows_of  # noqa: PLC0415

    names: list[str] = answer.schema.names
    left, widths, is_first = len(names), [0] * len(names), True
    for batch in answer:
        rows = rows_of(batch)
        if is_first and rows:
            is_number = (isinstance(value, _NUMBERS) for value in rows[0])
            left = next((at for at, number in enumerate(is_number) if number), len(names))
        cells = [[_cell(value) for value in row] for row in rows]
        widths = widths_of([names, *cells] if is_first else cells, widths)
        lines = format_rows(cells, widths, left=left)
        if is_first:
            lines = [
                *format_rows([names, ["-" * width for width in widths]], widths, left=left),
                *lines,
            ]
        print("\n".join(lines))
        is_first = False
    if is_first:
        print(format_table(names, [], left=left))


_FORMATS: dict[str, tuple[Callable[[Any], None], Holds]] = {
    "table": (_write_table, NUMBERS),
    "csv": (_write_csv, TEXTS),
    "json": (_write_json, TREES),
    "parquet": (_write_parquet, STORED),
}


def _cell(value: Any) -> str:
    text = "" if value is None else _digits_of(value) if isinstance(value, _NUMBERS) else value
    text = printable(text)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _digits_of(value: float | Decimal) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
