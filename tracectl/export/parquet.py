"""Parquet: one file, or a data set with a directory a host and day."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tracectl.analysis.calls import Calls
from tracectl.export.arrow import batch_of
from tracectl.export.columns import CALL_COLUMNS, Source, columns_of

_STEADY = ("time", "entry_ns", "exit_ns")
"""They grow steadily, so that their differences take fewest bytes."""
_VARIED = ("duration_ns", "result")
"""Numbers whose high bytes are alike, and compress best by themselves."""


def write_parquet(path: Path, source: Source, blocks: Iterable[Calls]) -> None:
    """All calls in one file, in order of time, compressed with zstd."""
    writer: Any = None
    try:
        for calls in blocks:
            batch = batch_of(columns_of(source, calls))
            writer = writer or _open(path, batch.schema)
            writer.write_batch(batch)
    finally:
        if writer is not None:
            writer.close()


def write_dataset(directory: Path, source: Source, blocks: Iterable[Calls]) -> None:
    """``directory/host=HOST/day=YYYY-MM-DD/FILE.parquet``, days in UTC; the parts' names are
    what engines call Hive partitioning."""
    writers: dict[str, Any] = {}
    stem = Path(source.file).stem
    try:
        for calls in blocks:
            columns = columns_of(source, calls)
            del columns["host"]
            days = columns["time"].values.astype("datetime64[D]")
            batch = batch_of(columns)
            for day in np.unique(days):
                name = str(day)
                if name not in writers:
                    place = directory / f"host={quote(source.host, safe='')}" / f"day={name}"
                    place.mkdir(parents=True, exist_ok=True)
                    writers[name] = _open(place / f"{stem}.parquet", batch.schema)
                writers[name].write_batch(batch.filter(pa.array(days == day)))
    finally:
        for writer in writers.values():
            writer.close()


def _open(path: Path, schema: pa.Schema) -> Any:
    described = [
        column.with_metadata({"description": CALL_COLUMNS[column.name]}) for column in schema
    ]
    encoding = dict.fromkeys(_STEADY, "DELTA_BINARY_PACKED")
    encoding |= dict.fromkeys(_VARIED, "BYTE_STREAM_SPLIT")
    words = [column.name for column in schema if pa.types.is_dictionary(column.type)]
    return pq.ParquetWriter(
        path,
        pa.schema(described),
        compression="zstd",
        use_dictionary=[*words, "paths.list.element"],
        column_encoding=encoding,
        sorting_columns=[pq.SortingColumn(schema.get_field_index("time"))],
    )
