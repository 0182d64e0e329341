"""JSON lines: an object a call."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import IO

from tracectl.analysis.calls import Calls
from tracectl.export.columns import Source, columns_of


def write_jsonl(file: IO[str], source: Source, blocks: Iterable[Calls]) -> None:
    """Calls as the columns of docs/query.md; what a call has not is left out."""
    for calls in blocks:
        columns = columns_of(source, calls)
        names = list(columns)
        encode = json.JSONEncoder(separators=(",", ":")).encode
        lines = [
            encode(
                {name: value for name, value in zip(names, row, strict=True) if value is not None}
            )
            for row in zip(*(column.to_list() for column in columns.values()), strict=True)
        ]
        file.write("".join(f"{line}\n" for line in lines))
