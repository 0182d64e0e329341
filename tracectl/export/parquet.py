"""Parquet: one file, or a data set with a directory a host and day."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tracectl.analysis.calls import Calls
from tracectl.capture.metadata import Metadata
from tracectl.export.arrow import batch_of
from tracectl.export.columns import CALL_COLUMNS, Source, columns_of
from tracectl.export.partial import partial_file

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


def write_dataset(
    directory: Path, source: Source, metadata: Metadata, blocks: Iterable[Calls]
) -> None:
    """``directory/host=HOST/day=YYYY-MM-DD/FILE-ID.parquet``, days in UTC; the parts' names are
    what engines call Hive partitioning."""
    name = f"{Path(source.file).stem}-{_identity_of(metadata)}.parquet"
    with ExitStack() as files, ExitStack() as open_files:
        writers: dict[str, Any] = {}
        for calls in blocks:
            columns = columns_of(source, calls)
            del columns["host"]
            days = columns["time"].values.astype("datetime64[D]")
            batch = batch_of(columns)
            for day in np.unique(days):
                key = str(day)
                if key not in writers:
                    place = directory / f"host={quote(source.host, safe='')}" / f"day={key}"
                    place.mkdir(parents=True, exist_ok=True)
                    path = files.enter_context(partial_file(place / name))
                    writers[key] = open_files.enter_context(_open(path, batch.schema))
                writers[key].write_batch(batch.filter(pa.array(days == day)))


def _identity_of(metadata: Metadata) -> str:
    """Of all captures, those with the same name too. Snapshots of a flight recorder have its
    session's id, but each begins at another time."""
    facts = metadata.host.boot_id, metadata.session_id, metadata.clocks[0].trace_ns
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:8]


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
