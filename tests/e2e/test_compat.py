"""Calls of the 32-bit ABI, by a 64-bit program on x86-64 and by one of 32-bit Arm on arm64."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

import pytest

from tracectl.vm.machine import ARM64

pytestmark = pytest.mark.guest
ARM_COMPILER = "arm-linux-gnueabihf-gcc"


def test_calls_of_the_32_bit_abi(guest, workload, kernel, tmp_path):
    is_arm = kernel.machine is ARM64
    compiler = ARM_COMPILER if is_arm else kernel.machine.compiler
    if not shutil.which(compiler):
        pytest.skip("apt-get install gcc-arm-linux-gnueabihf libc6-dev-armhf-cross")
    program = workload("compat", "-static", "-no-pie", compiler=compiler)
    code = guest(f"tracectl record -o /job/a.trace -- {program}")
    assert code == 0, (tmp_path / "out").read_text()
    text = subprocess.run(
        [sys.executable, "-m", "tracectl", "print", tmp_path / "a.trace"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    lines = [" ".join(line.split()) for line in text.splitlines()]
    first = next(i for i, line in enumerate(lines) if '"/etc/passwd"' in line)
    opened, read, failed, parent = lines[first : first + 4]
    assert opened == 'openat(AT_FDCWD, "/etc/passwd", O_RDONLY) = 3'
    # 2^32 + 16 in two registers, on Arm after one that is left out.
    pad = "0, " if is_arm else ""
    assert re.fullmatch(rf"pread64\(3, 0x[0-9a-f]+, 8, {pad}16, 1\) = 0", read)
    assert failed.startswith('openat(AT_FDCWD, "/etc/passwd", O_RDONLY|O_DIRECTORY) = -1 ENOTDIR')
    assert parent.startswith("getppid() = ")
    if is_arm:
        # A number above all that records have room for.
        assert any(line.startswith("set_tls(0x") for line in lines)
