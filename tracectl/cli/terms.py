"""What to record of whom: the options that ``record``, ``start`` and ``filter`` share."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from tracectl.errors import UsageError
from tracectl.kernel.choice import slots_in
from tracectl.kernel.filter import COMM_MAX_BYTES, Terms
from tracectl.tables.table import load_tables

_CGROUPS = Path("/sys/fs/cgroup")


def add_terms(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("filters, in the kernel; all of them have to hold")
    group.add_argument(
        "-e", "--trace", metavar="SYSCALLS",
        help="only these system calls: names and %%file, %%desc, %%process, %%network, %%signal, "
        "%%memory, with commas between; all others with ! before the first",
    )  # fmt: skip
    group.add_argument("--uid", metavar="USER", help="only threads of this user, by name or number")
    group.add_argument("--comm", metavar="NAME", help="only threads of this name")
    group.add_argument(
        "--cgroup", metavar="PATH",
        help="only threads in this cgroup or below it: a directory of cgroup v2, or its path from "
        "/sys/fs/cgroup on",
    )  # fmt: skip


def terms_from(args: argparse.Namespace) -> Terms:
    """UsageError for what there is not."""
    if args.comm is not None and len(os.fsencode(args.comm)) > COMM_MAX_BYTES:
        raise UsageError(f"a thread's name has at most {COMM_MAX_BYTES} bytes")
    return Terms(
        uid=None if args.uid is None else _uid_of(args.uid),
        comm=args.comm,
        cgroup=None if args.cgroup is None else _cgroup_of(args.cgroup),
        calls=None if args.trace is None else slots_of(args.trace),
    )


def slots_of(expression: str) -> frozenset[int]:
    """The slots (ABI * 512 + number) of the system calls that ``expression`` names."""
    native, compat = load_tables().values()
    # x32 has the numbers of the machine's own ABI.
    return slots_in(expression, (native, compat, native))


def _uid_of(user: str) -> int:
    import pwd  # noqa: PLC0415 - seldom needed

    if user.isdecimal():
        return int(user)
    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError as error:
        raise UsageError(f"there is no user {user!r}") from error


def _cgroup_of(path: str) -> int:
    directory = Path(path) if path.startswith("/sys/") else _CGROUPS / path.lstrip("/")
    if not (directory / "cgroup.controllers").is_file():
        raise UsageError(f"{directory} is no directory of cgroup v2")
    return directory.stat().st_ino
