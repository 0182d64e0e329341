"""Arguments of system calls out of ENTRY records."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tracectl import walk
from tracectl.abi.records import GRANULE, NR_BITS, NR_ESCAPE, SHAPES
from tracectl.decode.subbuffer import Records, Rows
from tracectl.errors import DecodeError

UNKNOWN_SHAPE = (6, 0x3F)
Shapes = Sequence[Sequence[tuple[int, int]]]
"""By ABI and number: how many arguments, and a bit for each that is 8 bytes wide."""


def numbers_of(records: Records, rows: Rows) -> NDArray[np.int64]:
    """The system-call numbers of the ENTRY records ``rows``, without the ABI's bits."""
    numbers = (records.id[rows] & NR_ESCAPE).astype(np.int64)
    escaped = np.flatnonzero(numbers == NR_ESCAPE)
    if len(escaped):
        _check_size(records, rows[escaped], GRANULE)
        numbers[escaped] = records.words[records.granule[rows[escaped]] + 1].view(np.int64)
    return numbers


def arguments_of(records: Records, rows: Rows, shapes: Shapes) -> NDArray[np.uint64]:
    """The arguments of the ENTRY records ``rows``: shape (len(rows), 6), uint64, not sign-extended.

    Those that a call does not have are 0.
    """
    arguments = np.zeros((len(rows), 6), np.uint64)
    if walk.compiled is not None:
        table = _table_of(shapes)
        if walk.compiled.take_arguments(*records.columns, rows, table, arguments) is not None:
            return arguments
        arguments.fill(0)
    ids = records.id[rows]
    for call_id in np.flatnonzero(np.bincount(ids)).tolist():
        which = np.flatnonzero(ids == call_id)
        arguments[which] = _unpack(records, rows[which], call_id, shapes)
    return arguments


_last_table: tuple[Shapes, NDArray[np.uint8]] = ((), np.zeros((0, 2), np.uint8))


def _table_of(shapes: Shapes) -> NDArray[np.uint8]:
    """``shapes`` as the compiled pass has them: one after the other. A capture's are asked for with
    every sub-buffer."""
    global _last_table  # noqa: PLW0603
    known, table = _last_table
    if known is not shapes:
        table = np.array([shape for of_abi in shapes for shape in of_abi], np.uint8)
        _last_table = shapes, table
    return table


def _unpack(records: Records, rows: Rows, call_id: int, shapes: Shapes) -> NDArray[np.uint64]:
    number, abi = call_id & NR_ESCAPE, call_id >> NR_BITS
    count, wide = UNKNOWN_SHAPE
    if number < SHAPES and abi < len(shapes):
        count, wide = shapes[abi][number]
    offset = GRANULE if number == NR_ESCAPE else 0
    sizes = [8 if wide >> index & 1 else 4 for index in range(count)]
    _check_size(records, rows, offset + sum(sizes))
    halves = records.words.view(np.uint32)
    first = (records.granule[rows] + 1) * 2
    arguments = np.zeros((len(rows), 6), np.uint64)
    for index, size in enumerate(sizes):
        at = first + offset // 4
        arguments[:, index] = halves[at]
        if size == 8:
            arguments[:, index] |= halves[at + 1].astype(np.uint64) << np.uint64(32)
        offset += size
    return arguments


def _check_size(records: Records, rows: Rows, size_bytes: int) -> None:
    if int(records.granules[rows].min()) * GRANULE < size_bytes:
        raise DecodeError("an ENTRY record is shorter than its arguments")
