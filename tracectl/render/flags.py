"""Bits of a number, and values of an enumeration, by their names, as strace orders them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from tracectl.tables.ioctls import request_name
from tracectl.tables.roles import ENUMERATIONS, load_constants

_ACCESS_MODES = {"X_OK": 1, "W_OK": 2, "R_OK": 4}
_MAP_TYPES = {1: "MAP_SHARED", 2: "MAP_PRIVATE", 3: "MAP_SHARED_VALIDATE", 8: "MAP_DROPPABLE"}
_MAP_HUGE_SHIFT = 26
_FUTEX_CLOCK_REALTIME = 0x100
_RESET_ON_FORK = 0x40000000
_SIGRTMIN, _SIGRTMAX = 32, 64
_STATX_SYNC = {0: "AT_STATX_SYNC_AS_STAT", 0x2000: "AT_STATX_FORCE_SYNC",
               0x4000: "AT_STATX_DONT_SYNC", 0x6000: "AT_STATX_SYNC_TYPE"}  # fmt: skip
# Not in their place by value.
_LAST = frozenset(
    ["O_DIRECTORY", "EFD_NONBLOCK", "TFD_NONBLOCK", "SFD_NONBLOCK", "SOCK_NONBLOCK",
     "MS_INVALIDATE", "W_OK", "X_OK"]
)  # fmt: skip
_IOC_DIRECTIONS = ("_IOC_NONE", "_IOC_WRITE", "_IOC_READ", "_IOC_READ|_IOC_WRITE")
# Those of which no common beginning is left, and one that has several.
_PREFIXES = {"open_flags": "O_", "at_flags": "AT_", "family": "AF_", "mount_flags": "MS_"}


def format_constant(role: str, value: int, abi: str) -> str:
    """``value`` as one of the set ``role``, or made of several."""
    special = _SPECIAL.get(role)
    if special is not None:
        return special(value, load_constants(abi))
    constants = load_constants(abi)[role]
    if role in ENUMERATIONS:
        return _format_one(role, value, constants)
    zero = "PROT_NONE" if role == "prot" else "0"
    return format_flags(value, constants, zero, _prefix(role, abi))


def format_flags(value: int, constants: dict[str, int], zero: str, prefix: str = "") -> str:
    """Names of the bits in ``value`` joined with "|", unknown ones as a number at the end, which
    the names' ``prefix`` goes with where there is no name."""
    rest, names = value, []
    # Wider ones first: O_SYNC holds O_DSYNC, O_TMPFILE holds O_DIRECTORY.
    for name, bits in sorted(constants.items(), key=lambda item: -item[1].bit_count()):
        if bits and rest & bits == bits:
            names.append((name in _LAST, bits & -bits, name))
            rest &= ~bits
    texts = [name for *_, name in sorted(names)]
    if rest:
        texts.append(f"{rest:#x}" if texts or not prefix else _unknown(rest, prefix))
    return "|".join(texts) or zero


def format_request(number: int) -> str:
    """A request of ioctl."""
    name = request_name(number)
    if name is not None:
        return name
    size, kind, nr = number >> 16 & 0x3FFF, number >> 8 & 0xFF, number & 0xFF
    return f"_IOC({_IOC_DIRECTIONS[number >> 30 & 3]}, {kind:#x}, {nr:#x}, {size:#x})"


