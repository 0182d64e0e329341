"""The module's own source, and what building it says."""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from tracectl.errors import UnsupportedError

_CLONE = Path(__file__).parents[2]
# Of the compiler; of modpost, for symbols that the kernel lacks; of our Kbuild.
_MAKE_ERROR = re.compile(
    r"^(?:(?:.*/)?(?P<compiler>\S+:\d+(?::\d+)?: (?:fatal )?error: .*)"
    r"|ERROR: modpost: (?P<modpost>.*)"
    r"|\S*Kbuild:\d+: \*\*\* (?P<kbuild>.*)\.  Stop\.)$",
    re.MULTILINE,
)
_VERSION = re.compile(r'^PACKAGE_VERSION="(.+)"$', re.MULTILINE)


def find_source() -> Path:
    """The directory with Kbuild, dkms.conf and kmod/: the clone that this package is in, or what
    was installed with it. UnsupportedError when there is none."""
    for directory in _iter_places():
        if (directory / "Kbuild").is_file():
            return directory
    raise UnsupportedError(
        f"the module's source is not with the package in {_CLONE}; install it again, or run from "
        "a clone"
    )


def _iter_places() -> Iterator[Path]:
    yield _CLONE
    try:
        installed = distribution("tracectl").files or []
    except PackageNotFoundError:
        installed = []
    for file in installed:
        if file.name == "Kbuild":
            yield Path(str(file.locate())).resolve().parent
    # Debian's package lists its files as they were while it was built.
    yield Path(sys.prefix, "share/tracectl/module")


def version_of(source: Path) -> str:
    """As dkms.conf has it. UnsupportedError when it has none."""
    match = _VERSION.search((source / "dkms.conf").read_text(encoding="utf8"))
    if match is None:
        raise UnsupportedError(f"{source / 'dkms.conf'} names no version")
    return match[1]


def iter_sources(source: Path) -> Iterator[Path]:
    """The files that a build needs, relative to ``source``."""
    for top in ("Kbuild", "dkms.conf", "kmod", "*.c"):
        for path in sorted(source.glob(top)):
            found = sorted(path.rglob("*")) if path.is_dir() else [path]
            for file in found:
                if file.is_file() and (file.suffix in (".c", ".h", ".mk", ".conf") or file == path):
                    yield file.relative_to(source)


def copy_source(source: Path, to: Path) -> None:
    for relative in iter_sources(source):
        (to / relative).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source / relative, to / relative)


def fingerprint(source: Path) -> str:
    digest = hashlib.sha256()
    for relative in iter_sources(source):
        digest.update(str(relative).encode() + b"\0" + (source / relative).read_bytes())
    return digest.hexdigest()[:16]


def first_error(output: str) -> str:
    """The first error in make's output, or else its last line."""
    if match := _MAKE_ERROR.search(output):
        return match[match.lastgroup or 0]
    return (output.strip().splitlines() or ["no reason given"])[-1]
