"""Who may use the device, and that it is there after the next boot: a system group, udev's rule for
it, and the module's name among those that are loaded at boot.

The Debian package brings the same files to places of its own.
"""

from __future__ import annotations

import grp
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

from tracectl.errors import TracectlError, UnsupportedError
from tracectl.module.programs import path_with_sbin

GROUP = "tracectl"
_RULES = "60-tracectl.rules"
_LOADED = "modules-load.conf"
_FILES = {
    _RULES: Path("/etc/udev/rules.d") / _RULES,
    _LOADED: Path("/etc/modules-load.d/tracectl.conf"),
}
_PACKAGED = Path("/usr/lib/udev/rules.d") / _RULES
_UDEVD = Path("/run/udev/control")
_DEVICE = Path("/sys/class/misc/tracectl")


def grant() -> bool:
    """Lets members of the group use the device. False: a package did that already."""
    if _PACKAGED.exists():
        return False
    _run("groupadd", "--system", "--force", GROUP)
    for name, path in _FILES.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(files("tracectl.module").joinpath("system", name).read_bytes())
    if _UDEVD.exists():
        _run("udevadm", "control", "--reload")
        if _DEVICE.exists():
            _run("udevadm", "trigger", "--settle", "--action=change", str(_DEVICE))
    return True


def revoke() -> None:
    """Takes away what ``grant`` made."""
    rules = _FILES[_RULES]
    if _PACKAGED.exists() or not rules.exists():
        return
    _FILES[_LOADED].unlink(missing_ok=True)
    if _is_group():
        _run("groupdel", GROUP)
    # Last: by them a second try, after the group could not be removed, finds what there is to do.
    rules.unlink()
    if _UDEVD.exists():
        _run("udevadm", "control", "--reload")


def _is_group() -> bool:
    try:
        grp.getgrnam(GROUP)
    except KeyError:
        return False
    return True


def _run(*command: str) -> None:
    program = shutil.which(command[0], path=path_with_sbin())
    if program is None:
        raise UnsupportedError(f"the device's group cannot be set up: {command[0]} is missing")
    done = subprocess.run([program, *command[1:]], capture_output=True, text=True, check=False)
    if done.returncode:
        raise TracectlError(f"{' '.join(command)} failed: {done.stderr.strip()}")
