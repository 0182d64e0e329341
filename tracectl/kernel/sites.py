"""The places that the module attaches to, and why one may be out of reach."""

from __future__ import annotations

import errno
from pathlib import Path

from tracectl.abi.control import EventClass
from tracectl.errors import UnsupportedError

_SITES = {
    EventClass.SYSCALL: "the tracepoints sys_enter and sys_exit",
    EventClass.USER: "the tracepoints sys_enter and sys_exit",
    EventClass.OPEN_HOW: "do_sys_openat2",
    EventClass.OPEN_NAME: "do_filp_open",
    EventClass.PATH: "filename_lookup and __filename_parentat",
    EventClass.SOCKET: "security_socket_connect, _bind and _sendmsg",
    EventClass.FILE: "fd_install",
    EventClass.TASK: "the tracepoints of fork, exec, exit, rename and cgroups",
    EventClass.SCHED: "the tracepoint sched_switch",
}
_WITHOUT = {
    EventClass.OPEN_HOW: "--no-open-how",
    EventClass.OPEN_NAME: "--no-names",
    EventClass.PATH: "--no-paths",
    EventClass.SOCKET: "--no-sockets",
    EventClass.FILE: "--no-files",
}
_BY_FTRACE = EventClass.OPEN_NAME | EventClass.PATH | EventClass.SOCKET | EventClass.FILE

_FTRACE_ENABLED = Path("/proc/sys/kernel/ftrace_enabled")
_FTRACE_FUNCTIONS = Path("/sys/kernel/tracing/available_filter_functions")
_KPROBES_ENABLED = Path("/sys/kernel/debug/kprobes/enabled")
_FTRACE_OFF = "ftrace is switched off, 'sysctl kernel.ftrace_enabled=1' switches it on"
_KPROBES_OFF = f"kprobes are switched off, 'echo 1 >{_KPROBES_ENABLED}' switches them on"


def check_switches(classes: EventClass) -> None:
    """UnsupportedError when ``classes`` need a probe that the machine has switched off.

    The kernel attaches such a kprobe without a word (arm_kprobe() in kernel/kprobes.c looks at
    kprobes_all_disarmed, ftrace at ftrace_enabled), and it never runs. The module has one only
    where ftrace does not know the function.
    """
    if classes & EventClass.OPEN_HOW:
        # A kprobe at a function's entry is an ftrace callback.
        if _is_off(_FTRACE_ENABLED):
            raise attach_error("", EventClass.OPEN_HOW, _FTRACE_OFF)
        if _is_off(_KPROBES_ENABLED) and not _ftrace_knows("do_sys_openat2"):
            raise attach_error("", EventClass.OPEN_HOW, _KPROBES_OFF)


def attach_error(reason: str, failed: EventClass, hint: str = "") -> UnsupportedError:
    """The module could not attach the probes of class ``failed``, or they would not run."""
    parts = [f"this kernel does not let tracectl attach to {_SITES.get(failed, f'class {failed}')}"]
    if reason:
        parts[0] += f" ({reason})"
    if hint:
        parts.append(hint)
    if failed in _WITHOUT:
        parts.append(f"{_WITHOUT[failed]} traces without it")
    return UnsupportedError("; ".join(parts))


def refusal(error: OSError, failed: EventClass) -> UnsupportedError:
    """What the module answered when it was to attach the probes of class ``failed``."""
    is_off = error.errno == errno.EBUSY and failed in _BY_FTRACE
    reason = error.strerror or ""
    if error.errno == errno.EOPNOTSUPP and failed == EventClass.FILE:
        reason += ": a real-time kernel's d_path() may sleep"
    return attach_error(reason, failed, _FTRACE_OFF if is_off else "")


def _ftrace_knows(function: str) -> bool:
    try:
        with _FTRACE_FUNCTIONS.open(encoding="ascii") as lines:
            return any(line.split(maxsplit=1)[0] == function for line in lines)
    except OSError:
        return False


def _is_off(switch: Path) -> bool:
    try:
        return switch.read_text(encoding="ascii").strip() == "0"
    except OSError:
        # Not there, or not for this user to read.
        return False
