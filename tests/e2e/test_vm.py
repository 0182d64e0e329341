"""tracectl vm: a command in the guest is as the command itself."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.guest


@pytest.fixture
def vm(series, tmp_path):
    """Runs ``tracectl vm`` with these options, in tmp_path."""
    repo = Path(__file__).parents[2]

    def run(*arguments: str, **changes) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "tracectl", "vm", "--kernel", series, *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(repo)} | changes.get("env", {}),
        )
        assert "Traceback" not in done.stderr
        return done

    return run


def test_arguments_streams_directory_and_exit_code_pass_through(vm, tmp_path):
    odd = ["two words", "quo'te", 'dou"ble', "$HOME", "new\nline", "", "é", "*"]
    (tmp_path / "here").write_text("")
    script = 'printf "%s\\0" "$@"; echo oops >&2; pwd >&2; ls >&2; echo gone >here; exit 42'
    done = vm("--", "sh", "-c", script, "sh", *odd)
    assert done.returncode == 42
    assert done.stdout.split("\0") == [*odd, ""]
    assert done.stderr.splitlines()[-3:] == ["oops", str(tmp_path), "here"]
    assert (tmp_path / "here").read_text() == ""


def test_on_a_terminal(series):
    """script(1) gives it one."""
    command = f"{sys.executable} -m tracectl vm --kernel {series} --no-module -- echo hello"
    done = subprocess.run(
        ["script", "-qec", command, "/dev/null"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert "hello" in done.stdout.splitlines()


def test_the_kernel_and_the_module_are_there(vm, kernel, tmp_path):
    done = vm("--job", str(tmp_path / "job"), "--", "sh", "-c",
              "uname -r; ls -l /dev/tracectl; echo kept >/job/kept")  # fmt: skip
    assert done.stdout.startswith(kernel.release + "\ncrw-rw---- ")
    assert (tmp_path / "job" / "kept").read_text() == "kept\n"


def test_a_panic_shows_the_end_of_the_console(vm):
    done = vm("--no-module", "--", "sh", "-c", "echo before; echo c >/proc/sysrq-trigger")
    assert done.returncode == 1
    assert "the guest's kernel panicked: sysrq triggered crash" in done.stderr
    assert "call trace" in done.stderr.lower()


def test_a_guest_that_hangs_is_ended(vm):
    done = vm("--no-module", "--timeout", "8", "--", "sleep", "1000")
    assert done.returncode == 1
    assert "did not end within 8 s" in done.stderr


def test_a_killed_tool_takes_its_guest_along(series, tmp_path):
    with subprocess.Popen(
        [sys.executable, "-m", "tracectl", "vm", "--kernel", series, "--no-module",
         "--job", str(tmp_path / "job"), "--", "sleep", "1000"], stderr=subprocess.DEVNULL,
    ) as tool:  # fmt: skip
        try:
            assert _wait_for((tmp_path / "job" / "started").exists)
            processes = list(_iter_descendants(tool.pid))
            assert [path for path in processes if (path / "comm").read_text().startswith("qemu")]
        finally:
            tool.send_signal(signal.SIGKILL)
    assert _wait_for(lambda: not any(path.exists() for path in processes))


def _iter_descendants(pid: int) -> Iterator[Path]:
    """In /proc: the guest, and what serves it files."""
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        yield Path("/proc") / child
        yield from _iter_descendants(int(child))


def _wait_for(condition) -> bool:
    for _ in range(600):
        if condition():
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize("package", ["busybox-static", "qemu-system-"])
def test_what_is_missing_is_named(vm, kernel, tmp_path, package):
    """A PATH with all the programs but one."""
    if kernel.userland and package == "busybox-static":
        pytest.skip("such a guest has a busybox in its own root")
    missing = {"busybox-static": "busybox", "qemu-system-": kernel.machine.qemu}[package]
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in (kernel.machine.qemu, "busybox", "dpkg-query", "setpriv"):
        if name != missing and (path := shutil.which(name)):
            (programs / name).symlink_to(path)
    done = vm("--no-module", "--", "true", env={"PATH": str(programs)})
    assert done.returncode == 3
    assert f"apt-get install {package}" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_kernel_that_is_not_known(vm):
    done = vm("--kernel", "2.4", "--", "true")
    assert done.returncode == 3
    assert "no kernel '2.4'" in done.stderr
