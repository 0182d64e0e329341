"""Structures out of user memory, as strace writes them."""

from __future__ import annotations

import os
import signal
import stat
from collections.abc import Callable
from functools import cache
from typing import Any

from tracectl.render.flags import format_flags
from tracectl.render.strings import format_string
from tracectl.render.terminals import format_terminal
from tracectl.tables.roles import load_constants
from tracectl.tables.structs import Field, Layout

_SIGNALS = 64
_RTMIN = 32
_UTIMES = {(1 << 30) - 1: "UTIME_NOW", (1 << 30) - 2: "UTIME_OMIT"}
_HANDLERS = {0: "SIG_DFL", 1: "SIG_IGN", (1 << 64) - 1: "SIG_ERR"}
_MODE_BITS = {"S_ISUID": stat.S_ISUID, "S_ISGID": stat.S_ISGID, "S_ISVTX": stat.S_ISVTX}
_TIMES = frozenset({"timespec", "__kernel_timespec", "old_timespec32"})


def format_struct(layout: Layout, data: bytes, at: int, abi: str) -> str:
    """The one at ``at``. As much of it as strace shows when it is not told to show all."""
    values = layout.unpack(data, at)
    special = _SPECIAL.get(layout.name)
    if special is not None:
        return special(values, abi)
    if layout.name in _TIMES and values["tv_nsec"] in _UTIMES:
        return _UTIMES[values["tv_nsec"]]
    if len(values) == 1:
        return str(next(iter(values.values())))
    shown = [field for field in layout.fields if not field.name.startswith("_")]
    kept = _SHORT.get(layout.name, len(shown))
    texts = [f"{field.name}={_format_field(field, values[field.name])}" for field in shown[:kept]]
    return _braces(texts, is_cut=kept < len(shown))


_SHORT = {"new_utsname": 2, "rusage": 2}


def _braces(texts: list[str], *, is_cut: bool = False) -> str:
    return "{" + ", ".join([*texts, *["..."] * is_cut]) + "}"


def _format_field(field: Field, value: Any) -> str:
    if field.inner is not None:
        inner = zip(field.inner.fields, value.values(), strict=True)
        return _braces([f"{one.name}={_format_field(one, part)}" for one, part in inner])
    if isinstance(value, bytes):
        return format_string(value)
    if isinstance(value, list):
        text = f"[{', '.join(map(str, value))}]"
        return f"{{val={text}}}" if field.name == "f_fsid" else text
    return format_address_of(value) if field.is_hexadecimal else str(value)


def format_address_of(value: int) -> str:
    return f"{value:#x}" if value else "NULL"


def format_mode(mode: int) -> str:
    """Type, special bits and permissions: S_IFDIR|S_ISVTX|0777."""
    names = {value: name for name, value in load_constants("x86_64")["file_type"].items()}
    kind = stat.S_IFMT(mode)
    texts = [names.get(kind, f"{kind:#o}")] if kind else []
    texts += [name for name, bit in _MODE_BITS.items() if mode & bit]
    return "|".join([*texts, f"0{mode & 0o777:03o}"])


def format_signals(mask: int) -> str:
    """A set of signals; of a set that has most, those that it has not."""
    is_inverse = mask.bit_count() >= _SIGNALS * 2 // 3
    shown = ~mask if is_inverse else mask
    names = [_signal_name(number) for number in range(1, _SIGNALS + 1) if shown >> (number - 1) & 1]
    return f"{'~' * is_inverse}[{' '.join(names)}]"


def _signal_name(number: int) -> str:
    if number >= _RTMIN:
        return "RTMIN" if number == _RTMIN else f"RT_{number - _RTMIN}"
    return _signal_names()[number].removeprefix("SIG")


@cache
def _signal_names() -> dict[int, str]:
    constants = load_constants("x86_64")["signal"]
    names = {value: name for name, value in reversed(constants.items())}
    return {number: names.get(number, f"SIG_{number}") for number in range(1, _RTMIN)} | {
        16: "SIGSTKFLT"
    }


def format_wait_status(status: int) -> str:
    """What wait4 answers, in the words of its macros."""
    if os.WIFEXITED(status):
        return f"[{{WIFEXITED(s) && WEXITSTATUS(s) == {os.WEXITSTATUS(status)}}}]"
    if os.WIFCONTINUED(status):
        return "[{WIFCONTINUED(s)}]"
    if os.WIFSTOPPED(status):
        return f"[{{WIFSTOPPED(s) && WSTOPSIG(s) == {_long_name(os.WSTOPSIG(status))}}}]"
    core = " && WCOREDUMP(s)" if os.WCOREDUMP(status) else ""
    return f"[{{WIFSIGNALED(s) && WTERMSIG(s) == {_long_name(os.WTERMSIG(status))}{core}}}]"


def _long_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def _format_device(device: int) -> str:
    major, minor = os.major(device), os.minor(device)
    return f"makedev({_hexadecimal(major)}, {_hexadecimal(minor)})"


def _hexadecimal(value: int) -> str:
    return f"{value:#x}" if value else "0"


