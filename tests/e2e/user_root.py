"""A Debian machine as a root file system: a suite's kernel and headers, DKMS, systemd, udev, Python
and what the packages depend on. The root is made once and cached; tests work on copies."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tracectl.module.dkms import enter_root
from tracectl.vm.guest import GuestResult, Options, run_guest
from tracectl.vm.kernel import Kernel, cache_directory, installed_kernel
from tracectl.vm.root import debootstrap

ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/root"}
_PACKAGES = (
    *("linux-image-amd64", "linux-headers-amd64", "dkms", "gcc", "make", "kmod", "openssl"),
    *("systemd", "udev", "python3", "python3-construct", "python3-numpy", "python3-pyudev"),
    *("python3-rich", "python3-zstandard"),
)
# Devices and processes; logs and caches; the key that DKMS makes for itself, once; what programs
# keep of the accounts as they were.
_NOT_OURS = (
    *("dev", "proc", "run", "tmp", "var/log", "var/cache", "var/tmp"),
    *("var/lib/dkms/mok.key", "var/lib/dkms/mok.pub"),
    *("etc/passwd-", "etc/shadow-", "etc/group-", "etc/gshadow-"),
)
_SYSTEMD = """
wait_until() {
	for _ in $(seq 300); do "$@" && return; sleep 1; done
	echo "this never came true: $*" >&2
	exit 99
}
unshare --mount --mount-proc --pid --fork --kill-child \
    /lib/systemd/systemd --system --unit=sysinit.target --log-target=null &
on() { nsenter --target ${systemd:=$(cat /proc/$!/task/$!/children)} --all --root --wd "$@"; }
wait_until on systemctl is-active --quiet sysinit.target
"""
_ACCOUNTS = ("passwd", "shadow", "group", "gshadow")


@dataclass(frozen=True, slots=True)
class UserRoot:
    path: Path

    def run(self, *argv: str, **env: str) -> subprocess.CompletedProcess[str]:
        """stdout and stderr as one text."""
        return subprocess.run(
            [*enter_root(self.path), *argv],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            env=ENVIRONMENT | env,
        )

    def check(self, *argv: str, **env: str) -> str:
        done = self.run(*argv, **env)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def boot(self, script: str, job: Path) -> GuestResult:
        """Runs ``script`` in a guest that has this root; its output is in job/out.

        SYSTEMD in it boots the machine's own systemd, and udevd, as the first process of a
        namespace; "on COMMAND..." then runs a command there. "wait_until COMMAND..." ends the
        script when the command does not come to succeed.
        """
        with (job / "out").open("wb") as out:
            return run_guest(
                self.kernel(),
                ["sh", "-c", script.replace("SYSTEMD", _SYSTEMD)],
                job,
                cwd=Path("/"),
                env=ENVIRONMENT,
                options=Options(root=self.path, timeout_s=1800),
                stdout=out.fileno(),
                stderr=out.fileno(),
            )

    def kernel(self) -> Kernel:
        return installed_kernel(self.path, "amd64")

    def state(self) -> dict[str, str]:
        """Every file's owner and mode, and the accounts: what installing may leave behind."""
        found = {}
        for directory, names, files in os.walk(self.path):
            at = Path(directory).relative_to(self.path)
            names[:] = [name for name in names if str(at / name) not in _NOT_OURS]
            for name in [*names, *files]:
                if str(at / name) not in _NOT_OURS and name != "__pycache__":
                    status = (Path(directory) / name).lstat()
                    found[str(at / name)] = f"{status.st_uid}:{status.st_gid} {status.st_mode:o}"
            names[:] = [name for name in names if name != "__pycache__"]
        return found | {name: (self.path / "etc" / name).read_text() for name in _ACCOUNTS}


def copy_of(suite: str) -> UserRoot:
    """The caller removes it."""
    base = cache_directory() / "roots" / f"user-{suite}"
    if not base.is_dir():
        debootstrap(suite, base, _PACKAGES, "--variant=minbase")
    copy = base.with_name(f"copy-of-{suite}")
    shutil.rmtree(copy, ignore_errors=True)
    # cp keeps owners, links and devices; a shutil.copytree would not.
    subprocess.run(["cp", "-a", base, copy], check=True)
    return UserRoot(copy)


def add_kernel(root: UserRoot, release: str) -> Path:
    """Headers of another kernel, which are those of its own; answers where they are."""
    kernel = root.kernel()
    sources = root.path / "usr" / "src"
    (common,) = sources.glob("linux-headers-[1-9]*-common")
    for source, to in ((kernel.build, release), (common, f"{release}-common")):
        copy = sources / f"linux-headers-{to}"
        # Hard links: nothing in them is written to but what is replaced.
        subprocess.run(["cp", "-al", source, copy], check=True)
    headers = sources / f"linux-headers-{release}"
    text = (headers / "Makefile").read_text()
    text = text.replace(common.name, f"linux-headers-{release}-common")
    replace(headers / "Makefile", text.replace(kernel.build.name, headers.name))
    modules = root.path / "lib" / "modules" / release
    modules.mkdir()
    # What an installed kernel has: dkms runs depmod for no other.
    (modules / "modules.dep").touch()
    (modules / "build").symlink_to(f"/usr/src/{headers.name}")
    return headers


def replace(file: Path, text: str) -> None:
    """Not what is linked to it."""
    file.unlink()
    file.write_text(text)


def add_broken_kernel(root: UserRoot, release: str) -> Path:
    """Headers of a kernel that the module does not compile for: without linux/relay.h. Answers
    where that belongs."""
    headers = add_kernel(root, release)
    header = headers.with_name(f"{headers.name}-common") / "include/linux/relay.h"
    header.unlink()
    return header


def add_kernel_without(root: UserRoot, release: str, option: str) -> None:
    """Headers of a kernel that was configured without ``option``."""
    config = add_kernel(root, release) / "include/config/auto.conf"
    text = config.read_text()
    assert f"{option}=y\n" in text
    replace(config, text.replace(f"{option}=y\n", ""))


def remove_kernel(root: UserRoot, release: str) -> None:
    shutil.rmtree(root.path / "lib" / "modules" / release)
    for name in (release, f"{release}-common"):
        shutil.rmtree(root.path / "usr" / "src" / f"linux-headers-{name}")
