"""Who may open /dev/tracectl, and why it cannot be opened."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from tracectl.errors import UnsupportedError


def open_error(path: Path, error: OSError) -> UnsupportedError:
    if error.errno in (errno.ENOENT, errno.ENXIO, errno.ENODEV):
        return UnsupportedError(
            "the tracectl module is not loaded; 'tracectl module load' loads it, "
            "'tracectl record --vm -- CMD' traces in a guest instead"
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return UnsupportedError(f"no permission to open {path}; {_who_may(path)}")
    return UnsupportedError(f"{path} cannot be opened: {error.strerror}")


def _who_may(path: Path) -> str:
    import grp  # noqa: PLC0415 - looked up in this case only
    import pwd  # noqa: PLC0415

    try:
        group = grp.getgrgid(path.stat().st_gid)
        user = pwd.getpwuid(os.getuid()).pw_name
    except (OSError, KeyError):
        return "only root and the device's group may"
    if group.gr_gid == 0:
        return "only root may"
    may = f"root and the group {group.gr_name!r} may"
    if user in group.gr_mem:
        return f"{may}, which {user} is in from the next login on"
    return f"{may}; 'sudo usermod -aG {group.gr_name} {user}' adds {user}, from the next login on"
