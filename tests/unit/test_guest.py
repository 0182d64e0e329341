"""What the guest is made of: package sources, the initramfs, what builds and consoles say."""

import lzma
import subprocess
from pathlib import Path

import pytest

from tracectl.errors import GuestError, UnsupportedError
from tracectl.module.source import first_error
from tracectl.vm.build import build_module
from tracectl.vm.guest import find_problems
from tracectl.vm.initramfs import build_initramfs, module_closure
from tracectl.vm.kernel import Kernel, fetch_kernel, settle
from tracectl.vm.packages import Source, parse_sources, sources_for

MIRROR = "http://mirror.example/debian"
SECURITY = "http://mirror.example/debian-security"


def test_sources_of_the_machine():
    told = (
        f"{MIRROR}|bookworm|/usr/share/keyrings/debian-archive-keyring.gpg\n"
        f"{MIRROR}|bookworm-updates|\n"
        "http://other.example|focal|\n"
        f"{SECURITY}|bookworm-security|-----BEGIN PGP PUBLIC KEY BLOCK-----\n"
    )
    assert parse_sources(told) == [
        Source(MIRROR, "bookworm", "/usr/share/keyrings/debian-archive-keyring.gpg"),
        Source(MIRROR, "bookworm-updates"),
        Source(SECURITY, "bookworm-security"),
    ]


def test_a_suite_that_the_machine_has_not_comes_from_its_mirror():
    known = [Source(SECURITY, "bookworm-security"), Source(MIRROR, "bookworm", "/key.gpg")]
    assert sources_for("bookworm", known) == known
    assert sources_for("trixie", known) == [Source(MIRROR, "trixie", "/key.gpg")]
    assert Source(MIRROR, "trixie", "/key.gpg").line() == (
        f"deb [signed-by=/key.gpg] {MIRROR} trixie main\n"
    )


def test_a_machine_without_debian():
    with pytest.raises(UnsupportedError, match="no Debian source"):
        sources_for("bookworm", [])


@pytest.fixture
def kernel(tmp_path):
    """A kernel whose modules are a chain, one of them compressed."""
    modules = tmp_path / "lib" / "modules" / "6.1"
    (modules / "net").mkdir(parents=True)
    (modules / "modules.dep").write_text(
        "net/9pnet.ko:\n"
        "net/9pnet_virtio.ko: net/9pnet.ko net/virtio.ko.xz\n"
        "net/9p.ko: net/9pnet.ko\n"
        "net/virtio.ko.xz:\n"
    )
    for name in ("9pnet", "9pnet_virtio", "9p"):
        (modules / "net" / f"{name}.ko").write_bytes(name.encode())
    (modules / "net" / "virtio.ko.xz").write_bytes(lzma.compress(b"virtio"))
    return Kernel("6.1", tmp_path / "vmlinuz", modules, tmp_path / "build")


def test_modules_come_after_what_they_need(kernel):
    assert module_closure(kernel.modules, ["9pnet_virtio", "9p", "overlay"]) == [
        "net/virtio.ko.xz",
        "net/9pnet.ko",
        "net/9pnet_virtio.ko",
        "net/9p.ko",
    ]


def test_busybox_reads_the_initramfs(kernel, tmp_path):
    (tmp_path / "initramfs").write_bytes(build_initramfs(kernel, "true\n"))
    root = tmp_path / "root"
    root.mkdir()
    with (tmp_path / "initramfs").open("rb") as archive:
        subprocess.run(["busybox", "cpio", "-idm"], stdin=archive, cwd=root, check=True)
    assert (root / "init").stat().st_mode & 0o777 == 0o755
    assert (root / "modules" / "00.ko").read_bytes() == b"virtio"
    assert (root / "modules" / "03.ko").read_bytes() == b"9p"


@pytest.mark.parametrize(
    ("output", "error"),
    [
        (
            "  CC [M] a.o\n/build/kmod/open.c:17:2: error: no\nopen.c:20:1: error: x\nmake: *\n",
            "open.c:17:2: error: no",
        ),
        ("/work/kmod/a.h:3: fatal error: x.h: No such file", "a.h:3: fatal error: x.h"),
        (
            '  LD [M] a.o\nERROR: modpost: "relay_open" [/build/a.ko] undefined!\nmake: *\n',
            '"relay_open" [/build/a.ko] undefined!',
        ),
        ("/build/Kbuild:22: *** the kernel has no x.  Stop.\nmake: *\n", "the kernel has no x"),
        ("make: *** No rule to make target 'modules'.  Stop.\n", "make: *** No rule"),
        ("", "no reason given"),
    ],
)
def test_the_first_error_of_a_build(output, error):
    assert first_error(output).startswith(error)


def test_a_build_that_cannot_work_is_a_sentence(kernel, tmp_path):
    with pytest.raises(GuestError, match=r"does not compile for 6\.1: make.*No such file"):
        build_module(kernel, Path(__file__).parent, tmp_path / "out")


def test_a_kernel_that_no_suite_has():
    with pytest.raises(UnsupportedError, match=r"no kernel '2\.4'"):
        fetch_kernel("2.4")


def test_an_unpacked_kernel_is_settled_by_a_user_without_sbin(tmp_path, monkeypatch):
    """Who has the PATH of Debian's /etc/profile."""
    headers = tmp_path / "usr/src/linux-headers-6.1"
    headers.mkdir(parents=True)
    (headers / "Makefile").write_text("include /usr/src/linux-headers-6.1-common/Makefile\n")
    (tmp_path / "usr/lib/modules/6.1").mkdir(parents=True)
    monkeypatch.setenv("PATH", "/usr/local/bin:/usr/bin:/bin")
    settle(tmp_path, "6.1")
    assert (tmp_path / "lib/modules/6.1/modules.dep").exists()


def test_problems_of_a_kernel_log():
    log = (
        "[    0.0] Spectre V2 : WARNING: Unprivileged eBPF is enabled\n"
        "[    1.0] WARNING: CPU: 0 PID: 1 at kernel/x.c:1 f+0x1/0x2\n"
        "[    1.1] tracectl: loaded\n"
        "[    2.0] BUG: kernel NULL pointer dereference\n"
    )
    assert find_problems(log) == [log.splitlines()[1], log.splitlines()[3]]
