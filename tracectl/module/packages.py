"""How this distribution installs what Debian's packages of these names hold."""

from __future__ import annotations

import shutil

_DNF_NAMES = {
    "busybox-static": "busybox",
    "gcc-12": "gcc",
    "qemu-system-x86": "qemu-system-x86-core",
}


def install_command(*packages: str) -> str:
    if shutil.which("apt-get") or not shutil.which("dnf"):
        return f"apt-get install {' '.join(packages)}"
    names = (
        _DNF_NAMES.get(name, name.replace("linux-headers-", "kernel-devel-")) for name in packages
    )
    return f"dnf install {' '.join(names)}"
