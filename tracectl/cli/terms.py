"""What to record of whom: the options that ``record``, ``start`` and ``filter`` share."""

from __future__ import annotations

import argparse
import errno
import os
from pathlib import Path

from tracectl.analysis.containers import ID_DIGITS, container_of
from tracectl.cli.times import parse_ns
from tracectl.errors import UsageError
from tracectl.kernel.choice import slots_in
from tracectl.kernel.filter import ALL_ERRNOS, COMM_MAX_BYTES, CPUS_MAX, PREFIX_MAX_BYTES, Terms
from tracectl.tables.table import load_tables

_CGROUPS = Path("/sys/fs/cgroup")

OPTIONS = ("trace", "uid", "comm", "cgroup", "container", "cpus", "errno", "slower", "path")
"""Those that have a value, as the parser names them."""


def add_terms(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("filters, in the kernel; all of them have to hold")
    group.add_argument(
        "-e", "--trace", metavar="SYSCALLS",
        help="only these system calls: names and %%file, %%desc, %%process, %%network, %%signal, "
        "%%memory, with commas between; all others with ! before the first",
    )  # fmt: skip
    group.add_argument("--uid", metavar="USER", help="only threads of this user, by name or number")
    group.add_argument("--comm", metavar="NAME", help="only threads of this name")
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
    group.add_argument(
        "--cpus", metavar="LIST", help="only calls that begin on these CPUs: 0-3,8; the others do "
        "no work for it",
    )  # fmt: skip
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


def terms_from(args: argparse.Namespace) -> Terms:
    """UsageError for what there is not."""
    if args.path is not None and not 1 <= len(os.fsencode(args.path)) <= PREFIX_MAX_BYTES:
        raise UsageError(f"--path is 1 to {PREFIX_MAX_BYTES} bytes")
    if args.comm is not None and len(os.fsencode(args.comm)) > COMM_MAX_BYTES:
        raise UsageError(f"a thread's name has at most {COMM_MAX_BYTES} bytes")
    return Terms(
        uid=None if args.uid is None else _uid_of(args.uid),
        comm=args.comm,
        cgroup=_cgroup_in(args),
        calls=None if args.trace is None else slots_of(args.trace),
        cpus=None if args.cpus is None else cpus_of(args.cpus),
        errnos=_errnos_of(args),
        slower_ns=None if args.slower is None else _slower_ns(args.slower),
        path=args.path,
    )


def slots_of(expression: str) -> frozenset[int]:
    """The slots (ABI * 512 + number) of the system calls that ``expression`` names."""
    native, compat = load_tables().values()
    # x32 has the numbers of the machine's own ABI.
    return slots_in(expression, (native, compat, native))


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


def _slower_ns(text: str) -> int:
    try:
        return parse_ns(text)
    except argparse.ArgumentTypeError as error:
        raise UsageError(f"--slower {error}") from error


def _errnos_of(args: argparse.Namespace) -> frozenset[int] | None:
    if args.errno is None:
        return ALL_ERRNOS if args.failed else None
    names = args.errno.upper().split(",")
    for name in names:
        if not isinstance(getattr(errno, name, None), int):
            raise UsageError(f"no error is called {name!r}")
    return frozenset(getattr(errno, name) for name in names)


def _uid_of(user: str) -> int:
    import pwd  # noqa: PLC0415 - seldom needed

    if user.isdecimal():
        return int(user)
    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError as error:
        raise UsageError(f"there is no user {user!r}") from error


def _cgroup_in(args: argparse.Namespace) -> int | None:
    if args.container is not None:
        return _cgroup_of(str(_directory_of_container(args.container)))
    return None if args.cgroup is None else _cgroup_of(args.cgroup)


def _directory_of_container(wanted: str) -> Path:
    """The highest of its cgroup directories."""
    found: dict[str, Path] = {}
    for directory, _, _ in os.walk(_CGROUPS):
        path = Path(directory)
        name = container_of(f"/{path.relative_to(_CGROUPS)}")
        if name and (name == wanted or name.startswith(wanted[:ID_DIGITS].lower())):
            found.setdefault(name, path)
    if wanted in found:
        return found[wanted]
    if len(found) != 1:
        names = f"these begin so: {', '.join(sorted(found))}" if found else "no cgroup is of it"
        raise UsageError(f"there is no container {wanted!r}: {names}")
    return found.popitem()[1]


def _cgroup_of(path: str) -> int:
    directory = Path(path) if path.startswith("/sys/") else _CGROUPS / path.lstrip("/")
    if not (directory / "cgroup.controllers").is_file():
        raise UsageError(f"{directory} is no directory of cgroup v2")
    return directory.stat().st_ino
