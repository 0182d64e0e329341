"""Copies of what calls were given: by the kernel of paths, arguments of programs and addresses of
sockets, and of what they opened; and of user memory."""

from __future__ import annotations

from itertools import repeat
from typing import NamedTuple, cast

import numpy as np

from tracectl.abi.records import GRANULE, Kind
from tracectl.decode.subbuffer import Records, Rows

COPY_KINDS = frozenset({Kind.NAME, Kind.ARGV, Kind.ADDRESS, Kind.FILE, Kind.USER, Kind.DIVERGENCE})


class Copy(NamedTuple):
    """``data`` is the string of a record of ``kind``, the rest its fields; 0 where it has none."""

    kind: int
    data: bytes
    flags: int
    site: int = 0
    variables: int = 0
    fd: int = 0
    argument: int = 0
    form: int = 0
    given: int = 0
    user_bytes: int = 0
    dfd: int = 0

    @property
    def paths(self) -> tuple[bytes, bytes]:
        """Of a divergence: the path at the entry of the call, and the one that it acted on."""
        return self.data[: self.user_bytes], self.data[self.user_bytes + 1 :]


_KNOWN_BYTES = 256
_MOST_KNOWN = 1 << 15
_known: dict[int, dict[bytes, Copy]] = {kind: {} for kind in COPY_KINDS}
"""By the bytes of a record without its head: names come again and again, and to make one takes ten
times as long as to find it."""


def copies_of(records: Records, rows: Rows) -> list[Copy]:
    """What is in ``rows``, all of COPY_KINDS; equal ones may be one object."""
    if not len(rows):
        return []
    data = records.words.tobytes()
    kinds = records.kind[rows]
    found: list[Copy | None] = [None] * len(rows)
    for kind in np.flatnonzero(np.bincount(kinds)).tolist():
        places = np.flatnonzero(kinds == kind)
        copies = _copies_of_kind(records, Kind(kind), rows[places], data)
        if len(copies) == len(found):
            return copies
        for place, copy in zip(places.tolist(), copies, strict=True):
            found[place] = copy
    return [copy for copy in found if copy is not None]


def _copies_of_kind(records: Records, kind: Kind, rows: Rows, data: bytes) -> list[Copy]:
    known = _known[kind]
    if len(known) > _MOST_KNOWN:
        known.clear()
    granules = records.granules[rows]
    if int(granules.min()) != int(granules.max()):
        # The same bytes could be another string.
        return _make_copies(records, kind, rows)
    starts = (records.granule[rows] + 1) * GRANULE
    ends = starts + granules.astype(np.intp) * GRANULE + records.id[rows]
    raw = [data[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
    found = list(map(known.get, raw))
    missing = [place for place, copy in enumerate(found) if copy is None]
    if missing:
        made = _make_copies(records, kind, rows[missing])
        for place, copy in zip(missing, made, strict=True):
            found[place] = copy
            if len(raw[place]) <= _KNOWN_BYTES:
                known[raw[place]] = copy
    return cast(list[Copy], found)


def _make_copies(records: Records, kind: Kind, rows: Rows) -> list[Copy]:
    bodies = records.bodies(kind, rows)
    names = bodies.dtype.names or ()
    columns = [
        bodies[field].tolist() if field in names else repeat(0) for field in Copy._fields[2:]
    ]
    strings = records.strings(rows)
    return list(map(Copy, repeat(int(kind)), strings, *columns))
