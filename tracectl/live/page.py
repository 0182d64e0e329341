"""The calls of one sub-buffer, as columns that are filled in as their exits come."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracectl.abi.records import NEAR_KINDS, NR_BITS, SHAPES, Abi, Kind
from tracectl.decode.arguments import numbers_of
from tracectl.decode.near import results_of
from tracectl.decode.subbuffer import Records, Rows, decode_subbuffer

OPEN_NS = -1
"""The duration of a call whose exit has not come."""
NO_PATH = -1
EXIT = -1
NO_CALL = -2
_OTHER_NR = SHAPES - 1

I64 = NDArray[np.int64]


@dataclass(slots=True)
class Page:
    """One row a call that was entered in here, in order of time.

    ``row`` is its ENTRY among the records; ``slot`` is ABI * 512 + number, numbers above 511 being
    511; ``first`` the low half of its first argument, where a descriptor is; ``duration_ns`` is
    OPEN_NS until its exit is known; ``path`` is a number of Paths, or NO_PATH. ``version`` grows
    with every change, so that what was found in a page can be kept.
    """

    number: int
    cpu: int
    first_ns: int
    last_ns: int
    data: bytes
    records: int
    row: I64
    time_ns: I64
    slot: NDArray[np.int32]
    tid: NDArray[np.uint32]
    tgid: NDArray[np.uint32]
    first: NDArray[np.int32]
    duration_ns: I64
    result: I64
    path: NDArray[np.int32]
    version: int = 0

    def __len__(self) -> int:
        return len(self.row)

    def cut(self, from_ns: int, to_ns: int) -> Page:
        """Only the calls that were entered between these times."""
        kept = np.flatnonzero((self.time_ns >= from_ns) & (self.time_ns < to_ns))
        return replace(self, **{name: getattr(self, name)[kept] for name in _COLUMNS})

    def decode(self) -> Records:
        """Its records again: keeping them would take as much memory as all else."""
        return decode_subbuffer(self.data)


@dataclass(frozen=True, slots=True)
class Far:
    """Entries without a near exit, exits without a near entry, and starts and ends of threads, of
    one page: in order of time.

    ``index`` is the entry's place in the page, EXIT, or NO_CALL where a thread is in none; ``slot``
    to ``path`` are the entry's, as the page has them.
    """

    time_ns: I64
    tid: I64
    index: I64
    result: I64
    page: I64
    slot: I64
    tgid: I64
    first: I64
    path: I64

    def __len__(self) -> int:
        return len(self.time_ns)


def page_of(number: int, data: bytes, records: Records) -> Page:
    """The page of ``records``, which were decoded from ``data``."""
    entries = records.rows(Kind.ENTRY)
    numbers = numbers_of(records, entries)
    known = (numbers >= 0) & (numbers < _OTHER_NR)
    abi = np.minimum(records.id[entries] >> NR_BITS, Abi.X32).astype(np.int32)
    page = Page(
        number=number,
        cpu=records.cpu,
        first_ns=records.first_ns,
        last_ns=records.last_ns,
        data=data,
        records=len(records),
        row=entries.astype(np.int64),
        time_ns=records.time_ns[entries].astype(np.int64),
        slot=(abi * SHAPES + np.where(known, numbers, _OTHER_NR)).astype(np.int32),
        tid=records.tid[entries],
        tgid=records.tgid[entries],
        first=_first_of(records, entries),
        duration_ns=np.full(len(entries), OPEN_NS, np.int64),
        result=np.zeros(len(entries), np.int64),
        path=np.full(len(entries), NO_PATH, np.int32),
    )
    _pair_near(page, records)
    return page


def _first_of(records: Records, entries: Rows) -> NDArray[np.int32]:
    # What follows the last entry without arguments may be the end.
    at = np.minimum(records.granule[entries] + 1, len(records.words) - 1)
    low = (records.words[at] & np.uint64(0xFFFFFFFF)).astype(np.uint32).view(np.int32)
    first: NDArray[np.int32] = np.where(records.granules[entries] > 0, low, -1)
    return first


def _pair_near(page: Page, records: Records) -> None:
    exits = records.rows(*NEAR_KINDS)
    at = np.searchsorted(page.row, records.near_entries(exits))
    page.duration_ns[at] = records.time_ns[exits].astype(np.int64) - page.time_ns[at]
    page.result[at] = results_of(records, exits)


def far_of(page: Page, records: Records) -> Far:
    """What of ``page`` is left to be paired; its calls have their paths by now."""
    exits = records.rows(Kind.EXIT)
    lives = records.rows(Kind.FORK, Kind.TASK_EXIT)
    entries = np.flatnonzero(page.duration_ns == OPEN_NS)
    row = np.concatenate((page.row[entries], exits, lives))
    order = np.argsort(row, kind="stable")
    nothing: I64 = np.zeros(len(exits) + len(lives), np.int64)
    tid, result = records.tid[row].astype(np.int64), np.zeros(len(row), np.int64)
    result[len(entries) : len(entries) + len(exits)] = results_of(records, exits)
    forks = np.flatnonzero(records.kind[row] == Kind.FORK)
    tid[forks] = records.bodies(Kind.FORK, row[forks])["tid"]

    def column(values: NDArray[Any], rest: I64) -> I64:
        return np.concatenate((values.astype(np.int64), rest))[order]

    return Far(
        time_ns=records.time_ns[row[order]].astype(np.int64),
        tid=tid[order],
        index=column(entries, np.where(np.arange(len(nothing)) < len(exits), EXIT, NO_CALL)),
        result=result[order],
        page=np.full(len(order), page.number, np.int64),
        slot=column(page.slot[entries], nothing),
        tgid=column(page.tgid[entries], nothing),
        first=column(page.first[entries], nothing),
        path=column(page.path[entries], nothing + NO_PATH),
    )


_COLUMNS = ("row", "time_ns", "slot", "tid", "tgid", "first", "duration_ns", "result", "path")
