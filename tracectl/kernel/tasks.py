"""Threads that are alive, from /proc."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path


def iter_tasks(proc: Path = Path("/proc")) -> Iterator[tuple[int, int, int, str]]:
    """tid, tgid, parent's tgid and comm of every thread; those that end meanwhile are left out."""
    for process in proc.iterdir():
        if not process.name.isdigit():
            continue
        try:
            threads = list((process / "task").iterdir())
        except OSError:
            continue
        for thread in threads:
            try:
                stat = (thread / "stat").read_text(errors="replace")
            except OSError:
                continue
            # comm may hold anything, parentheses and blanks too.
            comm = stat[stat.index("(") + 1 : stat.rindex(")")]
            ppid = int(stat[stat.rindex(")") + 2 :].split()[1])
            yield int(thread.name), int(process.name), ppid, comm


def comm_of(pid: int, proc: Path = Path("/proc")) -> str | None:
    """None when there is no such process."""
    try:
        return (proc / str(pid) / "comm").read_text(errors="replace").rstrip("\n")
    except OSError:
        return None
