"""A root file system for guests of another architecture, which cannot run on this machine's own.

Its packages are unpacked and not configured: nothing here could run their scripts, and neither the
tracer nor a shell needs what they do.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from tracectl.vm.machine import Machine
from tracectl.vm.root import debootstrap

SUITE = "trixie"
# What a script takes for granted, and what the tracer imports.
_PACKAGES = (
    "base-files", "base-passwd", "busybox-static", "coreutils", "dash", "diffutils", "e2fsprogs",
    "findutils", "grep", "gzip", "kmod", "libc-bin", "mawk", "mount", "procps", "sed", "strace",
    "tar", "util-linux", "python3", "python3-construct", "python3-numpy", "python3-pyudev",
    "python3-rich", "python3-zstandard",
)  # fmt: skip
PYTHON = "/usr/bin/python3"
PACKAGE = Path("/usr/lib/python3/dist-packages/tracectl")
"""Where PYTHON finds this package."""
BYTECODE = Path("/var/cache/bytecode")
"""Where PYTHON keeps what it compiled; nothing was when the packages were unpacked."""


def make_userland(machine: Machine, directory: Path) -> None:
    """GuestError when it cannot be made, UnsupportedError where that needs more."""

    def settle(root: Path) -> None:
        """What the packages' scripts and the installer would have done."""
        (root / "etc/hosts").write_text("127.0.0.1 localhost\n")
        for name in ("passwd", "group"):
            shutil.copy(root / "usr/share/base-passwd" / f"{name}.master", root / "etc" / name)
        for name in ("blas", "lapack"):
            (root / f"usr/lib/{machine.name}-linux-gnu/lib{name}.so.3").symlink_to(
                f"{name}/lib{name}.so.3"
            )

    options = ["--variant=extract", f"--architectures={machine.debian}"]
    debootstrap(SUITE, directory, _PACKAGES, *options, settle=settle)
