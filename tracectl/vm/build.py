"""Building a kernel module out of a source directory with a Kbuild."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tracectl.errors import GuestError, UnsupportedError
from tracectl.module.dkms import Dkms, enter_root
from tracectl.module.source import copy_source, find_source, fingerprint, first_error
from tracectl.vm.initramfs import read_module
from tracectl.vm.kernel import Kernel, Progress, cache_directory
from tracectl.vm.lock import make_once


@dataclass(frozen=True, slots=True)
class Build:
    """``output`` is what make and the compiler said: empty when there was no warning."""

    path: Path
    output: str


def module_for(kernel: Kernel, progress: Progress = lambda _: None) -> Path:
    """tracectl.ko for ``kernel``, built when its sources changed. GuestError when it does not
    compile."""
    source = find_source()
    directory = cache_directory() / "modules" / f"{kernel.release}-{fingerprint(source)}"
    path = directory / "tracectl.ko"

    def make() -> None:
        progress(f"building the module for {kernel.release}")
        if kernel.root is None:
            build_module(kernel, source, directory)
        else:
            _install(kernel, kernel.root, source, path)

    # DKMS has one tree in a root for all of its kernels.
    make_once(path, make, kernel.root or directory)
    return path


def _install(kernel: Kernel, root: Path, source: Path, path: Path) -> None:
    dkms = Dkms(root)
    (outcome,) = dkms.install(source, [kernel.release])
    installed = dkms.module_path(kernel.release)
    if outcome.error or installed is None:
        raise GuestError(f"{kernel.release}: {outcome.error or 'dkms installed no module'}")
    path.parent.mkdir(parents=True, exist_ok=True)
    # By its name it is there whole.
    new = path.with_suffix(".new")
    new.write_bytes(read_module(installed))
    new.rename(path)


def build_module(
    kernel: Kernel, source: Path, directory: Path, arguments: Sequence[str] = ()
) -> Build:
    """Builds the module in ``source`` for ``kernel`` and leaves NAME.ko in ``directory``.

    ``arguments`` go to make, such as W=1. GuestError with the compiler's first error.
    """
    machine = kernel.machine
    if kernel.root is None and not (shutil.which("make") and shutil.which(machine.compiler)):
        raise UnsupportedError(
            f"building the module needs make and {machine.compiler}: "
            f"apt-get install make {machine.compiler_package}"
        )
    directory.mkdir(parents=True, exist_ok=True)
    parent = directory if kernel.root is None else kernel.root / "var" / "tmp"
    with tempfile.TemporaryDirectory(dir=parent, prefix=".build-") as temporary:
        work = Path(temporary)
        copy_source(source, work)
        done = subprocess.run(
            [*_make(kernel, work), *arguments, "modules"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        output = done.stdout + done.stderr
        if done.returncode:
            raise GuestError(
                f"the module does not compile for {kernel.release}: {first_error(output)}"
            )
        (built,) = work.glob("*.ko")
        path = Path(shutil.move(built, directory / built.name))
    return Build(path, _without_noise(output))


def _make(kernel: Kernel, work: Path) -> list[str]:
    # No BTF: it needs pahole, and nothing here reads it.
    quiet = ["make", "-s", "CONFIG_DEBUG_INFO_BTF_MODULES=", "-C"]
    if kernel.root is None:
        return [*quiet, str(kernel.build), f"M={work}", *kernel.machine.make]
    inside = [f"/{path.relative_to(kernel.root)}" for path in (kernel.build, work)]
    return [*enter_root(kernel.root), *quiet, inside[0], f"M={inside[1]}"]


def _without_noise(output: str) -> str:
    lines = [line for line in output.splitlines() if not line.startswith("Skipping BTF")]
    return "\n".join(lines)
