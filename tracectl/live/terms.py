"""The terms of a session as the options that ask for them again."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Mapping, Sequence

from tracectl.abi.records import SHAPES
from tracectl.kernel.choice import slots_in
from tracectl.kernel.filter import ALL_ERRNOS, Terms
from tracectl.tables.classes import CLASSES
from tracectl.tables.table import SyscallTable


def options_of(
    terms: Terms, tables: Sequence[SyscallTable], cgroups: Mapping[int, str]
) -> list[str]:
    """Of ``tracectl filter``; ``tables`` are by ABI, ``cgroups`` paths by inode. A cgroup that is
    gone is left out: nothing can be in it."""
    found: list[str] = []
    if terms.calls is not None:
        found += ["-e", _expression_of(terms.calls, tables)]
    if terms.uid is not None:
        found += ["--uid", str(terms.uid)]
    if terms.comm is not None:
        found += ["--comm", terms.comm]
    if terms.cgroup is not None and terms.cgroup in cgroups:
        found += ["--cgroup", cgroups[terms.cgroup]]
    if terms.cpus is not None:
        found += ["--cpus", list_of_cpus(terms.cpus)]
    if terms.errnos == ALL_ERRNOS:
        found.append("--failed")
    elif terms.errnos is not None:
        found += ["--errno", ",".join(errno.errorcode[number] for number in sorted(terms.errnos))]
    if terms.slower_ns is not None:
        found += ["--slower", f"{terms.slower_ns}ns"]
    if terms.path is not None:
        found += ["--path", terms.path]
    return found


def list_of_cpus(cpus: Iterable[int]) -> str:
    """As the kernel writes it: 0-3,8."""
    parts: list[list[int]] = []
    for cpu in sorted(cpus):
        if parts and parts[-1][-1] == cpu - 1:
            parts[-1].append(cpu)
        else:
            parts.append([cpu])
    return ",".join(f"{part[0]}-{part[-1]}" if len(part) > 1 else str(part[0]) for part in parts)


def _expression_of(slots: frozenset[int], tables: Sequence[SyscallTable]) -> str:
    """The shorter of what is wanted and what is not."""
    wanted = _names_of(slots, tables)
    others = _names_of(frozenset(range(len(tables) * SHAPES)) - slots, tables)
    return "!" + ",".join(others) if others and len(others) < len(wanted) else ",".join(wanted)


def _names_of(slots: frozenset[int], tables: Sequence[SyscallTable]) -> list[str]:
    """Classes first: one may have a call in one ABI and not in another."""
    found, rest = [], set(slots)
    for name in CLASSES:
        of_class = slots_in(f"%{name}", tables)
        if of_class <= slots and of_class & rest:
            found.append(f"%{name}")
            rest -= of_class
    names = {
        call.name
        for abi, table in enumerate(tables)
        for number in range(SHAPES)
        if abi * SHAPES + number in rest and (call := table.get(number)) is not None
    }
    return [*found, *sorted(names)]
