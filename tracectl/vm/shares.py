"""Directories of this machine in a guest: over 9p, or over virtiofs to a kernel without it.

QEMU itself serves 9p; virtiofs takes a daemon a directory, and root to run it. Debian's cloud
kernels have no 9p.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tracectl.errors import GuestError, UnsupportedError
from tracectl.vm.kernel import Kernel

# Where Debian 12 and later ones have it; nobody runs it by hand.
_DAEMON_PATH = "/usr/lib/qemu:/usr/libexec:/usr/bin"
_START_S = 30
# What the guest may not change it gets from a mount that is read-only, with all below it.
_SERVE_READ_ONLY = """\
mount --rbind "$1" "$2" || exit
findmnt -rnRo TARGET "$2" | while read -r at; do
	mount -o remount,bind,ro "$(printf %b "$at")" || exit
done || exit
shift 2
exec "$@"
"""


@dataclass(frozen=True, slots=True)
class Share:
    """The directory ``path`` of this machine, which is ``at`` in the guest. Changes stay in it if
    it ``is_writable``; else they are gone with the guest."""

    tag: str
    at: Path
    path: Path
    is_writable: bool = False


def mount_lines(shares: Sequence[Share]) -> str:
    """As init calls its functions."""
    lines = []
    for share in shares:
        kind = "writable" if share.is_writable else "throw_away"
        lines.append(f"{kind} {share.tag} {shlex.quote(str(share.at))}\n")
    return "".join(lines)


@contextmanager
def served(
    kernel: Kernel, shares: Sequence[Share], memory_mib: int, work: Path
) -> Iterator[list[str]]:
    """QEMU's options for ``shares``, which are there to one boot. ``work`` is an empty directory.

    UnsupportedError when the kernel needs what this machine lacks.
    """
    if _has_9p(kernel):
        yield _options_9p(shares)
        return
    daemon = _virtiofsd(kernel)
    with ExitStack() as daemons:
        options = ["-object", f"memory-backend-memfd,id=memory,size={memory_mib}M,share=on"]
        options += ["-machine", "memory-backend=memory"]
        for share in shares:
            socket = work / f"{share.tag}.socket"
            daemons.enter_context(_serving(daemon, share, socket, work))
            options += ["-chardev", f"socket,id={share.tag},path={escape(socket)}"]
            options += ["-device", f"vhost-user-fs-pci,chardev={share.tag},tag={share.tag}"]
        yield options


def escape(path: Path) -> str:
    """qemu's option parser takes a double comma for one."""
    return os.fspath(path).replace(",", ",,")


def _has_9p(kernel: Kernel) -> bool:
    lists = (kernel.modules / name for name in ("modules.dep", "modules.builtin"))
    return any("/9pnet_virtio.ko" in path.read_text() for path in lists if path.exists())


def _options_9p(shares: Sequence[Share]) -> list[str]:
    options = []
    for share in shares:
        more = "" if share.is_writable else ",readonly=on"
        options += ["-fsdev", f"local,id={share.tag},path={escape(share.path)},"
                    f"security_model=none,multidevs=remap{more}"]  # fmt: skip
        options += ["-device", f"virtio-9p-pci,fsdev={share.tag},mount_tag={share.tag}"]
    return options


def _virtiofsd(kernel: Kernel) -> str:
    """Where the daemon is, which this user may run."""
    daemon = shutil.which("virtiofsd", path=_DAEMON_PATH)
    if daemon is None:
        raise UnsupportedError(
            f"a guest with {kernel.release}, which has no 9p, needs virtiofsd, which is not "
            "installed: apt-get install virtiofsd (Debian 12: qemu-system-common)"
        )
    if os.geteuid():
        raise UnsupportedError(
            f"a guest with {kernel.release}, which has no 9p, needs root to serve it files"
        )
    return daemon


@contextmanager
def _serving(daemon: str, share: Share, socket: Path, work: Path) -> Iterator[None]:
    source = share.path if share.is_writable else work / share.tag
    command = [daemon, "-f", f"--socket-path={socket}", "-o", f"source={source},cache=auto"]
    if not share.is_writable:
        source.mkdir()
        serve = ["sh", "-c", _SERVE_READ_ONLY, "sh", str(share.path), str(source)]
        command = ["unshare", "--mount", *serve, *command]
    said = work / f"{share.tag}.log"
    with (
        said.open("wb") as log,
        subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", *command],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        ) as process,
    ):  # fmt: skip
        try:
            _await(process, socket, said)
            yield
        finally:
            process.kill()


def _await(process: subprocess.Popen[bytes], socket: Path, said: Path) -> None:
    deadline = time.monotonic() + _START_S
    while not socket.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            tail = said.read_text(errors="replace").strip().splitlines()[-1:]
            raise GuestError(f"virtiofsd does not start: {' '.join(tail)}")
        time.sleep(0.01)
