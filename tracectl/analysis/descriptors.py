"""What is behind each file descriptor, over the time of a capture."""

from __future__ import annotations

import heapq
import posixpath
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import count
from os import fsencode

from tracectl.abi.records import Kind, Site
from tracectl.analysis.rows import Row
from tracectl.analysis.sockets import SOCKET_CALLS, Sockets
from tracectl.analysis.tasks import TaskEvent, iter_task_events
from tracectl.capture.metadata import OpenFiles
from tracectl.decode.subbuffer import Records
from tracectl.tables.roles import load_constants
from tracectl.tables.table import Syscall

AT_FDCWD = -100

# Argument, its set of constants and the one that says that an exec closes the descriptor.
_CLOEXEC = {
    **dict.fromkeys(("open", "openat", "open_by_handle_at", "dup3", "pipe2", "userfaultfd"),
                    ("flags", "open_flags", "O_CLOEXEC")),
    **dict.fromkeys(("socket", "socketpair"), ("type", "socket_flags", "SOCK_CLOEXEC")),
    "accept4": ("flags", "socket_flags", "SOCK_CLOEXEC"),
    "epoll_create1": ("flags", "epoll_flags", "EPOLL_CLOEXEC"),
    "eventfd2": ("flags", "eventfd_flags", "EFD_CLOEXEC"),
    "inotify_init1": ("flags", "inotify_flags", "IN_CLOEXEC"),
    "memfd_create": ("flags", "memfd_flags", "MFD_CLOEXEC"),
    "recvmsg": ("flags", "message_flags", "MSG_CMSG_CLOEXEC"),
    "signalfd4": ("flags", "signalfd_flags", "SFD_CLOEXEC"),
    "timerfd_create": ("flags", "timerfd_flags", "TFD_CLOEXEC"),
}  # fmt: skip
# Without such a flag; others than these and those above always close theirs, or may.
_STAY_OPEN = frozenset(
    ["creat", "dup", "pipe", "accept", "epoll_create", "eventfd", "inotify_init", "signalfd"]
)
# Where nothing told what they made.
_UNTOLD = {
    **dict.fromkeys(("socket", "accept", "accept4"), b"socket"),
    **dict.fromkeys(("epoll_create", "epoll_create1"), b"anon_inode:[eventpoll]"),
    **dict.fromkeys(("eventfd", "eventfd2"), b"anon_inode:[eventfd]"),
    **dict.fromkeys(("signalfd", "signalfd4"), b"anon_inode:[signalfd]"),
    **dict.fromkeys(("inotify_init", "inotify_init1"), b"anon_inode:inotify"),
    "timerfd_create": b"anon_inode:[timerfd]",
    "pidfd_open": b"anon_inode:[pidfd]",
}
# They tell by other ways than their result.
_RETURN_OTHERS = frozenset(
    ["pipe", "pipe2", "socketpair", "recvmsg", "recvmmsg", "clone", "clone3", "close_range"]
)
_OPENS = frozenset({"open", "openat", "openat2", "creat"})
_DUPLICATES = frozenset({"dup", "dup2", "dup3"})
_FCNTLS = frozenset({"fcntl", "fcntl64"})
_EXECS = frozenset({"execve", "execveat"})
TOLD_CALLS = (
    _OPENS | _DUPLICATES | _FCNTLS | _EXECS | _UNTOLD.keys() | SOCKET_CALLS
    | {"close", "close_range", "clone", "chdir", "fchdir"}
)  # fmt: skip
"""Of others ``Descriptors.add`` takes no note, but for the copies of files that they have."""


