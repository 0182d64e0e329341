"""Where relative paths begin: the directories that processes were in, or had open."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from os import fsencode
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tracectl.abi.records import NR_BITS, SHAPES, Kind, Site
from tracectl.abi.totals import CpuTotals
from tracectl.analysis.calls import Calls, State
from tracectl.analysis.tasks import TaskEvent
from tracectl.capture.metadata import OpenFiles
from tracectl.tables.table import SyscallTable

AT_FDCWD = -100
MOVES = ("chdir", "fchdir")

_Ids = NDArray[np.int64]
_Rows = NDArray[np.bool_]

Descriptor = tuple[int, int]
"""A process and the number."""


class Move(NamedTuple):
    """Process ``tgid`` went where ``fd`` is, or to ``name`` from there."""

    time_ns: int
    tgid: int
    fd: int
    name: bytes | None


@dataclass(frozen=True, slots=True)
class Trail:
    """What calls told of directories. ``files`` has what descriptors were made as, None where it
    was more than one thing, or nothing told."""

    moves: list[Move] = field(default_factory=list)
    files: dict[Descriptor, bytes | None] = field(default_factory=dict)

    def add(self, other: Trail) -> None:
        self.moves.extend(other.moves)
        for key, path in other.files.items():
            self.files[key] = path if self.files.setdefault(key, path) == path else None


class Tracker:
    """Finds what calls tell of directories, in any order and on any core; of those that are open
    only where all descriptors are told (``has_files``)."""

    def __init__(self, tables: Sequence[SyscallTable], *, has_files: bool) -> None:
        self._has_files = has_files
        self._moves = _ids_of(tables, MOVES)
        self._replaces = _ids_of(tables, ("dup2", "dup3"))

    def trail_of(self, calls: Calls) -> Trail:
        trail = Trail()
        ids = calls.abi << NR_BITS | calls.nr
        done = (calls.state == State.PAIRED) & (calls.result >= 0)
        moves = np.flatnonzero(np.isin(ids, self._moves) & done)
        names = {
            row: copy
            for row, copy in zip(calls.copy_row, calls.copies, strict=True)
            if copy.kind == Kind.NAME and copy.site == Site.LOOKUP
        } if len(moves) else {}  # fmt: skip
        for row in moves.tolist():
            name = names.get(row)
            fd = _signed(int(calls.arguments[row, 0])) if name is None else name.dfd
            data = None if name is None else name.data
            trail.moves.append(Move(int(calls.exit_ns[row]), int(calls.tgid[row]), fd, data))
        if self._has_files:
            trail.add(Trail(files=self._files_in(calls, ids, done)))
        return trail

    def _files_in(self, calls: Calls, ids: _Ids, done: _Rows) -> dict[Descriptor, bytes | None]:
        files: dict[Descriptor, bytes | None] = {}
        for row, copy in zip(calls.copy_row, calls.copies, strict=True):
            if copy.kind == Kind.FILE:
                key = (int(calls.tgid[row]), copy.fd)
                files[key] = copy.data if files.setdefault(key, copy.data) == copy.data else None
        for row in np.flatnonzero(np.isin(ids, self._replaces) & done).tolist():
            files[int(calls.tgid[row]), int(calls.result[row])] = None
        return files


class Directories:
    """Answers only where there is one answer for all of a capture: a process that went from one
    directory to another had each for a time, and what is summed up has no times any more."""

    def __init__(
        self,
        opened: Iterable[OpenFiles],
        events: Iterable[TaskEvent],
        trail: Trail,
        *,
        has_files: bool,
    ) -> None:
        self._files = trail.files if has_files else {}
        self._open: dict[Descriptor, bytes] = {}
        self._parents: dict[int, int] = {}
        self._seen: defaultdict[int, set[bytes | None]] = defaultdict(set)
        self._has_files = has_files
        now: dict[int, bytes | None] = {}
        for one in opened:
            now[one.tgid] = fsencode(one.cwd) or None
            self._seen[one.tgid].add(now[one.tgid])
            self._open |= {(one.tgid, fd): fsencode(path) for fd, path in one.files.items()}
        changes: list[Move | TaskEvent] = [*trail.moves]
        changes += [
            event for event in events
            if event.kind == Kind.FORK and event.other_tgid != event.tgid
        ]  # fmt: skip
        for what in sorted(changes, key=lambda one: one.time_ns):
            if isinstance(what, Move):
                tgid, place = what.tgid, self._goal_of(what, now.get(what.tgid))
                # Where nothing told of it before, it was somewhere.
                self._seen[tgid] |= {place} if tgid in now else {place, None}
            else:
                tgid, place = what.other_tgid, now.get(what.tgid)
                self._parents[tgid] = what.tgid
                self._seen[tgid].add(place)
            now[tgid] = place

    def path_of(self, tgid: int, fd: int, name: bytes) -> bytes:
        """``name`` from the root on; as it is where its directory is not known."""
        if name.startswith(b"/"):
            return name
        base = self._directory_of(tgid) if fd == AT_FDCWD else self._file_of(tgid, fd)
        if base is None or not base.startswith(b"/"):
            return name
        return posixpath.normpath(posixpath.join(base, name))

    def _directory_of(self, tgid: int) -> bytes | None:
        places = self._seen.get(tgid, {None})
        return next(iter(places)) if len(places) == 1 else None

    def _goal_of(self, move: Move, now: bytes | None) -> bytes | None:
        if move.name is not None and move.name.startswith(b"/"):
            return posixpath.normpath(move.name)
        base = now if move.fd == AT_FDCWD else self._file_of(move.tgid, move.fd)
        return None if base is None else posixpath.normpath(posixpath.join(base, move.name or b""))

    def _file_of(self, tgid: int, fd: int) -> bytes | None:
        """Its own, or one that it inherited."""
        found: set[bytes | None] = set()
        at: int | None = tgid
        while at is not None and self._has_files:
            for files in (self._files, self._open):
                if (at, fd) in files:
                    found.add(files[at, fd])
            parent = self._parents.get(at)
            at = parent if parent != at else None
        return found.pop() if len(found) == 1 else None


def tells_all(cpus: Iterable[CpuTotals], tables: Sequence[SyscallTable]) -> bool:
    """Whether all that a Tracker looks for was recorded."""
    numbers = _ids_of(tables, [*MOVES, "dup2", "dup3"]).tolist()
    slots = [(one >> NR_BITS) * SHAPES + (one & (1 << NR_BITS) - 1) for one in numbers]
    return not any(
        sum(cpu.lost) or any(cpu.syscalls[slot].filtered for slot in slots if slot in cpu.syscalls)
        for cpu in cpus
    )


def _ids_of(tables: Sequence[SyscallTable], names: Iterable[str]) -> _Ids:
    calls = [(abi, table.by_name(name)) for abi, table in enumerate(tables) for name in names]
    return np.array([abi << NR_BITS | call.nr for abi, call in calls if call], np.int64)


def _signed(value: int) -> int:
    value &= 0xFFFFFFFF
    return value - (1 << 32) if value >> 31 else value
