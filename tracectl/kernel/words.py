"""The words of a filter: how they are asked for, and what their values mean. Recording, reports and
the view have the same ones."""

from __future__ import annotations

import argparse
import errno
import os
from collections.abc import Sequence

from tracectl.errors import UsageError
from tracectl.kernel.filter import CPUS_MAX, PREFIX_MAX_BYTES
from tracectl.kernel.times import parse_ns

TRACE = ("-e", "--trace")


def add_words(
    group: argparse._ArgumentGroup, *, trace: Sequence[str] = TRACE, comm: str = "", cpus: str = ""
) -> None:
    """``trace`` are the names of the first one, ``comm`` and ``cpus`` the helps of these two."""
    group.add_argument(
        *trace, metavar="SYSCALLS",
        help="only these system calls: names and %%file, %%desc, %%process, %%network, %%signal, "
        "%%memory, with commas between; all others with ! before the first",
    )  # fmt: skip
    group.add_argument("--uid", metavar="USER", help="only threads of this user, by name or number")
    group.add_argument("--comm", metavar="NAME", help=comm)
    one_of = group.add_mutually_exclusive_group()
    one_of.add_argument(
        "--cgroup", metavar="PATH",
        help="only threads in this cgroup or below it: a directory of cgroup v2, or its path from "
        "/sys/fs/cgroup on",
    )  # fmt: skip
    one_of.add_argument(
        "--container",
        metavar="ID",
        help="only threads in this container: its id or how that begins, or the name of a machine",
    )
    group.add_argument("--cpus", metavar="LIST", help=cpus)
    group.add_argument("--failed", action="store_true", help="only calls that fail")
    group.add_argument(
        "--errno", metavar="NAMES", help="only calls that fail with one of these: ENOENT,EACCES"
    )
    group.add_argument(
        "--slower", metavar="TIME", help="only calls that take this long or longer: 500us, 1ms, 2s"
    )
    group.add_argument(
        "--path", metavar="PREFIX",
        help="only calls with a path that begins so, as the program spelled it",
    )  # fmt: skip


def uid_of(user: str) -> int:
    """By name, as this machine knows it, or number. UsageError when there is none."""
    import pwd  # noqa: PLC0415 - seldom needed

    if user.isdecimal():
        return int(user)
    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError as error:
        raise UsageError(f"there is no user {user!r}") from error


def cpus_of(text: str) -> frozenset[int]:
    """CPUs of a list as the kernel writes them: 0-3,8."""
    chosen: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        last = last if dash else first
        if not first.isdecimal() or not last.isdecimal():
            raise UsageError(f"{text!r} is no list of CPUs, such as 0-3,8")
        if not int(first) <= int(last) < CPUS_MAX:
            raise UsageError(f"there are no CPUs {part}")
        chosen |= set(range(int(first), int(last) + 1))
    return frozenset(chosen)


def errnos_of(text: str) -> frozenset[int]:
    names = text.upper().split(",")
    for name in names:
        if not isinstance(getattr(errno, name, None), int):
            raise UsageError(f"no error is called {name!r}")
    return frozenset(getattr(errno, name) for name in names)


def duration_of(text: str, word: str) -> int:
    """ns of the value of ``word``."""
    try:
        return parse_ns(text)
    except argparse.ArgumentTypeError as error:
        raise UsageError(f"{word} {error}") from error


def prefix_of(path: str) -> bytes:
    """What a path begins with."""
    prefix = os.fsencode(path)
    if not 1 <= len(prefix) <= PREFIX_MAX_BYTES:
        raise UsageError(f"--path is 1 to {PREFIX_MAX_BYTES} bytes")
    return prefix
