"""Arguments whose meaning, or number, another argument decides."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import cache

from tracectl.render.flags import format_constant, signed
from tracectl.tables.roles import load_constants
from tracectl.tables.table import Syscall

Texts = list[str]
_Revision = Callable[[Syscall, Sequence[int], Texts], Texts]

_POINTER = "pointer"
# What fcntl's third argument is; none of those that are missing here have one.
_FCNTL = {
    "F_DUPFD": "int",
    "F_DUPFD_CLOEXEC": "int",
    "F_SETFD": "descriptor_flag",
    "F_SETFL": "open_flags",
    "F_SETOWN": "int",
    "F_SETSIG": "signal",
    "F_SETLEASE": "lock_type",
    "F_NOTIFY": "notify_mask",
    "F_SETPIPE_SZ": "int",
    "F_ADD_SEALS": "seals",
}
_FCNTL_ALONE = frozenset(
    ["F_GETFD", "F_GETFL", "F_GETOWN", "F_GETSIG", "F_GETLEASE", "F_GETPIPE_SZ", "F_GET_SEALS"]
)
# How many arguments follow prctl's option, and what the first of them is. All others have four.
_PRCTL = {
    "PR_GET_DUMPABLE": (0, ""),
    "PR_GET_KEEPCAPS": (0, ""),
    "PR_GET_SECCOMP": (0, ""),
    "PR_GET_SECUREBITS": (0, ""),
    "PR_GET_TIMERSLACK": (0, ""),
    "PR_GET_TIMING": (0, ""),
    "PR_SET_NAME": (1, _POINTER),
    "PR_GET_NAME": (1, _POINTER),
    "PR_GET_PDEATHSIG": (1, _POINTER),
    "PR_SET_PDEATHSIG": (1, "signal"),
    "PR_CAPBSET_READ": (1, "capability"),
    "PR_CAPBSET_DROP": (1, "capability"),
    "PR_SET_DUMPABLE": (1, "int"),
    "PR_SET_KEEPCAPS": (1, "int"),
    "PR_SET_TIMERSLACK": (1, "int"),
    "PR_SET_NO_NEW_PRIVS": (4, "int"),
}
# What follows a futex's operation, of its arguments and in which order.
_FUTEX = {
    "FUTEX_WAIT": ("val", "timeout"),
    "FUTEX_WAKE": ("val",),
    "FUTEX_FD": ("val",),
    "FUTEX_WAKE_OP": ("val", "val2", "uaddr2", "bits"),
    "FUTEX_REQUEUE": ("val", "val2", "uaddr2"),
    "FUTEX_CMP_REQUEUE": ("val", "val2", "uaddr2", "val3"),
    "FUTEX_CMP_REQUEUE_PI": ("val", "val2", "uaddr2", "val3"),
    "FUTEX_WAIT_BITSET": ("val", "timeout", "bitset"),
    "FUTEX_WAKE_BITSET": ("val", "bitset"),
    "FUTEX_WAIT_REQUEUE_PI": ("val", "timeout", "uaddr2"),
    "FUTEX_UNLOCK_PI": (),
    "FUTEX_TRYLOCK_PI": (),
    "FUTEX_LOCK_PI": ("timeout",),
    "FUTEX_LOCK_PI2": ("timeout",),
}
_ANY_BIT = 0xFFFFFFFF
_PROTOCOLS = {
    **dict.fromkeys(("AF_INET", "AF_INET6"), "ip_protocol"),
    "AF_NETLINK": "netlink_family",
}
_OPTIONS = {
    "SOL_SOCKET": "socket_option",
    "SOL_IP": "ip_option",
    "SOL_IPV6": "ipv6_option",
    "SOL_TCP": "tcp_option",
}
_DEVICES = frozenset({"S_IFCHR", "S_IFBLK"})
_FILE_TYPE, _PERMISSIONS = 0o170000, 0o7777


def is_revised(call: Syscall) -> bool:
    """Whether revise() changes anything of it."""
    return call.name in _REVISIONS


def revise(
    call: Syscall, arguments: Sequence[int], texts: Texts, known: Collection[int] = ()
) -> Texts:
    """``texts`` of all arguments, which it may change, as strace has them; those at ``known`` are
    more than numbers."""
    revision = _REVISIONS.get(call.name)
    if revision is None:
        return texts
    kept = {at: texts[at] for at in known} if call.name in _IN_PLACE else {}
    revised = revision(call, arguments, texts)
    for at, text in kept.items():
        if at < len(revised):
            revised[at] = text
    return revised


def _open(call: Syscall, arguments: Sequence[int], texts: Texts) -> Texts:
    """Looks at the mode only when it may create a file."""
    creating, temporary = _creating_flags(call.abi)
    flags = arguments[1 if call.name == "open" else 2]
    is_used = flags & creating or flags & temporary == temporary
    return texts if is_used else texts[:-1]


@cache
def _creating_flags(abi: str) -> tuple[int, int]:
    constants = load_constants(abi)["open_flags"]
    return constants["O_CREAT"], constants["O_TMPFILE"]


def _fcntl(call: Syscall, arguments: Sequence[int], texts: Texts) -> Texts:
    command, value = texts[1], arguments[2]
    if command in _FCNTL_ALONE:
        return texts[:2]
    role = _FCNTL.get(command)
    if role is None:
        is_known = not command.startswith("0x")
        texts[2] = _address(value) if is_known else _hex(value)
    elif role == "int":
        texts[2] = str(signed(value, 32))
    elif role == "descriptor_flag":
        texts[2] = "FD_CLOEXEC" if value == 1 else _hex(value)
    elif role == "lock_type":
        constants = load_constants(call.abi)[role]
        texts[2] = next((name for name, one in constants.items() if one == value), _hex(value))
    else:
        texts[2] = format_constant(role, value & 0xFFFFFFFF, call.abi)
    return texts


def _ioctl(call: Syscall, arguments: Sequence[int], texts: Texts) -> Texts:
    return texts[:2] if texts[1] in ("FIOCLEX", "FIONCLEX") else texts


def _prctl(call: Syscall, arguments: Sequence[int], texts: Texts) -> Texts:
    count, role = _PRCTL.get(texts[0], (4, ""))
    rest = [_hex(value) for value in arguments[1 : 1 + count]]
    if role == _POINTER:
        rest[0] = _address(arguments[1])
    elif role == "int":
        rest[0] = str(arguments[1])
    elif role:
        rest[0] = format_constant(role, arguments[1] & 0xFFFFFFFF, call.abi)
    return [texts[0], *rest]


def _futex(call: Syscall, arguments: Sequence[int], texts: Texts) -> Texts:
    name = texts[1].partition("|")[0].removesuffix("_PRIVATE")
    if name not in _FUTEX:
        return texts
    low = [value & 0xFFFFFFFF for value in arguments]
    shown = {
        "val": str(low[2]),
        "timeout": texts[3],
        "val2": str(low[3]),
        "uaddr2": texts[4],
        "val3": str(low[5]),
        "bits": f"{low[5]:#x}",
        "bitset": "FUTEX_BITSET_MATCH_ANY" if low[5] == _ANY_BIT else f"{low[5]:#x}",
    }
    return [*texts[:2], *(shown[part] for part in _FUTEX[name])]


def _mremap(call: Syscall, arguments: Sequence[int], texts: Texts) -> Texts:
    fixed = load_constants(call.abi)["mremap_flags"]["MREMAP_FIXED"]
    return texts if arguments[3] & fixed else texts[:4]


def _mknod(call: Syscall, arguments: Sequence[int], texts: Texts) -> Texts:
    mode, device = arguments[len(call.args) - 2 : len(call.args)]
    kinds = {value: name for name, value in load_constants(call.abi)["file_type"].items()}
    kind = kinds.get(mode & _FILE_TYPE)
    if kind is not None:
        texts[-2] = f"{kind}|{_octal(mode & ~_FILE_TYPE)}"
    if kind not in _DEVICES:
        return texts[:-1]
    major, minor = device >> 8 & 0xFFF, device & 0xFF | device >> 12 & 0xFFF00
    texts[-1] = f"makedev({major:#x}, {minor:#x})"
    return texts


def _clone(call: Syscall, arguments: Sequence[int], texts: Texts) -> Texts:
    """By name, without what the flags make nothing of."""
    flags = load_constants(call.abi)["clone_flags"]
    by_name = {argument.name: text for argument, text in zip(call.args, texts, strict=True)}

    def has(*names: str) -> bool:
        return any(arguments[0] & flags[name] for name in names)

    shown = [f"child_stack={by_name['newsp']}", f"flags={by_name['flags']}"]
    if has("CLONE_PARENT_SETTID", "CLONE_PIDFD"):
        shown.append(f"parent_tid={by_name['parent_tidptr']}")
    if has("CLONE_SETTLS"):
        shown.append(f"tls={by_name['tls']}")
    if has("CLONE_CHILD_SETTID", "CLONE_CHILD_CLEARTID"):
        shown.append(f"child_tidptr={by_name['child_tidptr']}")
    return shown


def _socket(call: Syscall, arguments: Sequence[int], texts: Texts) -> Texts:
    protocol = arguments[2]
    if texts[0] == "AF_PACKET":
        # In the network's order.
        number = (protocol & 0xFF) << 8 | protocol >> 8 & 0xFF
        names = load_constants(call.abi)["ether_protocol"]
        name = next((name for name, value in names.items() if value == number), f"{number:#x}")
        texts[2] = f"htons({name})"
    elif texts[0] in _PROTOCOLS:
        texts[2] = _name_in(call.abi, _PROTOCOLS[texts[0]], protocol) or str(protocol)
    return texts


def _socket_option(call: Syscall, arguments: Sequence[int], texts: Texts) -> Texts:
    role = _OPTIONS.get(texts[1])
    name = role and _name_in(call.abi, role, arguments[2])
    texts[2] = name or _hex(arguments[2])
    return texts


def _name_in(abi: str, role: str, value: int) -> str | None:
    return next((name for name, one in load_constants(abi)[role].items() if one == value), None)


def _address(value: int) -> str:
    return f"{value:#x}" if value else "NULL"


def _hex(value: int) -> str:
    return f"{value:#x}" if value else "0"


def _octal(value: int) -> str:
    return f"0{value:o}".zfill(3)


_REVISIONS: dict[str, _Revision] = {
    "open": _open,
    "openat": _open,
    "fcntl": _fcntl,
    "fcntl64": _fcntl,
    "ioctl": _ioctl,
    "prctl": _prctl,
    "futex": _futex,
    "futex_time64": _futex,
    "mremap": _mremap,
    "mknod": _mknod,
    "mknodat": _mknod,
    "clone": _clone,
    "socket": _socket,
    "socketpair": _socket,
    "setsockopt": _socket_option,
    "getsockopt": _socket_option,
}
# What of them leaves each argument where it is.
_IN_PLACE = frozenset({"fcntl", "fcntl64", "prctl", "getsockopt", "setsockopt"})
