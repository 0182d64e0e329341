"""What the pointers among the arguments of a system call point to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from tracectl.tables.structs import layout_of
from tracectl.tables.table import Argument, Syscall

# CALL.ARGUMENT, then whether the kernel reads it (in), writes it (out) or both, and how many there
# are: a number, an argument, the result of the call, or one if that is not 0 (any). The type is the
# argument's own.
_STRUCTS = """
accept.upeer_addrlen both; accept4.upeer_addrlen both; getsockname.usockaddr_len both
getpeername.usockaddr_len both; recvfrom.addr_len both; getsockopt.optlen both
clock_getres.tp out; clock_gettime.tp out; clock_settime.tp in; clock_nanosleep.rqtp in
clock_getres_time64.tp out; clock_gettime64.tp out; clock_settime64.tp in
clock_nanosleep_time64.rqtp in; nanosleep.rqtp in; futex.utime in; futex_time64.utime in
pselect6.tsp both; ppoll.tsp both; ppoll_time64.tsp both; epoll_pwait2.timeout in
semtimedop.timeout in; rt_sigtimedwait.uts in; recvmmsg.timeout in; select.tvp both
select.inp both; select.outp both; select.exp both; pselect6.inp both; pselect6.outp both
pselect6.exp both
utimensat.utimes in 2; utimensat_time64.utimes in 2; utimes.utimes in 2; futimesat.utimes in 2
gettimeofday.tv out; settimeofday.tv in; gettimeofday.tz out; settimeofday.tz in; utime.times in
getitimer.value out; setitimer.value in; setitimer.ovalue out; timer_gettime.setting out
timer_settime.new_setting in; timer_settime.old_setting out; timerfd_gettime.otmr out
timerfd_settime.utmr in; timerfd_settime.otmr out; timer_create.created_timer_id out
epoll_ctl.event in; epoll_wait.events out result; epoll_pwait.events out result
epoll_pwait2.events out result; poll.ufds both nfds; ppoll.ufds both nfds
ppoll_time64.ufds both nfds
rt_sigaction.act in; rt_sigaction.oldact out; rt_sigprocmask.set in; rt_sigprocmask.oset out
rt_sigpending.set out; rt_sigsuspend.unewset in; rt_sigtimedwait.uthese in; signalfd4.user_mask in
sigaltstack.uss in; sigaltstack.uoss out; sched_setparam.param in; sched_getparam.param out
sched_setscheduler.param in; getrlimit.rlim out; ugetrlimit.rlim out; setrlimit.rlim in
prlimit64.new_rlim in; prlimit64.old_rlim out; getrusage.ru out; wait4.ru out any
wait4.stat_addr out any; waitpid.stat_addr out any; times.tbuf out; sysinfo.info out
uname.name out; pipe.fildes out 2; pipe2.fildes out 2; socketpair.usockvec out 2
stat.statbuf out; fstat.statbuf out; lstat.statbuf out; newfstatat.statbuf out; stat64.statbuf out
fstat64.statbuf out; lstat64.statbuf out; fstatat64.statbuf out; statx.buffer out; statfs.buf out
fstatfs.buf out; getresuid.ruid out; getresuid.euid out; getresuid.suid out; getresgid.rgid out
getresgid.egid out; getresgid.sgid out; getcpu.cpu out; getcpu.node out; clone3.uargs in
sendfile.offset in; splice.off_in in; splice.off_out in; copy_file_range.off_in in
copy_file_range.off_out in; readv.vec in vlen; writev.vec in vlen; preadv.vec in vlen
pwritev.vec in vlen; preadv2.vec in vlen; pwritev2.vec in vlen; vmsplice.iov in nr_segs
sendmsg.msg in; recvmsg.msg out
"""
# Bytes without a form, of which a preview is read.
_PAYLOADS = """
read.buf out result; pread64.buf out result; recvfrom.ubuf out result; getrandom.buf out result
write.buf in count; pwrite64.buf in count; sendto.buff in len; readlink.buf out result
readlinkat.buf out result; getcwd.buf out result; readv.vec out vlen; preadv.vec out vlen
preadv2.vec out vlen; writev.vec in vlen; pwritev.vec in vlen; pwritev2.vec in vlen
sendmsg.msg in; recvmsg.msg out
"""
# They are paths, so they are as good as structures.
_TEXTS = frozenset({"readlink", "readlinkat", "getcwd"})


@dataclass(frozen=True, slots=True)
class Pointee:
    """``count`` is a number, the name of an argument, "result" or "any". ``type`` is a structure of
    :mod:`tracectl.tables.structs`; of a payload "bytes", or "iovec" or "user_msghdr" for what those
    point to in turn."""

    type: str
    is_in: bool
    is_out: bool
    count: str


def pointee_of(call: Syscall, argument: Argument) -> Pointee | None:
    """The structures that ``argument`` points to, None where it is not known what they are."""
    found = _parse(_STRUCTS).get((call.name, argument.name))
    name = _type_of(argument)
    if found is None or layout_of(name, call.abi) is None:
        return None
    return Pointee(name, *found)


def payload_of(call: Syscall, argument: Argument) -> Pointee | None:
    """The bytes that it points to, or that what it points to does."""
    found = _parse(_PAYLOADS).get((call.name, argument.name))
    if found is None:
        return None
    name = _type_of(argument)
    return Pointee(name if name in ("iovec", "user_msghdr") else "bytes", *found)


def is_text(call: Syscall) -> bool:
    """Whether the payload of ``call`` is a path."""
    return call.name in _TEXTS


def _type_of(argument: Argument) -> str:
    name = argument.ctype.removesuffix("*").strip().removeprefix("struct ")
    return "int" if name == "timer_t" else name


@cache
def _parse(text: str) -> dict[tuple[str, str], tuple[bool, bool, str]]:
    return dict(_iter_specs(text))


def _iter_specs(text: str) -> Iterator[tuple[tuple[str, str], tuple[bool, bool, str]]]:
    for spec in text.replace("\n", ";").split(";"):
        if spec.strip():
            where, way, *count = spec.split()
            call, argument = where.split(".")
            yield (call, argument), (way != "out", way != "in", count[0] if count else "1")
