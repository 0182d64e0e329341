"""System calls as strace writes them."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from functools import cache, lru_cache

from tracectl.decode.copies import Copy
from tracectl.render.copies import texts_of
from tracectl.render.flags import format_flags
from tracectl.render.strings import format_file
from tracectl.tables.roles import ENUMERATIONS, RETURNS_POINTER, load_constants, role_of
from tracectl.tables.table import Argument, Syscall

RESULT_COLUMN = 40
"""Where strace puts the result."""

_AT_FDCWD = -100
_ACCESS_MODES = {"X_OK": 1, "W_OK": 2, "R_OK": 4}
_MAP_TYPES = {1: "MAP_SHARED", 2: "MAP_PRIVATE", 3: "MAP_SHARED_VALIDATE", 8: "MAP_DROPPABLE"}
_FUTEX_CLOCK_REALTIME = 0x100
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

Formatter = Callable[[int], str]
Files = Callable[[int], bytes | None]


def format_call(name: str, arguments: str, result: str, *, column: int = RESULT_COLUMN) -> str:
    """``name(arguments) = result`` with the result at its column."""
    return f"{name}({arguments})".ljust(column - 1) + f" = {result}"


def format_arguments(
    call: Syscall | None,
    arguments: Sequence[int],
    copies: Sequence[Copy] = (),
    files: Files | None = None,
) -> str:
    """The arguments of a call, given as it got them: not sign-extended.

    ``copies`` are what the kernel copied for it, in order, ``files`` tells what is behind a file
    descriptor. Six bare registers where the call is not known.
    """
    if call is None:
        return ", ".join(f"{value:#x}" for value in arguments)
    texts = [
        formatter(value) for value, formatter in zip(arguments, formatters_of(call), strict=False)
    ]
    if files is not None:
        for index in _descriptors_in(call):
            texts[index] += format_file(files(_signed(arguments[index], 32)))
    if copies:
        for index, text in texts_of(call, arguments, copies, with_files=files is not None).items():
            texts[index] = text
    if has_unused_mode(call, arguments):
        texts.pop()
    return ", ".join(texts)


@lru_cache(maxsize=4096)
def format_result(name: str, result: int) -> str:
    """What call ``name`` returned: a number, an address, or an error with its name."""
    if -4095 <= result < 0:
        if -result in _KERNEL_ERRORS:
            error, meaning = _KERNEL_ERRORS[-result]
            return f"? {error} ({meaning})"
        return f"-1 {error_name(-result)} ({os.strerror(-result)})"
    if name in RETURNS_POINTER:
        return f"{result & 0xFFFFFFFFFFFFFFFF:#x}"
    return str(result)


def error_name(error: int) -> str:
    """EPERM for 1; the number where it has no name."""
    if error in _KERNEL_ERRORS:
        return _KERNEL_ERRORS[error][0]
    return _ERROR_ALIASES.get(error) or errno.errorcode.get(error, str(error))


def ends_nowhere(name: str) -> bool:
    """Whether the call never returns, so that its result is a question mark."""
    return name in _ENTRY_ONLY


@cache
def _descriptors_in(call: Syscall) -> tuple[int, ...]:
    roles = [role_of(call, argument) for argument in call.args]
    return tuple(at for at, role in enumerate(roles) if role in ("descriptor", "dirfd"))


@cache
def formatters_of(call: Syscall) -> tuple[Formatter, ...]:
    return tuple(_formatter(call, argument) for argument in call.args)


def _formatter(call: Syscall, argument: Argument) -> Formatter:
    return lru_cache(maxsize=1024)(_choose(role_of(call, argument), argument, call.abi))


def _choose(role: str, argument: Argument, abi: str) -> Formatter:
    if role in ("path", "pointer"):
        return lambda value: f"{value:#x}" if value else "NULL"
    if role == "mode":
        return lambda value: f"0{value & 0o7777777:o}".zfill(3)
    if role == "hex":
        return lambda value: f"{value:#x}" if value else "0"
    if role == "dirfd":
        return lambda value: (
            "AT_FDCWD" if _signed(value, 32) == _AT_FDCWD else str(_signed(value, 32))
        )
    if role == "descriptor":
        return lambda value: str(_signed(value, 32))
    if role == "access_mode":
        return lambda value: format_flags(value, _ACCESS_MODES, "F_OK")
    if role in load_constants(abi):
        return _choose_set(role, load_constants(abi))
    if role == "int":
        return lambda value: str(_signed(value, argument.bits))
    return str


def _choose_set(role: str, sets: dict[str, dict[str, int]]) -> Formatter:
    constants = sets[role]
    if role == "open_flags":
        return lambda value: _format_open_flags(value, constants)
    if role == "map_flags":
        return lambda value: _format_map_flags(value, constants)
    if role == "clone_flags":
        return lambda value: _format_clone_flags(value, constants, sets["signal"])
    if role == "futex_op":
        return lambda value: _format_futex_op(value, constants)
    if role == "socket_type":
        return lambda value: _format_socket_type(value, constants, sets["socket_flags"])
    if role in ENUMERATIONS:
        names = _names_by_value(constants)
        return lambda value: names.get(_signed(value, 32), str(_signed(value, 32)))
    return lambda value: format_flags(value, constants, "PROT_NONE" if role == "prot" else "0")


def _format_open_flags(value: int, constants: dict[str, int]) -> str:
    access = ("O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE")[value & 3]
    rest = format_flags(value & ~3, {n: v for n, v in constants.items() if v > 3}, "")
    return f"{access}|{rest}" if rest else access


def _format_map_flags(value: int, constants: dict[str, int]) -> str:
    kind = _MAP_TYPES.get(value & 0xF, f"{value & 0xF:#x}")
    rest = format_flags(value & ~0xF, {n: v for n, v in constants.items() if v > 0xF}, "")
    return f"{kind}|{rest}" if rest else kind


def _format_clone_flags(value: int, constants: dict[str, int], signals: dict[str, int]) -> str:
    """The low byte is the signal that the parent gets."""
    signum = value & 0xFF
    texts = [format_flags(value & ~0xFF, constants, "")] if value & ~0xFF else []
    if signum:
        texts.append(_names_by_value(signals).get(signum, str(signum)))
    return "|".join(texts) or "0"


def _format_socket_type(value: int, constants: dict[str, int], flags: dict[str, int]) -> str:
    """The flags stand above the type."""
    kind = _names_by_value(constants).get(value & 0xF, f"{value & 0xF:#x}")
    rest = format_flags(value & ~0xF, flags, "")
    return f"{kind}|{rest}" if rest else kind


def _format_futex_op(value: int, constants: dict[str, int]) -> str:
    name = _names_by_value(constants).get(value & ~_FUTEX_CLOCK_REALTIME)
    if name is None:
        return f"{value:#x}"
    return f"{name}|FUTEX_CLOCK_REALTIME" if value & _FUTEX_CLOCK_REALTIME else name


def _names_by_value(constants: dict[str, int]) -> dict[int, str]:
    """Of several names for a value the first one, which is the usual one."""
    return {value: name for name, value in reversed(constants.items())}


def has_unused_mode(call: Syscall, arguments: Sequence[int]) -> bool:
    """open and openat look at their mode only when they may create a file."""
    if call.name not in ("open", "openat"):
        return False
    constants = load_constants(call.abi)["open_flags"]
    flags = arguments[1 if call.name == "open" else 2]
    temporary = constants["O_TMPFILE"]
    return not flags & constants["O_CREAT"] and flags & temporary != temporary


def _signed(value: int, bits: int) -> int:
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value
