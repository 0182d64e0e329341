"""Copies of what calls were given: by the kernel of paths, arguments of programs and addresses of
sockets, and of what they opened; and of user memory."""

from __future__ import annotations

from itertools import repeat
from typing import NamedTuple

import numpy as np

from tracectl.abi.records import Kind
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


def copies_of(records: Records, rows: Rows) -> list[Copy]:
    """What is in ``rows``, all of COPY_KINDS."""
    kinds = records.kind[rows]
    found: dict[int, Copy] = {}
    for kind in COPY_KINDS:
        places = np.flatnonzero(kinds == kind)
        if not len(places):
            continue
        mine = rows[places]
        bodies = records.bodies(kind, mine)
        names = bodies.dtype.names or ()
        columns = [
            bodies[field].tolist() if field in names else repeat(0) for field in Copy._fields[2:]
        ]
        strings = records.iter_strings(mine)
        found.update(
            zip(places.tolist(), map(Copy, repeat(int(kind)), strings, *columns), strict=True)
        )
    return [found[place] for place in range(len(rows))]
