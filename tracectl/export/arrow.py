"""Columns as Arrow's, which Parquet files and the views of ``tracectl query`` are made of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from tracectl.export.columns import Column, Columns

_TIME = pa.timestamp("ns", tz="UTC")


def batch_of(columns: Columns) -> pa.RecordBatch:
    """Words are dictionary-encoded, lists of words are lists of strings."""
    return pa.RecordBatch.from_arrays(
        [_array_of(column) for column in columns.values()], names=list(columns)
    )


def _array_of(column: Column) -> Any:
    if column.offsets is None:
        mask = None if column.valid is None else ~column.valid
        if column.words is None:
            kind = _TIME if column.values.dtype.kind == "M" else None
            return pa.array(column.values, type=kind, mask=mask)
        codes = pa.array(column.values, type=pa.int32(), mask=mask)
        return pa.DictionaryArray.from_arrays(codes, pa.array(column.words, pa.string()))
    values = pa.array(column.values)
    if column.words is not None:
        values = pa.array(column.words, pa.string()).take(values)
    mask = None if column.valid is None else pa.array(~column.valid)
    return pa.ListArray.from_arrays(column.offsets.astype(np.int32), values, mask=mask)
