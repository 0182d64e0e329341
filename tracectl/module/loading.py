"""Loading and unloading the module.

Not by insmod and rmmod: they fold the kernel's answers into sentences of their own.
"""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path

from tracectl.errors import DeviceError, UnsupportedError
from tracectl.module.programs import path_with_sbin
from tracectl.tables.table import load_tables

NAME = "tracectl"
_LOADED = Path("/sys/module") / NAME
_libc = ctypes.CDLL(None, use_errno=True)

_LOCKDOWN = Path("/sys/kernel/security/lockdown")
_SIGNED = "Secure Boot or lockdown wants it signed with an enrolled key"
_REFUSALS = (errno.EPERM, errno.EKEYREJECTED, errno.ENOKEY)
_LOAD_HINTS = {
    errno.EKEYREJECTED: _SIGNED,
    errno.ENOKEY: _SIGNED,
    errno.ENOEXEC: "it is no module, or was built for another kernel than the running one",
    errno.EINVAL: "it was built for another kernel than the running one",
    errno.ENOENT: "it needs symbols that this kernel does not have",
    errno.ENOSYS: "this kernel takes no modules",
}


def is_loaded() -> bool:
    return _LOADED.is_dir()


def installed_version() -> str | None:
    """Of the module that ``load`` would load; None when the running kernel has none installed."""
    import subprocess  # noqa: PLC0415 - 'status' comes by here and has no use for it

    try:
        done = subprocess.run(
            ["modinfo", "-F", "version", NAME],
            capture_output=True, text=True, check=False,
            env=os.environ | {"PATH": path_with_sbin()},
        )  # fmt: skip
    except FileNotFoundError:
        return None
    return None if done.returncode else done.stdout.strip()


def load(path: Path | None = None) -> bool:
    """Loads ``path``, or else the installed module. False: it was loaded already.

    UnsupportedError when this machine cannot load it.
    """
    if is_loaded():
        return False
    if path is None:
        _modprobe()
    else:
        _insert(path)
    return True


def unload() -> bool:
    """False: it was not loaded. DeviceError while it is in use."""
    if not is_loaded():
        return False
    if _syscall("delete_module", NAME.encode(), os.O_NONBLOCK) == 0:
        return True
    code = ctypes.get_errno()
    if code in (errno.EWOULDBLOCK, errno.EBUSY):
        raise DeviceError(
            "the module is in use: a session or a stream is open; 'tracectl status' says whose",
            errno.EBUSY,
        )
    if code == errno.EPERM:
        raise UnsupportedError("unloading the module needs root")
    raise DeviceError(f"the module cannot be unloaded: {os.strerror(code)}", code)


def _insert(path: Path) -> None:
    try:
        with path.open("rb") as file:
            failed = _syscall("finit_module", file.fileno(), b"", 0)
    except OSError as error:
        raise UnsupportedError(f"{path} cannot be read: {error.strerror}") from error
    code = ctypes.get_errno()
    if failed and code != errno.EEXIST:
        raise _load_error(path, code)


def _load_error(what: Path | str, code: int) -> UnsupportedError:
    hint = _why_not_permitted() if code == errno.EPERM else _LOAD_HINTS.get(code)
    return UnsupportedError(
        f"{what} cannot be loaded: {os.strerror(code)}" + (f"; {hint}" if hint else "")
    )


def _syscall(name: str, *arguments: int | bytes) -> int:
    """By number: glibc has no wrappers of these. -1 and ctypes' errno when it fails."""
    native = next(iter(load_tables().values()))
    call = native.by_name(name)
    assert call is not None
    return int(_libc.syscall(call.nr, *arguments))


def _why_not_permitted() -> str:
    if os.geteuid():
        return "loading modules needs root"
    try:
        is_locked = "[none]" not in _LOCKDOWN.read_text(encoding="ascii")
    except OSError:
        is_locked = False
    if is_locked:
        return _SIGNED
    return "loading modules needs CAP_SYS_MODULE, which a container seldom has"


def _modprobe() -> None:
    import subprocess  # noqa: PLC0415 - 'status' comes by here and has no use for it

    if os.geteuid():
        raise UnsupportedError("loading the module needs root")
    try:
        done = subprocess.run(
            ["modprobe", NAME],
            capture_output=True, text=True, check=False,
            env=os.environ | {"LC_ALL": "C", "PATH": path_with_sbin()},
        )  # fmt: skip
    except FileNotFoundError as error:
        raise UnsupportedError("modprobe is not installed; it is in the package kmod") from error
    for code in _REFUSALS:
        if os.strerror(code) in done.stderr:
            raise _load_error("the installed module", code)
    if done.returncode:
        release = os.uname().release
        said = done.stderr.strip().removeprefix("modprobe: ")
        raise UnsupportedError(
            f"no tracectl module could be loaded for the running kernel {release} ({said}); "
            "--path names a module file, 'record --vm' traces in a guest instead"
        )
