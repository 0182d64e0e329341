"""Threads that are alive, from /proc."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_CGROUP_ROOTS = (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified"))


class LiveTask(NamedTuple):
    """A thread; ``ppid`` is its parent's tgid, ``uid`` the real one, ``cgroup`` a path from the
    root of cgroup v2 on, ``inner_tids`` its ids in the pid namespaces that it is in below the
    reader's, outermost first."""

    tid: int
    tgid: int
    ppid: int
    comm: str
    uid: int | None
    exe: str
    cgroup: str
    inner_tids: list[int]


def iter_tasks(proc: Path = Path("/proc")) -> Iterator[LiveTask]:
    """Every thread; those that end meanwhile are left out."""
    for process in proc.iterdir():
        if not process.name.isdigit():
            continue
        try:
            threads = list((process / "task").iterdir())
            cgroup = _cgroup_in((process / "cgroup").read_text(errors="backslashreplace"))
        except OSError:
            continue
        exe = _link_of(process / "exe")
        for thread in threads:
            try:
                status = (thread / "status").read_text(errors="backslashreplace")
            except OSError:
                continue
            facts = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
            yield LiveTask(
                tid=int(thread.name),
                tgid=int(process.name),
                ppid=int(facts["PPid"]),
                # So that it stays on its line, the kernel escapes these two.
                comm=facts["Name"].replace("\\n", "\n").replace("\\\\", "\\"),
                uid=int(facts["Uid"].split()[0]),
                exe=exe,
                cgroup=cgroup,
                inner_tids=[int(tid) for tid in facts.get("NSpid", "").split()[1:]],
            )


def find_cgroups() -> dict[int, str]:
    """The directories of cgroup v2: paths from the root on, by inode."""
    for root in _CGROUP_ROOTS:
        if (root / "cgroup.controllers").is_file():
            return dict(_iter_cgroups(str(root)))
    return {}


def _iter_cgroups(root: str) -> Iterator[tuple[int, str]]:
    for directory, _, _ in os.walk(root):
        try:
            inode = Path(directory).stat().st_ino
        except OSError:
            continue
        yield inode, directory[len(root) :] or "/"


def _cgroup_in(text: str) -> str:
    """What /proc/PID/cgroup has of v2; where that is not used, of systemd's own hierarchy."""
    paths = dict(line.split(":", 2)[1:] for line in text.splitlines())
    unified, named = paths.get("", ""), paths.get("name=systemd", "")
    return unified if len(unified) > 1 or not named else named


def _link_of(path: Path) -> str:
    """Empty for a kernel thread, and for what others may not know."""
    try:
        return os.fsencode(path.readlink()).decode(errors="backslashreplace")
    except OSError:
        return ""


def comm_of(pid: int, proc: Path = Path("/proc")) -> str | None:
    """None when there is no such process."""
    try:
        return (proc / str(pid) / "comm").read_text(errors="replace").rstrip("\n")
    except OSError:
        return None
