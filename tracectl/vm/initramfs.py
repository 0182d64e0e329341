"""The guest's initramfs: busybox, the modules that reach the root file system, and init."""

from __future__ import annotations

import lzma
import shutil
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from tracectl.errors import UnsupportedError
from tracectl.vm.kernel import Kernel

MODULES = ("virtio_pci", "virtio_console", "9pnet_virtio", "9p", "overlay")

_DIRECTORY, _FILE, _CHAR_DEVICE = 0o040755, 0o100755, 0o020600


def build_initramfs(kernel: Kernel, mounts: str, module: Path | None = None) -> bytes:
    """An uncompressed newc archive. ``mounts`` is the part of init that the guest's own files need;
    ``module`` is loaded last. UnsupportedError when busybox is missing."""
    found = shutil.which("busybox")
    busybox = Path(found) if found else None
    if kernel.userland is not None:
        busybox = kernel.userland / "usr" / "bin" / "busybox"
    if busybox is None:
        raise UnsupportedError("the guest needs busybox: apt-get install busybox-static")
    archive = _Archive()
    for name in ("bin", "dev", "proc", "sys", "modules"):
        archive.add(name, _DIRECTORY)
    archive.add("dev/console", _CHAR_DEVICE, device=(5, 1))
    archive.add("bin/busybox", _FILE, busybox.read_bytes())
    archive.add("init", _FILE, files("tracectl.vm").joinpath("init.sh").read_bytes())
    archive.add("mounts", _FILE, mounts.encode(errors="surrogateescape"))
    paths = module_closure(kernel.modules, MODULES)
    for index, path in enumerate(paths):
        # Numbered, so that init loads them in the order of their dependencies.
        archive.add(f"modules/{index:02}.ko", _FILE, read_module(kernel.modules / path))
    if module is not None:
        archive.add("module.ko", _FILE, module.read_bytes())
    return archive.finish()


def module_closure(modules: Path, names: Sequence[str]) -> list[str]:
    """Paths below ``modules`` of ``names`` and what they depend on, dependencies first; those that
    the kernel has built in are left out."""
    depends = {}
    for line in (modules / "modules.dep").read_text().splitlines():
        path, _, needs = line.partition(":")
        name = Path(path).name.split(".ko")[0].replace("-", "_")
        depends[name] = [*reversed(needs.split()), path]
    ordered: dict[str, None] = {}
    for name in names:
        ordered |= dict.fromkeys(depends.get(name, ()))
    return list(ordered)


def read_module(path: Path) -> bytes:
    """A module's bytes, decompressed: busybox's insmod wants it so."""
    data = path.read_bytes()
    if path.suffix == ".xz":
        return lzma.decompress(data)
    if path.suffix == ".zst":
        import zstandard  # noqa: PLC0415 - few kernels have such modules

        return zstandard.ZstdDecompressor().stream_reader(data).read()
    return data


class _Archive:
    """newc, as Documentation/driver-api/early-userspace/buffer-format.rst has it."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._inode = 0

    def add(
        self, name: str, mode: int, data: bytes = b"", device: tuple[int, int] = (0, 0)
    ) -> None:
        self._inode += 1
        path = name.encode() + b"\0"
        fields = (
            self._inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(path), 0,
        )  # fmt: skip
        self._data += b"070701" + b"".join(b"%08X" % field for field in fields) + path
        self._pad()
        self._data += data
        self._pad()

    def finish(self) -> bytes:
        self.add("TRAILER!!!", 0)
        return bytes(self._data)

    def _pad(self) -> None:
        self._data += b"\0" * (-len(self._data) % 4)
