"""JSON lines: an object a call.

Written column by column: of the columns that have few different values in a block, and these are
most, the members that stand beside each other are made once for all rows that have the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import IO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tracectl.analysis.calls import Calls
from tracectl.analysis.codes import codes_of
from tracectl.export.columns import Column, Source, columns_of

_encode = json.JSONEncoder(separators=(",", ":")).encode
_MOST_CODES = 1 << 17
_SECOND_NS = 1_000_000_000


def write_jsonl(file: IO[str], source: Source, blocks: Iterable[Calls]) -> None:
    """Calls as the columns of docs/query.md; what a call has not is left out."""
    for calls in blocks:
        members = list(_iter_members(columns_of(source, calls)))
        # Each ends with a comma.
        lines = ["{" + line[:-1] + "}\n" for line in map("".join, zip(*members, strict=True))]
        file.write("".join(lines))


class _Few(NamedTuple):
    """Of each row the index of its text."""

    codes: NDArray[np.int64]
    texts: list[str]

    def of_rows(self) -> list[str]:
        texts = self.texts
        return [texts[code] for code in self.codes.tolist()]

    def beside(self, other: _Few) -> _Few | None:
        """Both, the other one behind; None where they could be too many."""
        if len(self.texts) * len(other.texts) > _MOST_CODES:
            return None
        size = len(other.texts)
        codes, present = codes_of(self.codes * size + other.codes)
        texts = [self.texts[both // size] + other.texts[both % size] for both in present]
        return _Few(codes.astype(np.int64), texts)


def _iter_members(columns: dict[str, Column]) -> Iterator[list[str]]:
    """Texts of each row, which together are its object's members."""
    held: _Few | None = None
    for name, column in columns.items():
        few = _few_of(f"{_encode(name)}:", column)
        if held is not None and few is not None and (joined := held.beside(few)) is not None:
            held = joined
            continue
        if held is not None:
            yield held.of_rows()
        held = few
        if few is None:
            yield _texts_of(f"{_encode(name)}:", column)
    if held is not None:
        yield held.of_rows()


def _few_of(head: str, column: Column) -> _Few | None:
    """None where it has many values, or may have."""
    values = column.values
    if column.offsets is not None or values.dtype.kind == "M" or not len(values):
        return None
    if column.words is not None:
        codes, texts = values.astype(np.int64), list(map(_encode, column.words))
    elif int(values.max()) - int(values.min()) < _MOST_CODES:
        which, numbers = codes_of(values.astype(np.int64))
        codes, texts = which.astype(np.int64), list(map(str, numbers))
    else:
        return None
    texts = [f"{head}{text}," for text in texts]
    if column.valid is not None:
        codes = np.where(column.valid, codes, len(texts))
        texts.append("")
    return _Few(codes, texts)


def _texts_of(head: str, column: Column) -> list[str]:
    """Of numbers, times and lists."""
    if column.offsets is not None:
        texts = _lists_of(head, column)
    elif column.values.dtype.kind == "M":
        texts = _times_of(head, column.values.view(np.int64))
    else:
        texts = [f"{head}{value}," for value in column.values.tolist()]
    if column.valid is None:
        return texts
    valid = column.valid.tolist()
    return [text if is_valid else "" for text, is_valid in zip(texts, valid, strict=True)]


def _times_of(head: str, real_ns: NDArray[np.int64]) -> list[str]:
    seconds, fractions_ns = np.divmod(real_ns, _SECOND_NS)
    different, which = np.unique(seconds, return_inverse=True)
    days = np.datetime_as_string(different.view("datetime64[s]")).tolist()
    begins = [f'{head}"{day}.' for day in days]
    pairs = zip(which.tolist(), fractions_ns.tolist(), strict=True)
    return [f'{begins[second]}{fraction:09}Z",' for second, fraction in pairs]


def _lists_of(head: str, column: Column) -> list[str]:
    assert column.offsets is not None
    values = column.values.tolist()
    if column.words is None:
        items = list(map(str, values))
    else:
        words = list(map(_encode, column.words))
        items = [words[index] for index in values]
    empty = f"{head}[],"
    return [
        f"{head}[{','.join(items[start:end])}]," if end > start else empty
        for start, end in pairwise(column.offsets.tolist())
    ]
