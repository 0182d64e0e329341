"""Copies that the kernel made of what its calls were given: paths, arguments of programs,
addresses of sockets; and of what they opened."""

from __future__ import annotations

from typing import NamedTuple

from tracectl.abi.records import Kind
from tracectl.decode.subbuffer import Records, Rows

COPY_KINDS = frozenset({Kind.NAME, Kind.ARGV, Kind.ADDRESS, Kind.FILE})


class Copy(NamedTuple):
    """``site`` is a name's Site or an address's AddressSite, ``variables`` counts an exec's
    environment, ``fd`` is a file's."""

    kind: int
    data: bytes
    flags: int
    site: int = 0
    variables: int = 0
    fd: int = 0


def copies_of(records: Records, rows: Rows) -> list[Copy]:
    """What is in ``rows``, all of COPY_KINDS."""
    kinds = records.kind[rows]
    found: dict[int, Copy] = {}
    for kind in COPY_KINDS:
        mine = rows[kinds == kind]
        bodies = records.bodies(kind, mine)
        columns = [
            bodies[name].tolist() if name in (bodies.dtype.names or ()) else [0] * len(mine)
            for name in ("flags", "site", "variables", "fd")
        ]
        strings = records.iter_strings(mine)
        for row, data, *fields in zip(mine.tolist(), strings, *columns, strict=True):
            found[row] = Copy(int(kind), data, *fields)
    return [found[row] for row in rows.tolist()]
