"""What lies in the cache directory is made once, however many processes want it."""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from pathlib import Path

from tracectl.errors import GuestError


def make_once(path: Path, make: Callable[[], None], within: Path) -> None:
    """Calls ``make`` unless ``path`` is there, while no other process makes something within the
    directory ``within``. GuestError when there is no place for that."""
    if path.exists():
        return
    lock = within.with_name(f".{within.name}.lock")
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        file = lock.open("w")
    except OSError as error:
        raise GuestError(f"the cache {lock.parent} cannot be made: {error.strerror}") from error
    # The lock's file stays: another process may wait on it.
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if not path.exists():
            make()
