"""What calls return, as strace writes it."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from functools import lru_cache

from tracectl.render.flags import format_constant
from tracectl.tables.roles import RETURNS_POINTER, load_constants

# include/linux/errno.h: they reach user space only through a tracer.
_KERNEL_ERRORS = {
    512: ("ERESTARTSYS", "To be restarted if SA_RESTART is set"),
    513: ("ERESTARTNOINTR", "To be restarted"),
    514: ("ERESTARTNOHAND", "To be restarted if no handler"),
    516: ("ERESTART_RESTARTBLOCK", "Interrupted by signal"),
}
# Of two names for a number, Python has the other one.
_ERROR_ALIASES = {errno.EDEADLK: "EDEADLK", errno.EOPNOTSUPP: "EOPNOTSUPP"}
_ENTRY_ONLY = frozenset({"exit", "exit_group"})
_TIMEOUTS = frozenset({"poll", "ppoll", "ppoll_time64", "select", "_newselect", "pselect6"})


def format_result(
    name: str, result: int, arguments: Sequence[int] = (), abi: str = "x86_64"
) -> str:
    """What call ``name`` returned: a number, an address, or an error with its name. What a number
    means depends on the ``arguments`` of fcntl."""
    text = _format_result(name, result)
    if arguments and result > 0 and depends_on_arguments(name):
        return _format_fcntl_result(arguments[1], result, abi) or text
    return text


def depends_on_arguments(name: str) -> bool:
    """Whether a result of call ``name`` means what its arguments say."""
    return name in ("fcntl", "fcntl64")


def error_name(error: int) -> str:
    """EPERM for 1; the number where it has no name."""
    if error in _KERNEL_ERRORS:
        return _KERNEL_ERRORS[error][0]
    return _ERROR_ALIASES.get(error) or errno.errorcode.get(error, str(error))


def ends_nowhere(name: str) -> bool:
    """Whether the call never returns, so that its result is a question mark."""
    return name in _ENTRY_ONLY


@lru_cache(maxsize=4096)
def _format_result(name: str, result: int) -> str:
    if -4095 <= result < 0:
        if -result in _KERNEL_ERRORS:
            error, meaning = _KERNEL_ERRORS[-result]
            return f"? {error} ({meaning})"
        return f"-1 {error_name(-result)} ({os.strerror(-result)})"
    if name in RETURNS_POINTER:
        return f"{result & 0xFFFFFFFFFFFFFFFF:#x}"
    if name == "umask":
        return f"0{result:o}" if result else "0"
    if name == "sched_getscheduler":
        return f"{result:#x} ({format_constant('scheduler', result, 'x86_64')})".replace("0x0", "0")
    if not result and name in _TIMEOUTS:
        return "0 (Timeout)"
    return str(result)


def _format_fcntl_result(command: int, result: int, abi: str) -> str | None:
    commands = load_constants(abi)["fcntl_command"]
    if command == commands["F_GETFL"]:
        return f"{result:#x} (flags {format_constant('open_flags', result, abi)})"
    if command == commands["F_GETFD"]:
        return f"{result:#x} (flags FD_CLOEXEC)" if result == 1 else f"{result:#x}"
    return None
