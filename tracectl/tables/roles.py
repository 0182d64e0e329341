"""What an argument of a system call means, as far as its name and type tell."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from tracectl.tables.table import MACHINES, Argument, Syscall

# (system call, argument) to the set of constants or the way to print it.
_BY_CALL = {
    ("open", "flags"): "open_flags",
    ("openat", "flags"): "open_flags",
    ("sync_file_range", "flags"): "sync_range_flags",
    ("splice", "flags"): "splice_flags",
    ("tee", "flags"): "splice_flags",
    ("vmsplice", "flags"): "splice_flags",
    ("mlock2", "flags"): "lock_flags",
    ("sched_setscheduler", "policy"): "scheduler",
    ("sched_get_priority_max", "policy"): "scheduler",
    ("sched_get_priority_min", "policy"): "scheduler",
    ("ioprio_get", "which"): "io_priority_who",
    ("ioprio_set", "which"): "io_priority_who",
    ("kcmp", "type"): "kcmp_type",
    ("shutdown", "how"): "shutdown_how",
    ("setsockopt", "level"): "socket_level",
    ("getsockopt", "level"): "socket_level",
    ("ioctl", "cmd"): "request",
    ("ioctl", "arg"): "hex",
    ("arch_prctl", "arg2"): "pointer",
    ("rseq", "rseq_len"): "hex",
    ("rseq", "sig"): "hex",
    ("personality", "personality"): "hex",
    # Ends of a range.
    ("close_range", "fd"): "uint",
    ("dup3", "flags"): "descriptor_flags",
    ("pipe2", "flags"): "descriptor_flags",
    ("mmap", "prot"): "prot",
    ("mmap2", "prot"): "prot",
    ("mprotect", "prot"): "prot",
    ("pkey_mprotect", "prot"): "prot",
    ("mmap", "flags"): "map_flags",
    ("mmap2", "flags"): "map_flags",
    ("mmap", "off"): "hex",
    ("madvise", "behavior"): "advice",
    ("lseek", "whence"): "whence",
    ("clone", "flags"): "clone_flags",
    ("unshare", "unshare_flags"): "namespace_flags",
    ("setns", "nstype"): "namespace_flags",
    ("access", "mode"): "access_mode",
    ("faccessat", "mode"): "access_mode",
    ("faccessat2", "mode"): "access_mode",
    ("faccessat2", "flags"): "at_flags",
    ("newfstatat", "flag"): "at_flags",
    ("fstatat64", "flag"): "at_flags",
    ("statx", "flags"): "statx_flags",
    ("unlinkat", "flag"): "unlink_flags",
    ("linkat", "flags"): "at_flags",
    ("fchownat", "flag"): "at_flags",
    ("fchmodat2", "flags"): "at_flags",
    ("utimensat", "flags"): "at_flags",
    ("execveat", "flags"): "at_flags",
    ("name_to_handle_at", "flag"): "at_flags",
    ("fcntl", "cmd"): "fcntl_command",
    ("fcntl64", "cmd"): "fcntl_command",
    ("futex", "op"): "futex_op",
    ("epoll_ctl", "op"): "epoll_op",
    ("prlimit64", "resource"): "resource",
    ("getrlimit", "resource"): "resource",
    ("ugetrlimit", "resource"): "resource",
    ("setrlimit", "resource"): "resource",
    ("prctl", "option"): "prctl_option",
    ("arch_prctl", "option"): "arch_prctl_option",
    ("getrandom", "flags"): "random_flags",
    ("rt_sigprocmask", "how"): "sigmask_how",
    ("umask", "mask"): "mode",
    ("socket", "family"): "family",
    ("socketpair", "family"): "family",
    ("socket", "type"): "socket_type",
    ("socketpair", "type"): "socket_type",
    ("accept4", "flags"): "socket_flags",
    ("sendto", "flags"): "message_flags",
    ("sendmsg", "flags"): "message_flags",
    ("sendmmsg", "flags"): "message_flags",
    ("recvfrom", "flags"): "message_flags",
    ("recvmsg", "flags"): "message_flags",
    ("recvmmsg", "flags"): "message_flags",
    ("wait4", "options"): "wait_options",
    ("waitid", "options"): "wait_options",
    ("waitid", "which"): "wait_which",
    ("mount", "flags"): "mount_flags",
    ("umount2", "flags"): "unmount_flags",
    ("flock", "cmd"): "lock_operation",
    ("memfd_create", "flags"): "memfd_flags",
    ("eventfd2", "flags"): "eventfd_flags",
    ("epoll_create1", "flags"): "epoll_flags",
    ("timerfd_create", "clockid"): "clock",
    ("timerfd_create", "flags"): "timerfd_flags",
    ("timerfd_settime", "flags"): "timerfd_set_flags",
    ("timer_settime", "flags"): "timer_flags",
    ("clock_nanosleep", "flags"): "timer_flags",
    ("signalfd4", "flags"): "signalfd_flags",
    ("inotify_init1", "flags"): "inotify_flags",
    ("inotify_add_watch", "mask"): "inotify_mask",
    ("renameat2", "flags"): "rename_flags",
    ("msync", "flags"): "msync_flags",
    ("mlockall", "flags"): "mlock_flags",
    ("mremap", "flags"): "mremap_flags",
    ("statx", "mask"): "statx_mask",
    ("setxattr", "flags"): "xattr_flags",
    ("lsetxattr", "flags"): "xattr_flags",
    ("fsetxattr", "flags"): "xattr_flags",
    ("close_range", "flags"): "close_range_flags",
    ("fallocate", "mode"): "fallocate_mode",
    ("fadvise64", "advice"): "fadvice",
    ("fadvise64_64", "advice"): "fadvice",
    ("getrusage", "who"): "rusage_who",
    ("getitimer", "which"): "itimer",
    ("setitimer", "which"): "itimer",
    ("getpriority", "which"): "priority_which",
    ("setpriority", "which"): "priority_which",
    ("seccomp", "op"): "seccomp_op",
    ("brk", "brk"): "pointer",
    # Other arguments of these names are no paths: of xattr, mq_open, sethostname.
    ("acct", "name"): "path",
    ("umount", "name"): "path",
    ("umount2", "name"): "path",
    ("name_to_handle_at", "name"): "path",
    ("symlink", "old"): "path",
    ("symlink", "new"): "path",
}
_BY_NAME = {
    **dict.fromkeys(("dfd", "dirfd", "olddfd", "newdfd", "from_dfd", "to_dfd"), "dirfd"),
    "mode": "mode",
    "sig": "signal",
    "signum": "signal",
    "which_clock": "clock",
}
_PATH_NAMES = frozenset(
    [
        "filename",
        "pathname",
        "path",
        "oldname",
        "newname",
        "dir_name",
        "from_path",
        "to_path",
        "put_old",
        "new_root",
        "library",
        "specialfile",
        "old_name",
        "new_name",
    ]
)
_ADDRESSES = frozenset(["addr", "start", "newsp", "tls", "new_addr"])
_HEXADECIMAL = frozenset(["flags", "flag", "mask"])

DESCRIPTORS = frozenset(
    """
    dfd dirfd epfd fd fd_in fd_out fdin fdout fildes from_dfd fs_fd group_fd in_fd initrd_fd
    kernel_fd mnt_fd mqdes newdfd newfd olddfd oldfd out_fd pidfd ruleset_fd to_dfd ufd upid_fd
    """.split()  # noqa: SIM905 - a list of strings would be one a line
)
"""Names of arguments that are file descriptors."""

RETURNS_POINTER = frozenset({"mmap", "mmap2", "mremap", "brk", "shmat"})
ENUMERATIONS = frozenset(
    [
        "advice",
        "signal",
        "sigmask_how",
        "whence",
        "fcntl_command",
        "futex_op",
        "epoll_op",
        "resource",
        "clock",
        "prctl_option",
        "arch_prctl_option",
        "family",
        "wait_which",
        "fadvice",
        "rusage_who",
        "itimer",
        "priority_which",
        "seccomp_op",
        "scheduler",
        "io_priority_who",
        "kcmp_type",
        "shutdown_how",
        "socket_level",
    ]
)


def role_of(call: Syscall, argument: Argument) -> str:
    """A set of constants, or one of path, pointer, dirfd, descriptor, mode, access_mode,
    owner, request, hex, int, uint."""
    explicit = _BY_CALL.get((call.name, argument.name))
    if explicit:
        return explicit
    if argument.is_pointer:
        is_text = argument.ctype.startswith("char") and argument.name in _PATH_NAMES
        return "path" if is_text else "pointer"
    if argument.name in _BY_NAME:
        return _BY_NAME[argument.name]
    if argument.name in DESCRIPTORS:
        return "descriptor"
    if argument.ctype in ("uid_t", "gid_t"):
        return "owner"
    if argument.name in _ADDRESSES and "long" in argument.ctype:
        return "pointer"
    if argument.name in _HEXADECIMAL:
        return "hex"
    return "int" if argument.is_signed else "uint"


@cache
def load_constants(abi: str) -> dict[str, dict[str, int]]:
    """Sets of constants of ``abi`` by name: name to value, ascending by value."""
    tree = json.loads(Path(__file__).with_name("constants.json").read_bytes())
    sets = {name: values for name, values in tree.items() if isinstance(values, dict)}
    # "MACHINE NAME" is a set that differs there.
    own = {name: sets.pop(name) for name in list(sets) if " " in name}
    for machine, name in map(str.split, own):
        if abi in MACHINES[machine]:
            sets[name] = own[f"{machine} {name}"]
    # Two meanings of one value: which one it is depends on the call.
    at_flags, unlink_flags = dict(sets["at_flags"]), dict(sets["at_flags"])
    del at_flags["AT_REMOVEDIR"], unlink_flags["AT_EACCESS"]
    flags = {name: value for name, value in sets["open_flags"].items() if value > 3}
    return sets | {
        "at_flags": at_flags,
        "unlink_flags": unlink_flags,
        "namespace_flags": sets["clone_flags"],
        "descriptor_flags": flags,
        "statx_flags": at_flags,
        # The one that is the machine's own is SOL_SOCKET.
        "socket_level": dict(
            sorted((sets["own_level"] | sets["socket_level"]).items(), key=lambda item: item[1])
        ),
        # Its name in POSIX.
        "scheduler": {
            name.replace("NORMAL", "OTHER"): value for name, value in sets["scheduler"].items()
        },
        # They are open's: include/linux/net.h.
        "socket_flags": {
            name.replace("O_", "SOCK_", 1): flags[name] for name in ("O_NONBLOCK", "O_CLOEXEC")
        },
    }
