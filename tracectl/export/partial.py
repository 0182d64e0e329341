"""Exports that have their name once they are whole: a reader finds the old one or the new one, and
an error or an interrupt leaves nothing."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tracectl.errors import UsageError

_PARTIAL = re.compile(r"\.partial-\d+")
_STREAM = re.compile(r"cpu_\d+")
_METADATA = "metadata"


@contextmanager
def partial_file(path: Path) -> Iterator[Path]:
    """Where to write what is to be ``path``: a file beside it, which takes its place in the end.
    OSError. A pipe or a device is written itself."""
    # A link stays one.
    target = path.resolve()
    if target.exists() and not target.is_file():
        yield path
        return
    partial = target.with_name(f".{target.name}.partial-{os.getpid()}")
    try:
        yield partial
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def partial_trace(directory: Path) -> Iterator[Path]:
    """Where to write the files of a CTF trace that is to be in ``directory``. They take the place
    of an earlier export's; UsageError where anything else is there. OSError."""
    is_new = not directory.exists()
    if not is_new and not _is_ours(directory):
        raise UsageError(
            f"{directory} is not empty, and no CTF export of tracectl that could be replaced"
        )
    partial = directory / f".partial-{os.getpid()}"
    partial.mkdir(parents=True)
    try:
        yield partial
        _replace(directory, partial)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        if is_new:
            with suppress(OSError):
                directory.rmdir()


def _is_ours(directory: Path) -> bool:
    names = {one.name for one in directory.iterdir() if not _PARTIAL.fullmatch(one.name)}
    if not all(name == _METADATA or _STREAM.fullmatch(name) for name in names):
        return False
    metadata = directory / _METADATA
    return not names or (
        metadata.is_file() and 'tracer_name = "tracectl"' in metadata.read_text(errors="replace")
    )


def _replace(directory: Path, partial: Path) -> None:
    # Without the metadata the streams are no trace to anyone: it goes first and comes last.
    for old in sorted(directory.iterdir(), reverse=True):
        if _PARTIAL.fullmatch(old.name) and old != partial:
            # Of an export that was killed.
            shutil.rmtree(old)
        elif old != partial:
            old.unlink()
    for new in sorted(partial.iterdir()):
        new.replace(directory / new.name)
