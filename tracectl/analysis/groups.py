"""What calls are summed up by."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracectl.abi.records import Kind, NameFlag
from tracectl.analysis.calls import Calls, State
from tracectl.analysis.codes import call_keys, codes_of
from tracectl.analysis.fds import fds_of, takers_of
from tracectl.analysis.tasks import Processes
from tracectl.decode.copies import Copy
from tracectl.tables.table import SyscallTable

_Groups = tuple[list[Hashable], NDArray[np.intp], NDArray[np.intp] | None]
_Finder = Callable[[Calls, NDArray[np.bool_]], _Groups]

_AF_UNIX, _AF_INET, _AF_INET6 = 1, 2, 10
_BYTES = {_AF_INET: 6, _AF_INET6: 26}

GROUPS = (
    "syscall", "process", "thread", "user", "container", "file", "fd", "errno", "cpu", "socket"
)  # fmt: skip
OF_PROCESSES = frozenset({"user", "container"})
"""What a process is of, which changes: who was who has to be known before."""
DETAILED = frozenset({"file", "fd", "socket"})
"""Those that need arguments or copies."""


class Grouper:
    """Sorts calls by ``by``, one of GROUPS.

    A system call is (ABI, number), a process its pid, a thread (pid, tid), a file its path as the
    kernel took it, or (pid, descriptor of its directory, path) of a relative one, a descriptor
    (pid, number), an error its errno, a socket the bytes of its address. The CPU is the one on
    which a call ended. A user is the uid and a container the cgroup that ``processes`` tell of the
    call's process when it began, -1 and "" where nothing did.
    """

    def __init__(
        self, by: str, tables: Sequence[SyscallTable], processes: Processes | None = None
    ) -> None:
        self._find = _FINDERS[by] if by in _FINDERS else _finder_of(by, processes or Processes([]))
        self._takes_fd = takers_of(tables)

    def split(self, calls: Calls) -> tuple[list[Hashable], NDArray[np.intp], Calls]:
        """The keys, the index of each call's, and the calls: those that have no key are left out,
        and with them the copies of all, those that have several come once for each."""
        keys, group, rows = self._find(calls, self._takes_fd)
        if rows is None:
            return keys, group, calls
        return keys, group, replace(calls, copies=[], copy_row=[]).select(rows)


def _by_syscall(calls: Calls, *_: object) -> _Groups:
    keys, which = call_keys(calls.abi, calls.nr)
    return [*keys], which.astype(np.intp), None


def _unique(values: NDArray[Any]) -> tuple[list[Hashable], NDArray[np.intp]]:
    group, keys = codes_of(values)
    return [*keys], group.astype(np.intp)


def _by_process(calls: Calls, *_: object) -> _Groups:
    return *_unique(calls.tgid), None


def _by_thread(calls: Calls, *_: object) -> _Groups:
    pairs, group = _unique(calls.tgid << 32 | calls.tid)
    return [(int(pair) >> 32, int(pair) & 0xFFFFFFFF) for pair in pairs], group, None  # type: ignore[call-overload]


def _finder_of(by: str, processes: Processes) -> _Finder:
    """Of OF_PROCESSES."""
    if by == "container":
        told: list[Hashable] = [life.cgroup for life in processes.lives]
    else:
        told = [-1 if life.uid is None else life.uid for life in processes.lives]
    keys = list(dict.fromkeys(told))
    index = {key: at for at, key in enumerate(keys)}
    which_of = np.array([index[key] for key in told], np.int64)

    def find(calls: Calls, _: object) -> _Groups:
        found, group = _unique(which_of[processes.find(calls.tgid, calls.first_ns)])
        return [keys[which] for which in found], group, None  # type: ignore[call-overload]

    return find


def _by_cpu(calls: Calls, *_: object) -> _Groups:
    return *_unique(calls.cpu), None


def _by_errno(calls: Calls, *_: object) -> _Groups:
    has_failed = (calls.result < 0) & (calls.result >= -4095) & (calls.state == State.PAIRED)
    rows = np.flatnonzero(has_failed)
    return *_unique(-calls.result[rows]), rows


def _by_file(calls: Calls, *_: object) -> _Groups:
    redacted = int(NameFlag.REDACTED)

    def key_of(copy: Copy, tgid: int) -> Hashable:
        data = copy.data
        # The hash of a path that is not told begins nowhere.
        if data[:1] == b"/" or copy.flags & redacted:
            return data
        return tgid, copy.dfd, data

    return _by_copy(calls, Kind.NAME, key_of)


def _by_socket(calls: Calls, *_: object) -> _Groups:
    return _by_copy(calls, Kind.ADDRESS, lambda copy, _: _without_padding(copy.data))


def _by_copy(calls: Calls, kind: Kind, key_of: Callable[[Copy, int], Hashable]) -> _Groups:
    """A key is made once of each copy and process: most come again and again, as one object."""
    copies = calls.copies
    addresses = np.fromiter(map(id, copies), np.int64, len(copies))
    _, first, which = np.unique(addresses, return_index=True, return_inverse=True)
    distinct = [copies[place] for place in first.tolist()]
    is_mine = np.array([copy.kind == kind for copy in distinct], np.bool_)[which]
    rows = np.array(calls.copy_row, np.intp)[is_mine]
    codes, tgids = codes_of(calls.tgid[rows])
    pairs, group = np.unique(which[is_mine] * max(len(tgids), 1) + codes, return_inverse=True)
    keys: dict[Hashable, int] = {}
    index = [
        keys.setdefault(key_of(distinct[pair // len(tgids)], tgids[pair % len(tgids)]), len(keys))
        for pair in pairs.tolist()
    ]
    return list(keys), np.array(index, np.intp)[group], rows


def _without_padding(address: bytes) -> bytes:
    """A struct sockaddr without what is behind the address: it is whatever lay there."""
    family, rest = int.from_bytes(address[:2], "little"), address[2:]
    if family == _AF_UNIX and rest[:1] != b"\0":
        rest = rest.split(b"\0")[0]
    return address[:2] + rest[: _BYTES.get(family, len(rest))]


def _by_fd(calls: Calls, takes_fd: NDArray[np.bool_]) -> _Groups:
    """Of calls whose first argument is a descriptor."""
    rows, fds = fds_of(calls, takes_fd)
    keys = np.stack((calls.tgid[rows], fds.astype(np.int64)))
    pairs, group = np.unique(keys, axis=1, return_inverse=True)
    return [tuple(pair) for pair in pairs.T.tolist()], group.reshape(-1), rows


_FINDERS: dict[str, _Finder] = {
    "syscall": _by_syscall,
    "process": _by_process,
    "thread": _by_thread,
    "file": _by_file,
    "fd": _by_fd,
    "errno": _by_errno,
    "cpu": _by_cpu,
    "socket": _by_socket,
}