@dataclass(slots=True)
class _Process:
    """``files`` are paths as /proc/PID/fd has them. Shared by processes that share them."""

    cwd: bytes | None = None
    files: dict[int, bytes] = field(default_factory=dict)
    cloexec: set[int] = field(default_factory=set)

    def copy(self) -> _Process:
        return _Process(self.cwd, dict(self.files), set(self.cloexec))

    def install(self, fd: int, path: bytes, *, is_cloexec: bool) -> None:
        self.files[fd] = path
        (self.cloexec.add if is_cloexec else self.cloexec.discard)(fd)

    def close(self, fd: int) -> None:
        self.files.pop(fd, None)
        self.cloexec.discard(fd)


class Descriptors:
    """Follows what calls open, duplicate and close, process by process.

    It is told the records of a stretch of time (``add_records``), then the calls that begin in it,
    in order (``advance`` to the call's begin, ask, ``add``). What a call does to its process
    happens at its end, but for close. Where events were lost, all is forgotten. ``sockets`` are
    what the calls told of them.
    """

    def __init__(self, opened: Iterable[OpenFiles] = ()) -> None:
        self._processes = {
            one.tgid: _Process(
                fsencode(one.cwd) or None,
                {fd: fsencode(path) for fd, path in one.files.items()},
                set(one.cloexec),
            )
            for one in opened
        }
        self.sockets = Sockets()
        self._pending: list[tuple[int, int, Callable[[], None]]] = []
        self._order = count()
        self._lost: dict[int, int] = {}
        self._clone_flags: dict[int, int] = {}

    def add_records(self, records: Records) -> None:
        """What of them is no call: forks and execs, and losses."""
        lost = sum(records.lost)
        if lost != self._lost.get(records.cpu, 0):
            self._at(records.first_ns, self._processes.clear)
        self._lost[records.cpu] = lost
        for event in iter_task_events(records):
            self._at(event.time_ns, partial(self._happen, event))

    def advance(self, time_ns: int) -> None:
        """What had happened by then has happened."""
        while self._pending and self._pending[0][0] <= time_ns:
            heapq.heappop(self._pending)[2]()

    def path_of(self, tgid: int, fd: int) -> bytes | None:
        """What is behind a descriptor now, AT_FDCWD too; None where nothing told."""
        process = self._processes.get(tgid)
        if process is None:
            return None
        return process.cwd if fd == AT_FDCWD else process.files.get(fd)

    def add(self, syscall: Syscall, call: Row) -> bytes | None:
        """A call of ``syscall`` that begins now. Answers what is behind the descriptor that it
        returns."""
        name = syscall.name
        process = self._processes.setdefault(call.tgid, _Process())
        if name == "close":
            process.close(_signed(call.arguments[0]))
        elif name == "close_range":
            self._close_range(process, call)
        elif name == "clone":
            self._clone_flags[call.tid] = _argument(syscall, call, "flags")
        if call.end_ns is None or call.result is None:
            return None
        made = self._made(process, name, call) if call.result >= 0 else {}
        if name in SOCKET_CALLS:
            self.sockets.add(syscall, call, process.files.get, made)
        if made:
            self._at(
                call.end_ns, partial(_install, process, made, is_cloexec=_is_cloexec(syscall, call))
            )
        elif call.result < 0:
            return None
        elif name in _FCNTLS and call.arguments[1] == _fcntl("F_SETFD"):
            self._at(call.end_ns, partial(_set_cloexec, process, call))
        elif name == "chdir":
            self._at(call.end_ns, partial(self._change_directory, process, call))
        elif name == "fchdir":
            path = process.files.get(_signed(call.arguments[0]))
            self._at(call.end_ns, partial(setattr, process, "cwd", path))
        return None if name in _RETURN_OTHERS else made.get(call.result)

    def _at(self, time_ns: int, effect: Callable[[], None]) -> None:
        heapq.heappush(self._pending, (time_ns, next(self._order), effect))

    def _happen(self, event: TaskEvent) -> None:
        if event.kind == Kind.FORK and event.other_tgid != event.tgid:
            parent = self._processes.get(event.tgid, _Process())
            child = parent.copy()
            if self._clone_flags.get(event.tid, 0) & _clone_flag("CLONE_FILES"):
                child.files, child.cloexec = parent.files, parent.cloexec
            self._processes[event.other_tgid] = child
        elif event.kind == Kind.EXEC and event.tgid in self._processes:
            process = self._processes[event.tgid].copy()
            for fd in tuple(process.cloexec):
                process.close(fd)
            self._processes[event.tgid] = process
        elif event.kind == Kind.TASK_EXIT:
            self._clone_flags.pop(event.tid, None)
            if event.tid == event.tgid:
                self._processes.pop(event.tgid, None)

    def _made(self, process: _Process, name: str, call: Row) -> dict[int, bytes]:
        result = call.result or 0
        old = None
        if name in _DUPLICATES or _is_duplicate(name, call):
            old = process.files.get(_signed(call.arguments[0]))
        if old is not None:
            return {result: old}
        told = {copy.fd: copy.data for copy in call.copies if copy.kind == Kind.FILE and copy.data}
        if told or name in _EXECS:
            # An exec opens its program for itself.
            return told
        if name in _OPENS:
            path = self._resolve(process, call, Site.OPEN)
            return {} if path is None else {result: path}
        return {result: _UNTOLD[name]} if name in _UNTOLD else {}

    def _resolve(self, process: _Process, call: Row, site: Site) -> bytes | None:
        """The path that the call was given, from the root on; links in it are not followed."""
        names = (copy for copy in call.copies if copy.kind == Kind.NAME and copy.site == site)
        name = next(names, None)
        if name is None:
            return None
        base = process.cwd if name.dfd == AT_FDCWD else process.files.get(name.dfd)
        if base is None and not name.data.startswith(b"/"):
            return None
        return posixpath.normpath(posixpath.join(base or b"/", name.data))

    def _change_directory(self, process: _Process, call: Row) -> None:
        process.cwd = self._resolve(process, call, Site.LOOKUP)

    def _close_range(self, process: _Process, call: Row) -> None:
        first, last, flags = (value & 0xFFFFFFFF for value in call.arguments[:3])
        inside = [fd for fd in process.files if first <= fd <= last]
        if flags & load_constants("x86_64")["close_range_flags"]["CLOSE_RANGE_CLOEXEC"]:
            process.cloexec.update(inside)
        else:
            for fd in inside:
                process.close(fd)


