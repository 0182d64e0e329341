"""Every call with every kind of wrong argument, with all that can be recorded."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from tracectl.vm.machine import ARM64

pytestmark = pytest.mark.guest
# How each is run for so many seconds. As root sysinval hits on reboot(); that for io_uring gives up
# at its own bug, a statx of no path, after a moment.
STRESSORS = {
    "syscall": "stress-ng --syscall 1 --timeout {0} --temp-path /dev/shm",
    "sysinval": "setpriv --reuid 65534 --regid 65534 --clear-groups "
    "stress-ng --pathological --sysinval 1 --timeout {0} --temp-path /tmp",
    "sysbadaddr": "stress-ng --sysbadaddr 1 --timeout {0} --temp-path /dev/shm",
    "enosys": "stress-ng --enosys 1 --timeout {0} --temp-path /dev/shm",
    "x86syscall": "stress-ng --x86syscall 1 --timeout {0}",
    "io-uring": "timeout {0} sh -c "
    "'while :; do stress-ng --io-uring 1 --timeout {0} --temp-path /dev/shm; done'",
}
OPTIONS = "--structs --payload 64 --detect-toctou --subbuf-count 8"


def _stress(guest, kernel, files_option: str, tmp_path, seconds: int) -> None:
    if not shutil.which("stress-ng"):
        pytest.skip("apt-get install stress-ng")
    if kernel.machine is ARM64:
        pytest.skip("there is no stress-ng for it here")
    record = f"tracectl record {OPTIONS} {files_option}"
    # What a stressor makes of itself is not what is tested: no warning of the kernel is.
    code = guest(
        "cd /dev/shm\n"
        + "\n".join(
            f"{record} -o /job/{name}.trace -- {command.format(seconds)}; "
            f'test "$(tracectl status --json | grep -c idle)" = 1 || exit 9'
            for name, command in STRESSORS.items()
        ),
        timeout_s=seconds * 100 + 1800,
        # The one for x86 runs on what calls itself Intel's only.
        qemu=("-cpu", "max,vendor=GenuineIntel"),
    )
    said = (tmp_path / "out").read_text()
    assert code == 0, said
    # None was left out.
    assert said.count("dispatching hogs: 1 ") >= len(STRESSORS)
    for name in STRESSORS:
        path = tmp_path / f"{name}.trace"
        # Decodes each record, and holds recorded + lost against generated.
        done = subprocess.run(
            [sys.executable, "-m", "tracectl", "verify", path], capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, name + done.stdout + done.stderr


def test_calls_with_wrong_arguments(guest, kernel, files_option, tmp_path):
    _stress(guest, kernel, files_option, tmp_path, 10)


@pytest.mark.slow
def test_calls_with_wrong_arguments_for_a_minute_each(guest, kernel, files_option, tmp_path):
    _stress(guest, kernel, files_option, tmp_path, 60)
