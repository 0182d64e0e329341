"""Distribution kernels, unpacked below the cache directory."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tracectl.errors import GuestError, UnsupportedError
from tracectl.vm.packages import PackageCache
from tracectl.vm.root import kernel_release, make_root


@dataclass(frozen=True, slots=True)
class Series:
    """Where the newest kernel of a series comes from. ``is_built_here``: Debian 12's own compiler
    is the one that it was built with, so that unpacking it is enough."""

    suite: str
    flavour: str = "amd64"
    is_built_here: bool = False


SERIES = {
    "5.10": Series("bullseye"),
    "6.1": Series("bookworm", is_built_here=True),
    "6.12": Series("trixie"),
    "6.12-bpo": Series("bookworm-backports", is_built_here=True),
    "6.12-cloud": Series("trixie", "cloud-amd64"),
    "6.12-rt": Series("trixie", "rt-amd64"),
    "7.2": Series("forky"),
    "7.3": Series("experimental"),
}

_NEEDED_BYTES = 1536 << 20

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Kernel:
    """An unpacked kernel: ``modules`` is its lib/modules/RELEASE, ``build`` what modules are built
    against, ``root`` the root file system that it is installed in, if it is."""

    release: str
    vmlinuz: Path
    modules: Path
    build: Path
    root: Path | None = None


def cache_directory() -> Path:
    """$TRACECTL_CACHE, or tracectl below the user's cache directory."""
    if named := os.environ.get("TRACECTL_CACHE"):
        return Path(named).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tracectl"


def fetch_kernel(
    name: str, progress: Progress = lambda _: None, *, is_installed: bool | None = None
) -> Kernel:
    """The kernel of series ``name``, from the cache or else from the mirror.

    ``is_installed``: in a root file system of its own suite, with DKMS, which takes root and a
    minute; by default only where it has to be. UnsupportedError for a series that is not known,
    GuestError when it cannot be had.
    """
    series = SERIES.get(name)
    if series is None:
        raise UnsupportedError(f"no kernel {name!r} for the guest; there are {', '.join(SERIES)}")
    if platform.machine() != "x86_64":
        raise UnsupportedError(f"the guest runs on x86_64 so far, this is {platform.machine()}")
    if is_installed or not series.is_built_here:
        return _installed(series, progress)
    directory = cache_directory() / "kernels" / name
    if not (directory / "release").is_file():
        progress(f"fetching kernel {name} into {directory}")
        _retry(partial(_fetch, series.suite, directory))
    return _kernel_in(directory)


def _installed(series: Series, progress: Progress) -> Kernel:
    root = cache_directory() / "roots" / series.suite
    if not root.is_dir():
        progress(f"making a root file system of {series.suite} in {root}")
        root.parent.mkdir(parents=True, exist_ok=True)
        _check_space(root.parent)
        same = [other.flavour for other in SERIES.values() if other.suite == series.suite]
        _retry(partial(make_root, series.suite, same, root))
    release = kernel_release(root, series.flavour)
    return Kernel(
        release=release,
        vmlinuz=root / "boot" / f"vmlinuz-{release}",
        modules=root / "lib" / "modules" / release,
        build=root / "usr" / "src" / f"linux-headers-{release}",
        root=root,
    )


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


def _retry(fetch: Callable[[], None]) -> None:
    """Once more when it fails: a mirror that is just being updated lists packages that it does not
    have any more."""
    try:
        fetch()
    except GuestError:
        fetch()


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