def _install(process: _Process, made: dict[int, bytes], *, is_cloexec: bool) -> None:
    for fd, path in made.items():
        process.install(fd, path, is_cloexec=is_cloexec)


def _set_cloexec(process: _Process, call: Row) -> None:
    fd, _, flags = call.arguments[:3]
    (process.cloexec.add if flags & 1 else process.cloexec.discard)(_signed(fd))


def _is_duplicate(name: str, call: Row) -> bool:
    return name in _FCNTLS and call.arguments[1] in (
        _fcntl("F_DUPFD"),
        _fcntl("F_DUPFD_CLOEXEC"),
    )


def _argument(syscall: Syscall, call: Row, name: str) -> int:
    for argument, value in zip(syscall.args, call.arguments, strict=False):
        if argument.name == name:
            return value
    return 0


def _is_cloexec(syscall: Syscall, call: Row) -> bool:
    name = syscall.name
    if name in _FCNTLS:
        return call.arguments[1] == _fcntl("F_DUPFD_CLOEXEC")
    if name not in _CLOEXEC:
        return name not in _STAY_OPEN and name not in _DUPLICATES
    argument, set_, constant = _CLOEXEC[name]
    return bool(_argument(syscall, call, argument) & load_constants(syscall.abi)[set_][constant])


@cache
def _fcntl(name: str) -> int:
    return load_constants("x86_64")["fcntl_command"][name]


@cache
def _clone_flag(name: str) -> int:
    return load_constants("x86_64")["clone_flags"][name]


def _signed(value: int) -> int:
    value &= 0xFFFFFFFF
    return value - (1 << 32) if value >> 31 else value
