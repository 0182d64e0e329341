"""Secure Boot: Debian's signed shim, GRUB and kernel, from a firmware that holds Microsoft's keys.

The machine's own key is enrolled beforehand, in the firmware's variables, as MokManager does at the
screen.
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from tracectl.capture.reader import open_capture
from tracectl.vm import guest
from tracectl.vm.build import module_for
from tracectl.vm.kernel import cache_directory
from tracectl.vm.machine import X86_64
from tracectl.vm.packages import PackageCache

pytestmark = pytest.mark.guest

PACKAGES = ("ovmf", "shim-signed", "grub-efi-amd64-signed")
OWNER = "605dab50-e046-4300-abb6-3dd810dd8b23"  # shim's
SCRIPT = """
insmod $(find {modules} -name 'efivarfs.ko*')
mount -t efivarfs efivarfs /sys/firmware/efi/efivars
mount -t securityfs securityfs /sys/kernel/security
# One stream: two of them would arrive in each other's lines.
exec 2>&1
set -x
cat /sys/kernel/security/lockdown
tracectl module load --path unsigned.ko; echo "unsigned exits with $?"
tracectl module load --path signed.ko; echo "signed exits with $?"
tracectl record --no-vm -o /job/a.trace -- ls /etc >/dev/null; echo "record exits with $?"
tracectl doctor --no-build
"""


@pytest.fixture
def firmware(kernel):
    """The files of PACKAGES."""
    if kernel.machine is not X86_64:
        pytest.skip("Secure Boot is tried with Debian's loaders for x86-64")
    directory = cache_directory() / "secure-boot"
    if not directory.is_dir():
        fresh = directory.with_name(".new-secure-boot")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        cache = PackageCache("bookworm", cache_directory() / "apt" / "bookworm")
        for deb in cache.download(PACKAGES, fresh):
            subprocess.run(["dpkg-deb", "-x", deb, fresh], check=True)
            deb.unlink()
        fresh.rename(directory)
    return directory


@pytest.fixture
def key(tmp_path):
    """A private key and its certificate, as DKMS makes them."""
    private, certificate = tmp_path / "mok.key", tmp_path / "mok.pem"
    subprocess.run(
        ["openssl", "req", "-new", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650",
         "-subj", "/CN=machine key/", "-keyout", private, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    return private, certificate


def sign(module, key, signed):
    """As scripts/sign-file of the kernel does."""
    private, certificate = key
    signature = subprocess.run(
        ["openssl", "cms", "-sign", "-binary", "-noattr", "-nocerts", "-md", "sha256",
         "-outform", "DER", "-signer", certificate, "-inkey", private, "-in", module],
        check=True, capture_output=True,
    ).stdout  # fmt: skip
    trailer = struct.pack(">5B3xI", 0, 0, 2, 0, 0, len(signature))
    signed.write_bytes(module.read_bytes() + signature + trailer + b"~Module signature appended~\n")


def boot_disk(firmware, kernel, initramfs, boot, directory):
    """An EFI system partition: shim, GRUB, kernel, each checked by the one before."""
    loaders = directory / "EFI" / "BOOT"
    loaders.mkdir(parents=True)
    shutil.copy(firmware / "usr/lib/shim/shimx64.efi.signed", loaders / "BOOTX64.EFI")
    grub = firmware / "usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed"
    shutil.copy(grub, loaders / "grubx64.efi")
    shutil.copy(kernel.vmlinuz, directory / "vmlinuz")
    shutil.copy(initramfs, directory / "initrd")
    (directory / "EFI" / "debian").mkdir()
    (directory / "EFI" / "debian" / "grub.cfg").write_text(
        f"linux /vmlinuz {boot}\ninitrd /initrd\nboot\n"
    )


@pytest.fixture
def by_firmware(firmware, key, tmp_path, monkeypatch):
    """Guests boot from a disk, by a firmware with Secure Boot switched on."""
    variables, disk = tmp_path / "variables.fd", tmp_path / "esp"
    subprocess.run(
        [Path(sys.executable).with_name("virt-fw-vars"), "--add-mok", OWNER, key[1], "--input",
         firmware / "usr/share/OVMF/OVMF_VARS_4M.ms.fd", "--output", variables],
        check=True, capture_output=True,
    )  # fmt: skip
    code = firmware / "usr/share/OVMF/OVMF_CODE_4M.secboot.fd"
    direct = guest._qemu_command

    def command(kernel, work, options, streams):
        command = direct(kernel, work, options, streams)
        # Real-time kernels take no keys from the firmware otherwise.
        boot = f"{command[command.index('-append') + 1]} efi=runtime"
        boot_disk(firmware, kernel, work / "initramfs", boot, disk)
        for option in ("-kernel", "-initrd", "-append"):
            at = command.index(option)
            del command[at : at + 2]
        command[command.index("-machine") + 1] += ",smm=on"
        flash = "if=pflash,format=raw"
        return [
            *command,
            *("-global", "driver=cfi.pflash01,property=secure,value=on"),
            *("-drive", f"{flash},unit=0,readonly=on,file={code}"),
            *("-drive", f"{flash},unit=1,file={variables}"),
            *("-drive", f"if=none,id=esp,format=raw,readonly=on,file=fat:{disk}"),
            *("-device", "virtio-blk-pci,drive=esp,bootindex=0"),
        ]

    monkeypatch.setattr(guest, "_qemu_command", command)


def test_only_the_signed_module_is_taken_and_it_records(by_firmware, kernel, key, tmp_path):
    shutil.copy(module_for(kernel), tmp_path / "unsigned.ko")
    sign(tmp_path / "unsigned.ko", key, tmp_path / "signed.ko")
    tracectl = f'tracectl() {{ {sys.executable} -m tracectl "$@"; }}\n'
    with (tmp_path / "out").open("w+") as out:
        result = guest.run_guest(
            kernel,
            ["sh", "-c", tracectl + SCRIPT.format(modules=kernel.modules)],
            tmp_path,
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
            options=guest.Options(timeout_s=1800),
            stdout=out.fileno(),
            stderr=out.fileno(),
        )
        out.seek(0)
        said = out.read()
    assert "none [integrity] confidentiality" in said
    assert "signed with an enrolled key" in said
    for outcome in ("unsigned exits with 3", "signed exits with 0", "record exits with 0"):
        assert f"\n{outcome}\n" in said, said
    assert "signatures: lockdown=integrity" in said
    assert "Secure Boot: modules must be signed" in said
    assert not result.problems
    with open_capture(tmp_path / "a.trace") as capture:
        assert capture.end is not None
        assert not capture.problems
