"""Calls one by one, for what cannot be done with columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tracectl.analysis.calls import Calls, State
from tracectl.decode.copies import Copy


class Row(NamedTuple):
    """A call. ``begin_ns`` is None where its entry is missing, ``end_ns`` and ``result`` where its
    exit is; ``arguments`` are not sign-extended."""

    tid: int
    tgid: int
    abi: int
    nr: int
    begin_ns: int | None
    end_ns: int | None
    result: int | None
    arguments: list[int]
    copies: list[Copy]


def iter_rows(calls: Calls) -> Iterator[Row]:
    """In their order."""
    copies: dict[int, list[Copy]] = {}
    for row, copy in zip(calls.copy_row, calls.copies, strict=True):
        copies.setdefault(row, []).append(copy)
    columns = (
        calls.tid, calls.tgid, calls.abi, calls.nr, calls.entry_ns, calls.exit_ns, calls.result,
        calls.arguments, calls.state,
    )  # fmt: skip
    values = zip(*(column.tolist() for column in columns), strict=True)
    for row, (tid, tgid, abi, nr, begin_ns, end_ns, result, arguments, state) in enumerate(values):
        yield Row(
            tid,
            tgid,
            abi,
            nr,
            None if state == State.NO_ENTRY else begin_ns,
            None if state == State.UNFINISHED else end_ns,
            None if state == State.UNFINISHED else result,
            arguments,
            copies.get(row, []),
        )
