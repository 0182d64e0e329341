"""Root file systems of Debian suites: kernels as a user has them installed, with DKMS."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from tracectl.errors import GuestError, UnsupportedError
from tracectl.module.programs import path_with_sbin
from tracectl.vm.packages import machine_sources, sources_for

_TOOLS = ("dkms", "gcc", "make", "kmod")
# experimental is no suite of its own: what it does not have comes from sid.
_BASES = {"experimental": "sid"}
_OPTIONS = (
    # The Release file of an old suite has expired.
    '--aptopt=Acquire::Check-Valid-Until "false"',
    '--aptopt=APT::Install-Recommends "false"',
    '--aptopt=Acquire::Retries "3"',
    "--dpkgopt=force-unsafe-io",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    # dpkg asks about the file made below.
    "--dpkgopt=force-confold",
    '--setup-hook=mkdir -p "$1/etc/initramfs-tools" && echo update_initramfs=no '
    '>"$1/etc/initramfs-tools/update-initramfs.conf"',
)


def make_root(
    suite: str, flavours: Sequence[str], directory: Path, packages: Sequence[str] = ()
) -> None:
    """A minimal root of ``suite`` in ``directory``, with the kernels of these flavours, their
    headers, DKMS and ``packages``. GuestError when it cannot be made, UnsupportedError where that
    needs what this machine lacks."""
    kernels = [f"linux-{part}-{flavour}" for flavour in flavours for part in ("image", "headers")]
    base = _BASES.get(suite, suite)
    more: list[str] = []
    if base != suite:
        kernels = [f"{package}/{suite}" for package in kernels]
        more = [source.line() for source in sources_for(suite, machine_sources())]
    included = [*kernels, *_TOOLS, *packages]
    debootstrap(base, directory, included, "--variant=minbase", more_sources=more)


def debootstrap(
    suite: str,
    directory: Path,
    packages: Sequence[str],
    *options: str,
    more_sources: Sequence[str] = (),
    settle: Callable[[Path], None] = lambda _: None,
) -> None:
    """``packages`` of ``suite`` in ``directory``, by mmdebstrap with ``options`` and ``settle``
    after it. GuestError when that fails, UnsupportedError where it cannot be used."""
    if os.geteuid():
        raise UnsupportedError(f"a root file system of {suite} can be made by root only")
    if shutil.which("mmdebstrap") is None:
        raise UnsupportedError(
            f"a root file system of {suite} needs mmdebstrap: apt-get install mmdebstrap"
        )
    lines = [source.line() for source in sources_for(suite, machine_sources())]
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix=".new-") as temporary:
        root = Path(temporary) / "root"
        done = subprocess.run(
            ["mmdebstrap", "--mode=root", "--format=directory", *_OPTIONS, *options,
             f"--include={','.join(packages)}", suite, str(root),
             *(line.strip() for line in [*lines, *more_sources])],
            capture_output=True, text=True, check=False,
            # For the kernels' scripts: a guest has an initramfs of ours.
            env=os.environ | {"INITRD": "No", "PATH": path_with_sbin()},
        )  # fmt: skip
        if done.returncode:
            errors = [line for line in done.stderr.splitlines() if line.startswith("E: ")]
            raise GuestError(
                f"no root file system of {suite}: {(errors or ['E: no reason given'])[0][3:]}"
            )
        settle(root)
        shutil.rmtree(directory, ignore_errors=True)
        root.rename(directory)


def kernel_release(root: Path, flavour: str) -> str:
    """Of the kernel that ``flavour`` stands for in ``root``."""
    done = subprocess.run(
        ["dpkg-query", f"--admindir={root / 'var/lib/dpkg'}", "-W", "-f", "${Depends}",
         f"linux-image-{flavour}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    match = re.search(r"\blinux-image-(\d\S*)", done.stdout)
    if match is None:
        raise GuestError(f"the root file system {root} has no kernel of flavour {flavour}")
    return match[1]
