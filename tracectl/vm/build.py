"""Building a kernel module out of a source directory with a Kbuild."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tracectl.errors import GuestError, UnsupportedError
from tracectl.vm.kernel import Kernel, Progress, cache_directory

SOURCE = Path(__file__).parents[2]
"""The module's own source: the clone that this package is in."""

_MAKE_ERROR = re.compile(r"^(?:.*/)?(\S+:\d+(?::\d+)?: (?:fatal )?error: .*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Build:
    """``output`` is what make and the compiler said: empty when there was no warning."""

    path: Path
    output: str


def module_for(kernel: Kernel, progress: Progress = lambda _: None) -> Path:
    """tracectl.ko for ``kernel``, built when its sources changed. GuestError when it does not
    compile."""
    if not (SOURCE / "Kbuild").is_file():
        raise UnsupportedError(
            f"the module's source is not beside the package in {SOURCE}; run from a clone"
        )
    directory = cache_directory() / "modules" / f"{kernel.release}-{_fingerprint(SOURCE)}"
    path = directory / "tracectl.ko"
    if not path.is_file():
        progress(f"building the module for {kernel.release}")
        build_module(kernel, SOURCE, directory)
    return path


def build_module(
    kernel: Kernel, source: Path, directory: Path, arguments: Sequence[str] = ()
) -> Build:
    """Builds the module in ``source`` for ``kernel`` and leaves NAME.ko in ``directory``.

    ``arguments`` go to make, such as W=1. GuestError with the compiler's first error.
    """
    if shutil.which("make") is None or shutil.which("gcc-12") is None:
        raise UnsupportedError(
            "building the module needs make and gcc-12: apt-get install make gcc-12"
        )
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory, prefix=".build-") as temporary:
        work = Path(temporary)
        for relative in _iter_sources(source):
            (work / relative).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source / relative, work / relative)
        # No BTF: it needs pahole, and nothing here reads it.
        done = subprocess.run(
            ["make", "-s", "-C", str(kernel.build), f"M={work}",
             "CONFIG_DEBUG_INFO_BTF_MODULES=", *arguments, "modules"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        output = done.stdout + done.stderr
        if done.returncode:
            raise GuestError(
                f"the module does not compile for {kernel.release}: {first_error(output)}"
            )
        (built,) = work.glob("*.ko")
        path = built.rename(directory / built.name)
    return Build(path, _without_noise(output))


def first_error(output: str) -> str:
    """The compiler's first error in make's output, or make's last line."""
    match = _MAKE_ERROR.search(output)
    return match[1] if match else (output.strip().splitlines() or ["no reason given"])[-1]


def _without_noise(output: str) -> str:
    lines = [line for line in output.splitlines() if not line.startswith("Skipping BTF")]
    return "\n".join(lines)


def _iter_sources(source: Path) -> Iterator[Path]:
    for top in ("Kbuild", "dkms.conf", "kmod", "*.c"):
        for path in sorted(source.glob(top)):
            found = sorted(path.rglob("*")) if path.is_dir() else [path]
            for file in found:
                if file.is_file() and (file.suffix in (".c", ".h", ".mk", ".conf") or file == path):
                    yield file.relative_to(source)


def _fingerprint(source: Path) -> str:
    digest = hashlib.sha256()
    for relative in _iter_sources(source):
        digest.update(str(relative).encode() + b"\0" + (source / relative).read_bytes())
    return digest.hexdigest()[:16]
