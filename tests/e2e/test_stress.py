"""Every call with every kind of wrong argument, with all that can be recorded."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from tracectl.vm.machine import ARM64

pytestmark = pytest.mark.guest
STRESSORS = ("syscall", "sysinval", "sysbadaddr", "enosys", "x86syscall", "io-uring")
OPTIONS = "--structs --payload 64 --detect-toctou --files --subbuf-count 8"


def _stress(guest, kernel, tmp_path, seconds: int) -> None:
    if not shutil.which("stress-ng"):
        pytest.skip("apt-get install stress-ng")
    if kernel.machine is ARM64:
        pytest.skip("there is no stress-ng for it here")
    # What a stressor makes of itself is not what is tested: no warning of the kernel is.
    code = guest(
        "cd /dev/shm\n"
        + "\n".join(
            f"tracectl record {OPTIONS} -o /job/{name}.trace -- "
            f"stress-ng --{name} 1 --timeout {seconds} --temp-path /dev/shm; "
            f'test "$(tracectl status --json | grep -c idle)" = 1 || exit 9'
            for name in STRESSORS
        ),
        timeout_s=seconds * 100 + 1800,
    )
    assert code == 0, (tmp_path / "out").read_text()
    for name in STRESSORS:
        path = tmp_path / f"{name}.trace"
        # Decodes each record, and holds recorded + lost against generated.
        done = subprocess.run(
            [sys.executable, "-m", "tracectl", "verify", path], capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, name + done.stdout + done.stderr


def test_calls_with_wrong_arguments(guest, kernel, tmp_path):
    _stress(guest, kernel, tmp_path, 10)


@pytest.mark.slow
def test_calls_with_wrong_arguments_for_a_minute_each(guest, kernel, tmp_path):
    _stress(guest, kernel, tmp_path, 60)
