"""What processes have open, from /proc."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

_MAX_FILES = 200_000
"""Some 20 MB of a capture's metadata, which may be 64."""


class Opened(NamedTuple):
    """``files`` is what is behind each file descriptor, as /proc shows it, ``cloexec`` those that
    an exec closes, ``cwd`` the working directory. ``left_out`` counts descriptors that could not
    be read, or were too many; 1 where not even their number could."""

    tgid: int
    cwd: str
    files: dict[int, str]
    cloexec: list[int]
    left_out: int = 0


def iter_opened(tgids: Iterable[int], proc: Path = Path("/proc")) -> Iterator[Opened]:
    """Of each process; kernel threads and those that end meanwhile are left out."""
    room = _MAX_FILES
    for tgid in tgids:
        process = proc / str(tgid)
        try:
            (process / "exe").readlink()
            cwd = str((process / "cwd").readlink())
            numbers = [link.name for link in (process / "fd").iterdir()]
        except FileNotFoundError:
            continue
        except OSError:
            # Another user's.
            yield Opened(tgid, "", {}, [], left_out=1)
            continue
        opened = _read(process, tgid, cwd, numbers[:room])
        yield opened._replace(left_out=opened.left_out + len(numbers[room:]))
        room -= len(opened.files)


def _read(process: Path, tgid: int, cwd: str, numbers: list[str]) -> Opened:
    files, cloexec, left_out = {}, [], 0
    for number in numbers:
        try:
            path = str((process / "fd" / number).readlink())
            info = (process / "fdinfo" / number).read_bytes()
        except FileNotFoundError:
            # Closed meanwhile.
            continue
        except OSError:
            left_out += 1
            continue
        files[int(number)] = path
        if int(info.partition(b"flags:")[2].split()[0], 8) & os.O_CLOEXEC:
            cloexec.append(int(number))
    return Opened(tgid, cwd, files, cloexec, left_out)