def _format_stat(values: dict[str, Any], _abi: str) -> str:
    mode = values["st_mode"]
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        rest = f"st_rdev={_format_device(values['st_rdev'])}"
    else:
        rest = f"st_size={values['st_size']}"
    return _braces([f"st_mode={format_mode(mode)}", rest], is_cut=True)


def _format_statx(values: dict[str, Any], abi: str) -> str:
    mask = format_flags(values["stx_mask"], load_constants(abi)["statx_mask"], "0")
    texts = [
        f"stx_mask={mask}",
        f"stx_attributes={_hexadecimal(values['stx_attributes'])}",
        f"stx_mode={format_mode(values['stx_mode'])}",
        f"stx_size={values['stx_size']}",
    ]
    return _braces(texts, is_cut=True)


def _format_action(values: dict[str, Any], abi: str) -> str:
    flags = load_constants(abi)["signal_action"]
    handler = values["sa_handler"]
    texts = [
        f"sa_handler={_HANDLERS.get(handler) or format_address_of(handler)}",
        f"sa_mask={format_signals(values['sa_mask'])}",
        f"sa_flags={format_flags(values['sa_flags'], flags, '0')}",
    ]
    if values["sa_flags"] & flags["SA_RESTORER"]:
        texts.append(f"sa_restorer={format_address_of(values['sa_restorer'])}")
    return _braces(texts)


def _format_stack(values: dict[str, Any], abi: str) -> str:
    flags = format_flags(values["ss_flags"], load_constants(abi)["signal_stack"], "0")
    return _braces(
        [f"ss_sp={format_address_of(values['ss_sp'])}", f"ss_flags={flags}",
         f"ss_size={values['ss_size']}"]
    )  # fmt: skip


def _format_limits(infinity: int, name: str) -> Callable[[dict[str, Any], str], str]:
    def format_one(value: int) -> str:
        if value == infinity:
            return name
        is_round = value > 1024 and value % 1024 == 0
        return f"{value // 1024}*1024" if is_round else str(value)

    return lambda values, _abi: _braces(
        [f"{field}={format_one(value)}" for field, value in values.items()]
    )


def _format_epoll(values: dict[str, Any], abi: str) -> str:
    events = format_flags(values["events"], load_constants(abi)["epoll_events"], "0")
    data = values["data"]
    return f"{{events={events}, data={{u32={data & 0xFFFFFFFF}, u64={data}}}}}"


def _format_poll(values: dict[str, Any], abi: str) -> str:
    if values["fd"] < 0:
        return f"{{fd={values['fd']}}}"
    events = format_flags(values["events"] & 0xFFFF, load_constants(abi)["poll_events"], "0")
    return f"{{fd={values['fd']}, events={events}}}"


def _format_clone(values: dict[str, Any], abi: str) -> str:
    flags = format_flags(values["flags"], load_constants(abi)["clone_flags"], "0")
    number = values["exit_signal"]
    texts = [f"flags={flags}"]
    texts += [
        f"{name}={value:#x}"
        for name, value in values.items()
        if value and name in ("pidfd", "child_tid", "parent_tid")
    ]
    texts.append(f"exit_signal={_long_name(number) if number else 0}")
    texts.append(f"stack={format_address_of(values['stack'])}")
    texts.append(f"stack_size={_hexadecimal(values['stack_size'])}")
    texts += [f"tls={values['tls']:#x}"] if values["tls"] else []
    if values["set_tid"] or values["set_tid_size"]:
        texts.append(f"set_tid={format_address_of(values['set_tid'])}")
        texts.append(f"set_tid_size={values['set_tid_size']}")
    texts += [f"cgroup={values['cgroup']}"] if values["cgroup"] else []
    return _braces(texts)


def _format_lock(values: dict[str, Any], abi: str) -> str:
    sets = load_constants(abi)
    named = {"l_type": sets["lock_type"], "l_whence": sets["whence"]}
    return _braces(
        [
            f"{field}={_name_in(named[field], value) if field in named else value}"
            for field, value in values.items()
            if not field.startswith("_")
        ]
    )


def _format_owner(values: dict[str, Any], abi: str) -> str:
    kind = _name_in(load_constants(abi)["lock_owner"], values["type"])
    return _braces([f"type={kind}", f"pid={values['pid']}"])


def _name_in(names: dict[str, int], value: int) -> str:
    return next((name for name, one in names.items() if one == value), _hexadecimal(value))


_SPECIAL: dict[str, Callable[[dict[str, Any], str], str]] = {
    "stat": _format_stat,
    "stat64": _format_stat,
    "statx": _format_statx,
    "sigaction": _format_action,
    "sigaltstack": _format_stack,
    "sigset_t": lambda values, _abi: format_signals(values["value"]),
    "rlimit": _format_limits((1 << 64) - 1, "RLIM64_INFINITY"),
    "rlimit64": _format_limits((1 << 64) - 1, "RLIM64_INFINITY"),
    "epoll_event": _format_epoll,
    "pollfd": _format_poll,
    "clone_args": _format_clone,
    **dict.fromkeys(("flock", "flock64", "flock_answer", "flock64_answer"), _format_lock),
    "f_owner_ex": _format_owner,
    "termios": format_terminal,
}
