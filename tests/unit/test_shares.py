"""How a guest reaches directories of this machine, by what its kernel has."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tracectl.errors import UnsupportedError
from tracectl.vm import shares
from tracectl.vm.kernel import Kernel
from tracectl.vm.shares import Share, mount_lines, served


@pytest.fixture
def kernel(tmp_path):
    """One of the cloud's: without 9p."""
    modules = tmp_path / "modules"
    modules.mkdir()
    (modules / "modules.dep").write_text("kernel/fs/overlayfs/overlay.ko.xz:\n")
    (modules / "modules.builtin").write_text("kernel/fs/fuse/virtiofs.ko\n")
    return Kernel("6.12-cloud", tmp_path / "vmlinuz", modules, tmp_path / "build")


@pytest.fixture
def work(tmp_path):
    directory = tmp_path / "work"
    directory.mkdir()
    return directory


@pytest.fixture
def shared(tmp_path):
    """A directory to look at, and one to write to."""
    read, written = tmp_path / "a, b", tmp_path / "job"
    read.mkdir()
    written.mkdir()
    return [Share("read", Path("/its place"), read), Share("job", Path("/job"), written, True)]


def test_mounts_are_calls_of_init(shared):
    assert mount_lines(shared) == "throw_away read '/its place'\nwritable job /job\n"


def test_qemu_serves_a_kernel_with_9p(kernel, shared, work):
    name = "kernel/net/9p/9pnet_virtio.ko"
    for listed in (f"{name}: kernel/net/9p/9pnet.ko\n", f"x.ko: {name}\n"):
        (kernel.modules / "modules.dep").write_text(listed)
        with served(kernel, shared, 512, work) as options:
            assert [one for one in options if "virtio-9p-pci" in one]
            read, written = [one for one in options if one.startswith("local,")]
    assert "a,, b" in read
    assert read.endswith("readonly=on")
    assert "readonly" not in written
    assert not list(work.iterdir())


def test_a_kernel_without_9p_wants_a_daemon(kernel, shared, work, monkeypatch):
    monkeypatch.setattr(shares, "_DAEMON_PATH", "/nowhere")
    wanted = pytest.raises(UnsupportedError, match=r"6\.12-cloud, which has no 9p.*virtiofsd")
    with wanted, served(kernel, shared, 512, work):
        pass


def test_only_root_serves_virtiofs(kernel, shared, work, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(UnsupportedError, match="root"), served(kernel, shared, 512, work):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_what_is_not_writable_is_mounted_read_only(kernel, shared, work):
    with served(kernel, shared, 512, work) as options:
        assert [one for one in options if one.startswith("memory-backend-memfd")]
        assert sum("vhost-user-fs-pci" in one for one in options) == 2
        (daemon,) = _daemons(work / "read.socket")
        mounts = [line.split() for line in (daemon / "mountinfo").read_text().splitlines()]
        assert _daemons(work / "job.socket")
    (flags,) = [fields[5].split(",") for fields in mounts if fields[4] == str(work / "read")]
    assert "ro" in flags
    assert not _daemons(work / "read.socket")


def _daemons(socket: Path) -> list[Path]:
    wanted = f"--socket-path={socket}".encode()
    lines = ((path, path / "cmdline") for path in Path("/proc").glob("[0-9]*"))
    return [path for path, line in lines if line.exists() and wanted in line.read_bytes()]
