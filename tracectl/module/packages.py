"""What installs something here: this distribution's packages, and the module itself."""

from __future__ import annotations

import shutil
from pathlib import Path

DKMS_PACKAGE = "tracectl-dkms"
_HOST = Path("/")
_SCRIPT = Path("var/lib/dpkg/info") / f"{DKMS_PACKAGE}.prerm"
_DNF_NAMES = {
    "busybox-static": "busybox",
    "gcc-12": "gcc",
    "qemu-system-x86": "qemu-system-x86-core",
}


def install_command(*packages: str) -> str:
    """``packages`` are Debian's names."""
    if shutil.which("apt-get") or not shutil.which("dnf"):
        return f"apt-get install {' '.join(packages)}"
    names = (
        _DNF_NAMES.get(name, name.replace("linux-headers-", "kernel-devel-")) for name in packages
    )
    return f"dnf install {' '.join(names)}"


def is_packaged(root: Path = _HOST) -> bool:
    """Whether the module is the Debian package's, whose scripts alone may then install it."""
    return (root / _SCRIPT).exists()


def install_module_command() -> str:
    """Builds the module for this machine's kernels, also where it was built before."""
    if is_packaged():
        return f"sudo dpkg-reconfigure {DKMS_PACKAGE}"
    return "sudo tracectl module install"
