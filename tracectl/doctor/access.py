"""Whether this user can use the module, and write what it records."""

from __future__ import annotations

import grp
import os
import pwd
import tempfile
import time
from pathlib import Path

from tracectl import __version__
from tracectl.doctor.check import Check, failed, noted, passed
from tracectl.errors import AbiError, DeviceError, UnsupportedError
from tracectl.kernel.device import DEVICE_PATH, Device
from tracectl.module.loading import installed_version, is_loaded
from tracectl.module.packages import DKMS_PACKAGE, install_module_command, is_packaged

_GROUP = "tracectl"
_LOAD = "sudo tracectl module load"
_PROBE_BYTES = 64 << 20
_BLOCK_BYTES = 1 << 20
_EVENT_BYTES = 20
"""bench/ measures 16 to 22, uncompressed."""
_BUSY_EVENTS_S = 100_000
"""Of a CPU whose programs do little but system calls, half a million; this is a busy server's."""


def check_device() -> Check:
    name = "module"
    if not is_loaded():
        return _check_installed(name)
    if _is_refused():
        # check_permission says why.
        return passed(name, "loaded")
    try:
        with Device() as device:
            return passed(name, f"loaded, version {device.info.version}")
    except AbiError as error:
        reload = f"sudo tracectl module unload; {_LOAD}"
        installed = installed_version()
        if installed != __version__:
            reload = f"{_install_command(installed)}; {reload}"
        return failed(name, str(error), reload)
    except (UnsupportedError, DeviceError) as error:
        return failed(name, str(error), f"ls -l {DEVICE_PATH}; id")


def _check_installed(name: str) -> Check:
    installed = installed_version()
    if installed is None:
        found = f"not loaded, nor installed for {os.uname().release}"
    elif installed == __version__:
        return noted(name, "not loaded; installed for this kernel", _LOAD)
    else:
        found = f"not loaded; version {installed} is installed, this tracectl is {__version__}"
    remedy = _install_command(installed)
    # 'module install' loads it, too.
    return failed(name, found, f"{remedy}; {_LOAD}" if is_packaged() else remedy)


def _install_command(installed: str | None) -> str:
    """In place of the version ``installed``."""
    if installed is not None and is_packaged():
        return f"install version {__version__} of the package {DKMS_PACKAGE}"
    return install_module_command()


def _is_refused() -> bool:
    return DEVICE_PATH.exists() and not os.access(DEVICE_PATH, os.R_OK | os.W_OK)


def check_permission() -> Check:
    """Who may open the device is up to udev's rule for it: root, and a group."""
    name = "permission"
    if not os.geteuid():
        return passed(name, "root")
    is_refused = _is_refused()
    lacking = failed if is_refused else noted
    try:
        group = grp.getgrnam(_GROUP)
    except KeyError:
        return lacking(
            name, f"there is no group {_GROUP}, only root may record",
            "install the package tracectl, or use sudo",
        )  # fmt: skip
    if group.gr_gid in os.getgroups():
        if not is_refused:
            return passed(name, f"a member of the group {_GROUP}")
        return failed(
            name, f"a member of the group {_GROUP}, but {DEVICE_PATH} is not the group's",
            f"ls -l {DEVICE_PATH}; sudo udevadm trigger --action=change /sys/class/misc/tracectl",
        )  # fmt: skip
    user = pwd.getpwuid(os.geteuid()).pw_name
    return lacking(
        name, f"{user} is not in the group {_GROUP}, or was not when this session began",
        f"sudo usermod -aG {_GROUP} {user}, and log in again",
    )  # fmt: skip


def check_disk(directory: Path) -> Check:
    """Whether ``directory`` takes bytes as fast as this machine's CPUs may make them."""
    name = "disk"
    try:
        rate = _write_rate(directory)
    except OSError as error:
        return noted(name, f"{directory}: {error.strerror}", "record -o elsewhere")
    cpus = os.cpu_count() or 1
    needed = cpus * _BUSY_EVENTS_S * _EVENT_BYTES
    found = (
        f"{directory} takes {rate / 1e6:.0f} MB/s, {rate / _EVENT_BYTES / 1e6:.1f} M events/s "
        "uncompressed"
    )
    if rate < needed:
        return noted(
            name, f"{found}; {cpus} busy CPUs may make {needed / 1e6:.0f} MB/s",
            "record -o on a faster disk, or larger buffers: --subbuf-count",
        )  # fmt: skip
    return passed(name, found)


def _write_rate(directory: Path) -> float:
    """Bytes a second, through to the disk."""
    block = os.urandom(_BLOCK_BYTES)
    with tempfile.TemporaryFile(dir=directory) as file:
        started = time.monotonic()
        for _ in range(_PROBE_BYTES // _BLOCK_BYTES):
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
        return _PROBE_BYTES / (time.monotonic() - started)
