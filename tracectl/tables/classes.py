"""Sets of system calls, by the names that strace has for them."""

from __future__ import annotations

from tracectl.tables.roles import DESCRIPTORS, role_of
from tracectl.tables.table import Syscall, SyscallTable

# "name" is that of an attribute, a queue or a host elsewhere.
_NAMES_A_FILE = frozenset({"acct", "name_to_handle_at"})

# What no argument tells: strace's manual has them as %process and so on.
_BY_NAME = {
    "process": """
    clone clone3 execve execveat exit exit_group fork kill pidfd_open pidfd_send_signal
    rt_sigqueueinfo rt_tgsigqueueinfo tgkill tkill vfork wait4 waitid waitpid
    """,
    "network": """
    accept accept4 bind connect getpeername getpmsg getsockname getsockopt listen putpmsg recv
    recvfrom recvmmsg recvmmsg_time64 recvmsg send sendfile sendfile64 sendmmsg sendmsg sendto
    setsockopt shutdown socket socketcall socketpair
    """,
    "signal": """
    kill pause pidfd_send_signal rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo
    rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sgetmask
    sigaction sigaltstack signal signalfd signalfd4 sigpending sigprocmask sigreturn sigsuspend
    ssetmask tgkill tkill
    """,
    "memory": """
    brk get_mempolicy madvise map_shadow_stack mbind migrate_pages mincore mlock mlock2 mlockall
    mmap mmap2 move_pages mprotect mremap mseal msync munlock munlockall munmap pkey_mprotect
    process_madvise remap_file_pages set_mempolicy set_mempolicy_home_node shmat shmdt
    """,
}
_NAMES = {name: frozenset(calls.split()) for name, calls in _BY_NAME.items()}

CLASSES = ("file", "desc", *_NAMES)


def numbers_in(name: str, table: SyscallTable) -> frozenset[int]:
    """The numbers of the calls of ``table`` in the class ``name``, one of CLASSES."""
    return frozenset(call.nr for call in table if _is_in(name, call))


def _is_in(name: str, call: Syscall) -> bool:
    if name == "file":
        return any(
            role_of(call, argument) == "path"
            and (argument.name != "name" or call.name in _NAMES_A_FILE)
            for argument in call.args
        )
    if name == "desc":
        # Of a socket's calls strace takes in none but those that work on files, too.
        is_socket = call.name in _NAMES["network"] and not call.name.startswith("sendfile")
        return not is_socket and any(arg.name in DESCRIPTORS for arg in call.args)
    return call.name in _NAMES[name]
