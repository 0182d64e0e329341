"""Distribution kernels, unpacked below the cache directory."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tracectl.errors import GuestError, UnsupportedError
from tracectl.vm.packages import PackageCache

SUITES = {"6.1": "bookworm", "6.12": "bookworm-backports"}
"""Series to the Debian suite whose newest kernel it is; all are built with Debian 12's gcc."""

_NEEDED_BYTES = 1536 << 20

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Kernel:
    """An unpacked kernel: ``modules`` is its lib/modules/RELEASE, ``build`` what modules are built
    against."""

    release: str
    vmlinuz: Path
    modules: Path
    build: Path


def cache_directory() -> Path:
    """$TRACECTL_CACHE, or tracectl below the user's cache directory."""
    if named := os.environ.get("TRACECTL_CACHE"):
        return Path(named).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tracectl"


def fetch_kernel(series: str, progress: Progress = lambda _: None) -> Kernel:
    """The kernel of ``series``, from the cache or else from the mirror.

    UnsupportedError for a series that is not known, GuestError when it cannot be had.
    """
    if series not in SUITES:
        raise UnsupportedError(f"no kernel {series!r} for the guest; there are {', '.join(SUITES)}")
    if platform.machine() != "x86_64":
        raise UnsupportedError(f"the guest runs on x86_64 so far, this is {platform.machine()}")
    directory = cache_directory() / "kernels" / series
    if not (directory / "release").is_file():
        progress(f"fetching kernel {series} into {directory}")
        _fetch(SUITES[series], directory)
    return _kernel_in(directory)


def _kernel_in(directory: Path) -> Kernel:
    release = (directory / "release").read_text().strip()
    return Kernel(
        release=release,
        vmlinuz=directory / "boot" / f"vmlinuz-{release}",
        modules=directory / "lib" / "modules" / release,
        build=directory / "usr" / "src" / f"linux-headers-{release}",
    )


def _fetch(suite: str, directory: Path) -> None:
    """Unpacks beside ``directory`` and renames: an interrupted run leaves nothing half done."""
    cache = directory.parent
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise GuestError(f"the cache {cache} cannot be made: {error.strerror}") from error
    _check_space(cache)
    packages = PackageCache(suite, cache.parent / "apt" / suite)
    with tempfile.TemporaryDirectory(dir=cache, prefix=".new-") as temporary:
        work = Path(temporary)
        (work / "debs").mkdir()
        tree = work / "tree"
        release = packages.dependencies("linux-image-amd64")[0].removeprefix("linux-image-")
        headers = f"linux-headers-{release}"
        wanted = [name for name in packages.dependencies(headers) if "gcc" not in name]
        for deb in packages.download([f"linux-image-{release}", headers, *wanted], work / "debs"):
            _run("dpkg-deb", "-x", str(deb), str(tree))
        _settle(tree, release)
        (tree / "release").write_text(release)
        shutil.rmtree(directory, ignore_errors=True)
        tree.rename(directory)


def _settle(tree: Path, release: str) -> None:
    """Makes an unpacked tree usable where it is."""
    merged = tree / "usr" / "lib" / "modules"
    if merged.is_dir() and not (tree / "lib" / "modules").exists():
        (tree / "lib").mkdir(exist_ok=True)
        merged.rename(tree / "lib" / "modules")
    # Debian's dispatches to /usr/src, where nothing is installed.
    makefile = tree / "usr" / "src" / f"linux-headers-{release}" / "Makefile"
    here = "$(dir $(lastword $(MAKEFILE_LIST)))../"
    makefile.write_text(makefile.read_text().replace("/usr/src/", here))
    _run("depmod", "-b", str(tree), release)


def _check_space(directory: Path) -> None:
    free = shutil.disk_usage(directory).free
    if free < _NEEDED_BYTES:
        raise GuestError(
            f"a kernel for the guest needs {_NEEDED_BYTES >> 20} MiB below {directory}, and "
            f"{free >> 20} MiB are free; TRACECTL_CACHE names another place"
        )


def _run(*command: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise UnsupportedError(f"{command[0]} is not installed; the guest needs it") from error
    if done.returncode:
        raise GuestError(f"{' '.join(command)} failed: {done.stderr.strip()}")
