"""What to record of whom: the options that ``record``, ``start`` and ``filter`` share."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from tracectl.analysis.containers import choose_container, container_of
from tracectl.errors import UsageError
from tracectl.kernel.choice import slots_in
from tracectl.kernel.filter import ALL_ERRNOS, COMM_MAX_BYTES, Terms
from tracectl.kernel.words import add_words, cpus_of, duration_of, errnos_of, prefix_of, uid_of
from tracectl.tables.table import load_tables

_CGROUPS = Path("/sys/fs/cgroup")

OPTIONS = ("trace", "uid", "comm", "cgroup", "container", "cpus", "errno", "slower", "path")
"""Those that have a value, as the parser names them."""


def add_terms(parser: argparse.ArgumentParser) -> None:
    add_words(
        parser.add_argument_group("filters, in the kernel; all of them have to hold"),
        comm="only threads of this name",
        cpus="only calls that begin on these CPUs: 0-3,8; the others do no work for it",
    )


def terms_from(args: argparse.Namespace) -> Terms:
    """UsageError for what there is not."""
    if args.path is not None:
        prefix_of(args.path)
    if args.comm is not None and len(os.fsencode(args.comm)) > COMM_MAX_BYTES:
        raise UsageError(f"a thread's name has at most {COMM_MAX_BYTES} bytes")
    return Terms(
        uid=None if args.uid is None else uid_of(args.uid),
        comm=args.comm,
        cgroup=_cgroup_in(args),
        calls=None if args.trace is None else slots_of(args.trace),
        cpus=None if args.cpus is None else cpus_of(args.cpus),
        errnos=_errnos_of(args),
        slower_ns=None if args.slower is None else duration_of(args.slower, "--slower"),
        path=args.path,
    )


def slots_of(expression: str) -> frozenset[int]:
    """The slots (ABI * 512 + number) of the system calls that ``expression`` names."""
    native, compat = load_tables().values()
    # x32 has the numbers of the machine's own ABI.
    return slots_in(expression, (native, compat, native))


def _errnos_of(args: argparse.Namespace) -> frozenset[int] | None:
    if args.errno is None:
        return ALL_ERRNOS if args.failed else None
    return errnos_of(args.errno)


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
        found.setdefault(name, path)
    return found[choose_container(wanted, found)]


def _cgroup_of(path: str) -> int:
    directory = Path(path) if path.startswith("/sys/") else _CGROUPS / path.lstrip("/")
    if not (directory / "cgroup.controllers").is_file():
        raise UsageError(f"{directory} is no directory of cgroup v2")
    return directory.stat().st_ino
