"""What the third argument of ioctl and fcntl points to, which their command decides."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from tracectl.tables.ioctls import request_number
from tracectl.tables.pointees import Pointee
from tracectl.tables.roles import load_constants
from tracectl.tables.structs import layout_of
from tracectl.tables.table import Syscall

# COMMAND TYPE, then whether the kernel reads it (in) or writes it (out).
_REQUESTS = """
TCGETS termios out; TCSETS termios in; TCSETSW termios in; TCSETSF termios in
TIOCGWINSZ winsize out; TIOCSWINSZ winsize in; TIOCGPGRP int out; TIOCSPGRP int in
TIOCGSID int out; TIOCOUTQ int out; TIOCGPTN int out; TIOCSPTLCK int in; FIONREAD int out
FIONBIO int in
"""
_FCNTL = """
F_GETLK flock_answer out; F_SETLK flock in; F_SETLKW flock in; F_OFD_GETLK flock64_answer out
F_OFD_SETLK flock64 in; F_OFD_SETLKW flock64 in; F_SETOWN_EX f_owner_ex in
F_GETOWN_EX f_owner_ex out
"""
COMMAND, POINTER = 1, 2
"""The arguments of these calls."""


def pointee_of_command(call: Syscall, command: int) -> Pointee | None:
    """The structure that the last argument of ``call`` points to with this command."""
    return commands_of(call).get(command)


@cache
def commands_of(call: Syscall) -> dict[int, Pointee]:
    """By number; empty for every call but ioctl and fcntl."""
    is_request = call.name == "ioctl"
    if not is_request and call.name not in ("fcntl", "fcntl64"):
        return {}
    commands = load_constants(call.abi)["fcntl_command"]
    return {
        request_number(name) if is_request else commands[name]: Pointee(
            kind, way == "in", way == "out", "1"
        )
        for name, kind, way in _iter_specs(_REQUESTS if is_request else _FCNTL)
        if layout_of(kind, call.abi) is not None
    }


def _iter_specs(text: str) -> Iterator[tuple[str, str, str]]:
    for spec in text.replace("\n", ";").split(";"):
        if spec.strip():
            name, kind, way = spec.split()
            yield name, kind, way