def signed(value: int, bits: int) -> int:
    """A register's low ``bits`` as a number with a sign."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def _format_one(role: str, value: int, constants: dict[str, int]) -> str:
    number = signed(value, 32)
    name = _names_by_value(constants).get(number)
    if name is not None:
        return name
    return _unknown(number & 0xFFFFFFFF, _PREFIXES.get(role) or _common(constants))


def _unknown(value: int, prefix: str) -> str:
    return f"{value:#x} /* {prefix}??? */"


def _common(names: dict[str, int]) -> str:
    """What all names begin with."""
    first, last = min(names), max(names)
    same = next(
        (at for at, pair in enumerate(zip(first, last, strict=False)) if len(set(pair)) > 1), 0
    )
    return first[:same].rpartition("_")[0] + "_"


@cache
def _prefix(role: str, abi: str) -> str:
    return _PREFIXES.get(role) or _common(load_constants(abi)[role])


def _format_access(value: int, _: dict[str, dict[str, int]]) -> str:
    names = [name for name, bit in reversed(_ACCESS_MODES.items()) if value & bit]
    rest = value & ~7
    return "|".join([*names, *([f"{rest:#x}"] if rest else [])]) or "F_OK"


def _format_open_flags(value: int, sets: dict[str, dict[str, int]]) -> str:
    access = ("O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE")[value & 3]
    rest = format_flags(value & ~3, {n: v for n, v in sets["open_flags"].items() if v > 3}, "")
    return f"{access}|{rest}" if rest else access


def _format_map_flags(value: int, sets: dict[str, dict[str, int]]) -> str:
    kind = _MAP_TYPES.get(value & 0xF, f"{value & 0xF:#x}")
    flags = {name: bits for name, bits in sets["map_flags"].items() if bits > 0xF}
    huge = value >> _MAP_HUGE_SHIFT if value & flags["MAP_HUGETLB"] else 0
    rest = format_flags(value & ~0xF & ~(huge << _MAP_HUGE_SHIFT), flags, "")
    texts = [kind, *([rest] if rest else []), *([f"{huge}<<MAP_HUGE_SHIFT"] if huge else [])]
    return "|".join(texts)


def _format_clone_flags(value: int, sets: dict[str, dict[str, int]]) -> str:
    """The low byte is the signal that the parent gets."""
    signum = value & 0xFF
    texts = [format_flags(value & ~0xFF, sets["clone_flags"], "")] if value & ~0xFF else []
    if signum:
        texts.append(_format_signal(signum, sets))
    return "|".join(texts) or "0"


def _format_socket_type(value: int, sets: dict[str, dict[str, int]]) -> str:
    """The flags stand above the type."""
    kind = _names_by_value(sets["socket_type"]).get(value & 0xF)
    if kind is None:
        kind = _unknown(value & 0xF, "SOCK_")
    rest = format_flags(value & ~0xF, sets["socket_flags"], "")
    return f"{kind}|{rest}" if rest else kind


def _format_futex_op(value: int, sets: dict[str, dict[str, int]]) -> str:
    name = _names_by_value(sets["futex_op"]).get(value & ~_FUTEX_CLOCK_REALTIME)
    if name is None:
        return _unknown(value, "FUTEX_")
    return f"{name}|FUTEX_CLOCK_REALTIME" if value & _FUTEX_CLOCK_REALTIME else name


def _format_signal(value: int, sets: dict[str, dict[str, int]]) -> str:
    number = signed(value, 32)
    if _SIGRTMIN <= number <= _SIGRTMAX:
        return f"SIGRT_{number - _SIGRTMIN}" if number > _SIGRTMIN else "SIGRTMIN"
    return _names_by_value(sets["signal"]).get(number, str(number))


def _format_scheduler(value: int, sets: dict[str, dict[str, int]]) -> str:
    name = _format_one("scheduler", value & ~_RESET_ON_FORK, sets["scheduler"])
    return f"{name}|SCHED_RESET_ON_FORK" if value & _RESET_ON_FORK else name


def _format_statx_flags(value: int, sets: dict[str, dict[str, int]]) -> str:
    """How to synchronize comes first, and always."""
    rest = format_flags(value & ~0x6000, sets["at_flags"], "")
    return "|".join([_STATX_SYNC[value & 0x6000], *([rest] if rest else [])])


_SPECIAL: dict[str, Callable[[int, dict[str, dict[str, int]]], str]] = {
    "access_mode": _format_access,
    "open_flags": _format_open_flags,
    "map_flags": _format_map_flags,
    "clone_flags": _format_clone_flags,
    "socket_type": _format_socket_type,
    "futex_op": _format_futex_op,
    "signal": _format_signal,
    "scheduler": _format_scheduler,
    "statx_flags": _format_statx_flags,
}


def _names_by_value(constants: dict[str, int]) -> dict[int, str]:
    """Of several names for a value the first one, which is the usual one."""
    return {value: name for name, value in reversed(constants.items())}
