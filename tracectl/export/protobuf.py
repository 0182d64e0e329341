"""Protocol buffers' wire format, a whole column of messages at a time.

A varint may be longer than it has to be, so the same field of many messages can be given the same
width, and the messages become a matrix of bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Part = bytes | Bytes
"""Bytes that all messages have alike, or a matrix with a row for each."""

_VARINT, _LENGTH = 0, 2


def varint(value: int) -> bytes:
    """``value`` as short as can be; a negative one has 10 bytes, as int64."""
    value &= 0xFFFFFFFFFFFFFFFF
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def varints(values: NDArray[Any]) -> Bytes:
    """A row a value, all as long as the longest needs."""
    unsigned = values.astype(np.int64).view(np.uint64) if values.dtype.kind == "i" else values
    width = len(varint(int(unsigned.max(initial=0))))
    shifts = np.arange(width, dtype=np.uint64) * np.uint64(7)
    rows = (unsigned.astype(np.uint64)[:, None] >> shifts).astype(np.uint8)
    rows[:, :-1] |= 0x80
    rows[:, -1] &= 0x7F
    return rows


def number(field: int, value: int) -> bytes:
    """A field that is an integer."""
    return varint(field << 3 | _VARINT) + varint(value)


def numbers(field: int, values: NDArray[Any]) -> list[Part]:
    return [varint(field << 3 | _VARINT), varints(values)]


def text(field: int, value: bytes | str) -> bytes:
    """A field that is a string, or a message of which all bytes are known."""
    data = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | _LENGTH) + varint(len(data)) + data


def messages(
    field: int, parts: Sequence[Part], tails: NDArray[np.int64] | None = None
) -> list[Part]:
    """A field that is a message of ``parts``, behind which come ``tails`` more bytes."""
    size = size_of(parts)
    length: Part = varint(size) if tails is None else varints(size + tails)
    return [varint(field << 3 | _LENGTH), length, *parts]


def size_of(parts: Sequence[Part]) -> int:
    return sum(len(part) if isinstance(part, bytes) else part.shape[1] for part in parts)


def stack(count: int, parts: Sequence[Part]) -> Bytes:
    """The matrix of ``count`` rows that has ``parts`` side by side."""
    out = np.empty((count, size_of(parts)), np.uint8)
    at = 0
    for part in parts:
        width = size_of([part])
        out[:, at : at + width] = np.frombuffer(part, np.uint8) if isinstance(part, bytes) else part
        at += width
    return out
