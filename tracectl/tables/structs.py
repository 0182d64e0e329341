"""Structures that arguments of system calls point to, as the kernel's uapi headers have them."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from functools import cache
from typing import Any

# Type of a field: a code of Python's struct or another structure, after how many there are.
# l, L and P are as wide as the ABI's long; P, X (4 bytes) and Y (8) are shown in hexadecimal, s is
# text; a name that begins with "_" is not shown.
_FIELDS = {
    "int": "value:i",
    "unsigned": "value:I",
    "u32": "value:I",
    "uid_t": "value:I",
    "gid_t": "value:I",
    "loff_t": "value:q",
    "sigset_t": "value:Q",
    "timespec": "tv_sec:l tv_nsec:l",
    "__kernel_timespec": "tv_sec:q tv_nsec:q",
    "old_timespec32": "tv_sec:i tv_nsec:i",
    "__kernel_old_timeval": "tv_sec:l tv_usec:l",
    "old_timeval32": "tv_sec:i tv_usec:i",
    "__kernel_old_itimerval": "it_interval:__kernel_old_timeval it_value:__kernel_old_timeval",
    "__kernel_itimerspec": "it_interval:__kernel_timespec it_value:__kernel_timespec",
    "old_itimerspec32": "it_interval:old_timespec32 it_value:old_timespec32",
    "timezone": "tz_minuteswest:i tz_dsttime:i",
    "utimbuf": "actime:l modtime:l",
    "tms": "tms_utime:l tms_stime:l tms_cutime:l tms_cstime:l",
    "rlimit": "rlim_cur:L rlim_max:L",
    "rlimit64": "rlim_cur:Q rlim_max:Q",
    "rusage": "ru_utime:__kernel_old_timeval ru_stime:__kernel_old_timeval ru_maxrss:l ru_ixrss:l "
    "ru_idrss:l ru_isrss:l ru_minflt:l ru_majflt:l ru_nswap:l ru_inblock:l ru_oublock:l "
    "ru_msgsnd:l ru_msgrcv:l ru_nsignals:l ru_nvcsw:l ru_nivcsw:l",
    "pollfd": "fd:i events:h revents:h",
    "fd_set": "bits:16Q",
    "iovec": "iov_base:P iov_len:L",
    "user_msghdr": "msg_name:P msg_namelen:i msg_iov:P msg_iovlen:L msg_control:P "
    "msg_controllen:L msg_flags:X",
    "sigaction": "sa_handler:P sa_flags:L sa_restorer:P sa_mask:Q",
    "sigaltstack": "ss_sp:P ss_flags:i ss_size:L",
    "sched_param": "sched_priority:i",
    "new_utsname": "sysname:65s nodename:65s release:65s version:65s machine:65s domainname:65s",
    "sysinfo": "uptime:l loads:3L totalram:L freeram:L sharedram:L bufferram:L totalswap:L "
    "freeswap:L procs:H _pad:H totalhigh:L freehigh:L mem_unit:I",
    "statfs": "f_type:P f_bsize:l f_blocks:L f_bfree:L f_bavail:L f_files:L f_ffree:L f_fsid:2i "
    "f_namelen:l f_frsize:l f_flags:l _spare:4l",
    "statx": "stx_mask:I stx_blksize:I stx_attributes:Q stx_nlink:I stx_uid:I stx_gid:I stx_mode:H "
    "_pad:H stx_ino:Q stx_size:Q stx_blocks:Q stx_attributes_mask:Q _times:8q stx_rdev_major:I "
    "stx_rdev_minor:I stx_dev_major:I stx_dev_minor:I _later:14Q",
    "clone_args": "flags:Y pidfd:Y child_tid:Y parent_tid:Y exit_signal:Q stack:Y stack_size:Y "
    "tls:Y set_tid:Y set_tid_size:Q cgroup:Q",
    "termios": "c_iflag:I c_oflag:I c_cflag:I c_lflag:I c_line:B c_cc:19B",
    "winsize": "ws_row:H ws_col:H ws_xpixel:H ws_ypixel:H",
    "flock": "l_type:h l_whence:h l_start:l l_len:l _l_pid:i",
    "flock64": "l_type:h l_whence:h l_start:q l_len:q _l_pid:i",
    # strace shows the process in the kernel's answer only.
    "flock_answer": "l_type:h l_whence:h l_start:l l_len:l l_pid:i",
    "flock64_answer": "l_type:h l_whence:h l_start:q l_len:q l_pid:i",
    "f_owner_ex": "type:i pid:i",
    "epoll_event": "events:I data:Q",
    "x86_64 stat": "st_dev:L st_ino:L st_nlink:L st_mode:I st_uid:I st_gid:I _pad:I st_rdev:L "
    "st_size:l st_blksize:l st_blocks:l _times:6L _unused:3l",
    "aarch64 stat": "st_dev:L st_ino:L st_mode:I st_nlink:I st_uid:I st_gid:I st_rdev:L _pad1:L "
    "st_size:l st_blksize:i _pad2:i st_blocks:l _times:6l _unused:2I",
    "i386 stat64": "st_dev:Q _pad0:4b _ino:L st_mode:I st_nlink:I st_uid:L st_gid:L st_rdev:Q "
    "_pad3:4b st_size:q st_blksize:L st_blocks:Q _times:6L st_ino:Q",
}  # fmt: skip
_PACKED = frozenset({"x86_64 epoll_event", "i386 epoll_event"})
_LONGS = {"l": ("i", "q"), "L": ("I", "Q"), "P": ("I", "Q"), "X": ("I", "I"), "Y": ("Q", "Q")}
"""In a 32-bit ABI, and in others."""
_HEXADECIMAL = frozenset("PXY")
_NARROW = frozenset({"i386", "arm"})
_FIELD = re.compile(r"(\w+):(\d*)(\w+)")


@dataclass(frozen=True, slots=True)
class Field:
    """``count`` values, one after the other, of ``code``, as Python's struct has it, or of
    ``inner``, a structure."""

    name: str
    code: str
    offset: int
    count: int
    is_hexadecimal: bool = False
    inner: Layout | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """A structure of one ABI; sizes in bytes."""

    name: str
    size: int
    alignment: int
    fields: tuple[Field, ...]

    def unpack(self, data: bytes, at: int = 0) -> dict[str, Any]:
        """Its fields by name: numbers, text without its NUL, dicts, lists of several."""
        return {field.name: _value_of(field, data, at) for field in self.fields}


@cache
def layout_of(name: str, abi: str) -> Layout | None:
    """That of ``struct name``, or of a plain type; None where it is not known."""
    text = _FIELDS.get(f"{abi} {name}", _FIELDS.get(name))
    if text is None:
        return None
    fields: list[Field] = []
    offset, widest = 0, 1
    for field_name, count, code in _FIELD.findall(text):
        inner = layout_of(code, abi) if code in _FIELDS else None
        size = inner.size if inner else struct.calcsize(f"<{_code_of(code, abi)}")
        own = inner.alignment if inner else size
        if abi == "i386":
            own = min(own, 4)
        alignment = 1 if f"{abi} {name}" in _PACKED else own
        offset = -(-offset // alignment) * alignment
        fields.append(
            Field(
                field_name,
                _code_of(code, abi),
                offset,
                int(count or 1),
                code in _HEXADECIMAL,
                inner,
            )
        )
        offset += size * int(count or 1)
        widest = max(widest, alignment)
    return Layout(name, -(-offset // widest) * widest, widest, tuple(fields))


def _code_of(code: str, abi: str) -> str:
    narrow, wide = _LONGS.get(code, (code, code))
    return narrow if abi in _NARROW else wide


def _value_of(field: Field, data: bytes, at: int) -> Any:
    start = at + field.offset
    if field.inner is not None:
        return field.inner.unpack(data, start)
    if field.code == "s":
        return data[start : start + field.count].split(b"\0")[0]
    values = struct.unpack_from(f"<{field.count}{field.code}", data, start)
    return list(values) if field.count > 1 else values[0]
