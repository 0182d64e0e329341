"""Distribution kernels, unpacked below the cache directory."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from tracectl.errors import GuestError, UnsupportedError
from tracectl.module.programs import path_with_sbin
from tracectl.vm.lock import make_once
from tracectl.vm.machine import ARM64, X86_64, Machine
from tracectl.vm.packages import PackageCache
from tracectl.vm.root import kernel_release, make_root
from tracectl.vm.userland import make_userland


@dataclass(frozen=True, slots=True)
class Series:
    """Where the newest kernel of a series comes from. ``is_built_here``: Debian 12's own compiler
    is the one that it was built with, so that unpacking it is enough."""

    suite: str
    flavour: str = "amd64"
    is_built_here: bool = False
    machine: Machine = X86_64


SERIES = {
    "5.10": Series("bullseye"),
    "6.1": Series("bookworm", is_built_here=True),
    "6.12": Series("trixie"),
    "6.12-bpo": Series("bookworm-backports", is_built_here=True),
    "6.12-cloud": Series("trixie", "cloud-amd64"),
    "6.12-rt": Series("trixie", "rt-amd64"),
    "6.12-arm64": Series("bookworm-backports", "arm64", is_built_here=True, machine=ARM64),
    "7.2": Series("forky"),
    "7.3": Series("experimental"),
}

_NEEDED_BYTES = 1536 << 20

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Kernel:
    """An unpacked kernel: ``modules`` is its lib/modules/RELEASE, ``build`` what modules are built
    against, ``root`` the root file system that it is installed in, if it is; ``userland`` the one
    that its guest runs on, if that cannot be this machine's."""

    release: str
    vmlinuz: Path
    modules: Path
    build: Path
    root: Path | None = None
    machine: Machine = X86_64
    userland: Path | None = None


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
    minute; by default only where it has to be, and never for another architecture.
    UnsupportedError for a series that is not known, GuestError when it cannot be had.
    """
    series = SERIES.get(name)
    if series is None:
        raise UnsupportedError(f"no kernel {name!r} for the guest; there are {', '.join(SERIES)}")
    if platform.machine() != X86_64.name:
        raise UnsupportedError(f"the guest runs on x86_64 so far, this is {platform.machine()}")
    if series.machine is X86_64 and (is_installed or not series.is_built_here):
        return _installed(series, progress)
    directory = cache_directory() / "kernels" / name

    def fetch() -> None:
        progress(f"fetching kernel {name} into {directory}")
        _retry(partial(_fetch, series, directory))

    make_once(directory / "release", fetch, directory)
    kernel = _kernel_in(directory)
    if series.machine is X86_64:
        return kernel
    return replace(kernel, machine=series.machine, userland=_userland(series.machine, progress))


def _userland(machine: Machine, progress: Progress) -> Path:
    directory = cache_directory() / "userlands" / machine.debian

    def make() -> None:
        progress(f"making a root file system for {machine.debian} in {directory}")
        _retry(partial(make_userland, machine, directory))

    make_once(directory, make, directory)
    return directory


def _installed(series: Series, progress: Progress) -> Kernel:
    root = cache_directory() / "roots" / series.suite

    def make() -> None:
        progress(f"making a root file system of {series.suite} in {root}")
        _check_space(root.parent)
        same = [other.flavour for other in SERIES.values() if other.suite == series.suite]
        _retry(partial(make_root, series.suite, same, root))

    make_once(root, make, root)
    return installed_kernel(root, series.flavour)


def installed_kernel(root: Path, flavour: str) -> Kernel:
    """The kernel that ``flavour`` stands for in ``root``. GuestError when that has none."""
    release = kernel_release(root, flavour)
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


def _fetch(series: Series, directory: Path) -> None:
    """Unpacks beside ``directory`` and renames: an interrupted run leaves nothing half done."""
    cache = directory.parent
    _check_space(cache)
    packages = _packages(series, series.machine)
    with tempfile.TemporaryDirectory(dir=cache, prefix=".new-") as temporary:
        work = Path(temporary)
        (work / "debs").mkdir()
        tree = work / "tree"
        image = packages.dependencies(f"linux-image-{series.flavour}")[0]
        release = image.removeprefix("linux-image-")
        headers = f"linux-headers-{release}"
        needed = packages.dependencies(headers)
        # Its programs run here.
        programs = [name for name in needed if name.startswith("linux-kbuild-")]
        others = [name for name in needed if name not in programs and "gcc" not in name]
        packages.download([image, headers, *others], work / "debs")
        _packages(series, X86_64).download(programs, work / "debs")
        for deb in sorted((work / "debs").glob("*.deb")):
            _run("dpkg-deb", "-x", str(deb), str(tree))
        settle(tree, release)
        (tree / "release").write_text(release)
        shutil.rmtree(directory, ignore_errors=True)
        tree.rename(directory)


def _packages(series: Series, machine: Machine) -> PackageCache:
    name = f"{series.suite}-{machine.debian}"
    return PackageCache(series.suite, cache_directory() / "apt" / name, machine.debian)


def settle(tree: Path, release: str) -> None:
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
        done = subprocess.run(
            command, capture_output=True, text=True, check=False,
            env=os.environ | {"PATH": path_with_sbin()},
        )  # fmt: skip
    except FileNotFoundError as error:
        raise UnsupportedError(f"{command[0]} is not installed; the guest needs it") from error
    if done.returncode:
        raise GuestError(f"{' '.join(command)} failed: {done.stderr.strip()}")
