"""What a session records: the terms that the module judges threads and calls by."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tracectl.abi.control import CPU_BITS, ERRNO_BITS, PREFIX_BYTES, Filter, FilterFlag
from tracectl.abi.records import ABIS, COMM_BYTES, SHAPES

COMM_MAX_BYTES = COMM_BYTES - 1
PREFIX_MAX_BYTES = PREFIX_BYTES - 1
CPUS_MAX = CPU_BITS
ALL_ERRNOS = frozenset(range(ERRNO_BITS))
"""0 stands for those above: the kernel's own, ERESTARTSYS and its like."""


@dataclass(frozen=True, slots=True)
class Terms:
    """All of those given have to hold; None is no term.

    ``comm`` is a thread's whole name, ``cgroup`` the inode of a directory of cgroup v2, in or below
    which the thread is, ``calls`` the slots (ABI * 512 + number) of the system calls wanted,
    ``cpus`` where they begin, ``errnos`` what they have to fail with, ``slower_ns`` how long they
    take at least, ``path`` what one of their paths begins with.
    """

    uid: int | None = None
    comm: str | None = None
    cgroup: int | None = None
    calls: frozenset[int] | None = None
    cpus: frozenset[int] | None = None
    errnos: frozenset[int] | None = None
    slower_ns: int | None = None
    path: str | None = None

    @property
    def await_ends(self) -> bool:
        """Only the end of a call can tell whether it is wanted."""
        return (self.errnos, self.slower_ns, self.path) != (None, None, None)

    @property
    def has_threads(self) -> bool:
        """Threads are judged, not calls alone."""
        return any(term is not None for term in (self.uid, self.comm, self.cgroup))

    def pack(self) -> bytes:
        """As struct tracectl_filter."""
        flags = FilterFlag(0)
        for flag, term in zip(FilterFlag, _values(self), strict=True):
            if term is not None:
                flags |= flag
        data: bytes = Filter.build(
            {
                "flags": flags,
                "uid": self.uid or 0,
                "cgroup": self.cgroup or 0,
                "comm": os.fsencode(self.comm or "")[:COMM_MAX_BYTES].ljust(COMM_BYTES, b"\0"),
                "calls": _bits(self.calls or (), ABIS * SHAPES),
                "cpus": _bits(self.cpus or (), CPU_BITS),
                "errnos": _bits(self.errnos or (), ERRNO_BITS),
                "slower_ns": self.slower_ns or 0,
                "path": os.fsencode(self.path or "")[:PREFIX_MAX_BYTES].ljust(PREFIX_BYTES, b"\0"),
                "reserved": [0] * 4,
            }
        )
        return data


def terms_of(raw: Any) -> Terms:
    """Of a parsed struct tracectl_filter."""
    values = (
        raw.uid, _text(raw.comm), raw.cgroup, _numbers(raw.calls), _numbers(raw.cpus),
        _numbers(raw.errnos), raw.slower_ns, _text(raw.path),
    )  # fmt: skip
    flagged = zip(FilterFlag, values, strict=True)
    return Terms(*(value if raw.flags & flag else None for flag, value in flagged))


def _values(terms: Terms) -> tuple[object, ...]:
    """In the order of the flags."""
    return (
        terms.uid, terms.comm, terms.cgroup, terms.calls, terms.cpus, terms.errnos,
        terms.slower_ns, terms.path,
    )  # fmt: skip


def _text(raw: bytes) -> str:
    return os.fsdecode(raw.split(b"\0")[0])


def _bits(numbers: Iterable[int], count: int) -> bytes:
    bits = bytearray(count // 8)
    for number in numbers:
        bits[number // 8] |= 1 << number % 8
    return bytes(bits)


def _numbers(bits: bytes) -> frozenset[int]:
    whole = int.from_bytes(bits, "little")
    return frozenset(number for number in range(whole.bit_length()) if whole >> number & 1)
