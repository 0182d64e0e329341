"""What a session records: the terms that the module judges threads and calls by."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

from tracectl.abi.control import Filter, FilterFlag
from tracectl.abi.records import ABIS, COMM_BYTES, SHAPES

COMM_MAX_BYTES = COMM_BYTES - 1


@dataclass(frozen=True, slots=True)
class Terms:
    """All of those given have to hold; None is no term.

    ``comm`` is a thread's whole name, ``cgroup`` the inode of a directory of cgroup v2, in or below
    which the thread is, ``calls`` the slots (ABI * 512 + number) of the system calls wanted.
    """

    uid: int | None = None
    comm: str | None = None
    cgroup: int | None = None
    calls: frozenset[int] | None = None

    @property
    def has_threads(self) -> bool:
        """Threads are judged, not calls alone."""
        return any(term is not None for term in (self.uid, self.comm, self.cgroup))

    def pack(self) -> bytes:
        """As struct tracectl_filter."""
        flags = FilterFlag(0)
        for flag, term in zip(
            FilterFlag, (self.uid, self.comm, self.cgroup, self.calls), strict=True
        ):
            if term is not None:
                flags |= flag
        data: bytes = Filter.build(
            {
                "flags": flags,
                "uid": self.uid or 0,
                "cgroup": self.cgroup or 0,
                "comm": os.fsencode(self.comm or "")[:COMM_MAX_BYTES].ljust(COMM_BYTES, b"\0"),
                "calls": _bits(self.calls or ()),
                "reserved": [0] * 4,
            }
        )
        return data


def _bits(slots: Iterable[int]) -> bytes:
    bits = bytearray(ABIS * SHAPES // 8)
    for slot in slots:
        bits[slot // 8] |= 1 << slot % 8
    return bytes(bits)
