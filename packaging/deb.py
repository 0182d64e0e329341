# SPDX-License-Identifier: GPL-2.0
"""Builds the Debian packages of this tree, in a clean root of Debian 12.

    [DEBFULLNAME=NAME] [DEBEMAIL=ADDRESS] packaging/deb.py [--version VERSION] [DIRECTORY]

The packages go to DIRECTORY (default: dist) when lintian has nothing to say about them. What is
built is what git knows, with the manual pages and completions of 'make man'. Entering the root
takes root: 'make deb' asks sudo for it. Who gives them to others names itself as their maintainer,
by the variables that Debian's tools take; by default that is an address that cannot exist
(RFC 2606). --version is for tests of upgrades.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tracectl import __version__
from tracectl.errors import TracectlError, UnsupportedError
from tracectl.module.dkms import enter_root
from tracectl.vm.kernel import cache_directory
from tracectl.vm.root import debootstrap

REPO = Path(__file__).parents[1]
SUITE = "bookworm"
# Without build-essential: only tracectl/walk is compiled.
PACKAGES = (
    *("gcc", "libc6-dev", "python3-all-dev"),
    *("debhelper", "dh-dkms", "dh-python", "dpkg-dev", "lintian", "pybuild-plugin-pyproject"),
    *("python3-construct", "python3-numpy", "python3-pyudev", "python3-rich"),
    *("python3-setuptools", "python3-zstandard"),
)
_NOBODY = "tracectl maintainers <maintainers@tracectl.invalid>"
_SIGNED = ("packaging/debian/control", "packaging/debian/changelog")
_VERSIONED = ("pyproject.toml", "tracectl/__init__.py", "dkms.conf", "packaging/debian/changelog")


def main() -> None:
    parser = argparse.ArgumentParser(description="build the Debian packages")
    parser.add_argument("--version", default=__version__)
    parser.add_argument("directory", type=Path, nargs="?", default=REPO / "dist")
    args = parser.parse_args()
    try:
        sys.exit(_build(args.version, args.directory))
    except TracectlError as error:
        print(f"deb: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


def _build(version: str, directory: Path) -> int:
    """The exit code of what failed."""
    if os.geteuid():
        raise UnsupportedError("a clean root of Debian is entered by root only: make deb")
    root = cache_directory() / "roots" / f"build-{SUITE}"
    if not root.is_dir():
        debootstrap(SUITE, root, PACKAGES, "--variant=minbase")
    with tempfile.TemporaryDirectory(dir=root / "var/tmp", prefix="tracectl-deb-") as temporary:
        tree = Path(temporary) / "tracectl"
        _export(tree, version)
        inside = Path("/") / tree.relative_to(root)
        lintian = "lintian --allow-root --fail-on error,warning --display-info"
        script = (
            f"cd {inside} && dpkg-buildpackage --build=binary --no-sign --no-check-builddeps && "
            f"{lintian} ../*.changes"
        )
        code = subprocess.run([*enter_root(root), "sh", "-c", script], check=False).returncode
        if code == 0:
            directory.mkdir(parents=True, exist_ok=True)
            for deb in Path(temporary).glob("*.deb"):
                print(shutil.copy(deb, directory))
        return code


def _export(tree: Path, version: str) -> None:
    """The tree as dpkg-buildpackage wants it, as ``version``."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPO, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.split("\0"):
        if (REPO / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPO / name, tree / name)
    for name in _VERSIONED:
        path = tree / name
        path.write_text(path.read_text().replace(__version__, version, 1))
    if address := os.environ.get("DEBEMAIL"):
        somebody = f"{os.environ.get('DEBFULLNAME') or address.partition('@')[0]} <{address}>"
        for name in _SIGNED:
            path = tree / name
            path.write_text(path.read_text().replace(_NOBODY, somebody))
    shutil.move(tree / "packaging/debian", tree / "debian")
    # Not where they were made: a package's build begins with a clean one.
    shutil.copytree(REPO / "build/share", tree / "debian/share")


if __name__ == "__main__":
    main()
