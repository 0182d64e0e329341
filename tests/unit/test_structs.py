"""Structures of user memory: where the kernel's headers have the fields, and how they are shown."""

from __future__ import annotations

import platform
import struct
import subprocess

import pytest

from tracectl.abi.control import COMMANDS, COUNT_ONE, COUNT_RESULT, READ_BOTH, READS, Command, Read
from tracectl.abi.records import Form, Kind, UserFlag
from tracectl.decode.copies import Copy
from tracectl.kernel.reads import Wanted, pack_reads
from tracectl.render.answers import format_answer
from tracectl.render.arguments import format_arguments
from tracectl.render.structs import format_mode, format_signals, format_wait_status
from tracectl.tables.pointees import payload_of, pointee_of
from tracectl.tables.structs import layout_of
from tracectl.tables.table import load_table, load_tables

X86_64 = load_table("x86_64")
HEADERS = {
    "asm/stat.h": ["stat", "stat64"],
    "asm/statfs.h": ["statfs"],
    "asm/poll.h": ["pollfd"],
    "asm/signal.h": ["sigaltstack"],
    "linux/stat.h": ["statx"],
    "linux/resource.h": ["rlimit", "rlimit64", "rusage"],
    "linux/uio.h": ["iovec"],
    "linux/utsname.h": ["new_utsname"],
    "linux/sysinfo.h": ["sysinfo"],
    "linux/sched.h": ["clone_args"],
    "linux/eventpoll.h": ["epoll_event"],
    "linux/times.h": ["tms"],
    "linux/utime.h": ["utimbuf"],
    "asm/termbits.h": ["termios"],
    "asm/termios.h": ["winsize"],
    "asm/fcntl.h": ["flock", "flock64", "f_owner_ex"],
    "linux/time.h": ["timezone", "__kernel_timespec", "__kernel_itimerspec"],
}
GROWN = frozenset({"sysinfo", "clone_args", "statx"})
"""The kernel takes and gives them at a length of old, or the rest is padding."""


@pytest.mark.skipif(platform.machine() != "x86_64", reason="these are the ABIs of x86-64")
@pytest.mark.parametrize(("abi", "option"), [("x86_64", "-m64"), ("i386", "-m32")])
def test_fields_lie_where_the_headers_have_them(abi, option, tmp_path):
    lines = ["#include <stddef.h>", *(f"#include <{header}>" for header in HEADERS)]
    for name in (name for names in HEADERS.values() for name in names):
        layout = layout_of(name, abi)
        if layout is None or (name, abi) == ("stat64", "x86_64"):
            continue
        for field in layout.fields:
            if not field.name.startswith("_"):
                told = f"offsetof(struct {name}, {field.name}) == {field.offset}"
                lines.append(f'_Static_assert({told}, "{name}.{field.name}");')
        compare = ">=" if name in GROWN else "=="
        lines.append(f'_Static_assert(sizeof(struct {name}) {compare} {layout.size}, "{name}");')
    source = tmp_path / "structs.c"
    source.write_text("\n".join(lines) + "\n")
    # Those of the kernel serve both; -m32 alone looks for them elsewhere.
    headers = f"-I/usr/include/{platform.machine()}-linux-gnu"
    command = ["gcc", option, headers, "-ffreestanding", "-fsyntax-only", source]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(lines) > 100


@pytest.mark.parametrize("abi", ["x86_64", "i386", "aarch64", "arm"])
def test_every_pointee_is_an_argument_with_a_layout(abi):
    found = [
        (call.name, argument.name)
        for call in load_table(abi)
        for argument in call.args
        if pointee_of(call, argument) or payload_of(call, argument)
    ]
    assert len(found) > 80


def test_what_the_module_is_told():
    packed = pack_reads(load_tables("x86_64"), Wanted(structs=True, payload=16)).calls

    def reads_of(name: str) -> list[tuple]:
        at = X86_64.by_name(name).nr * READS * Read.sizeof()
        reads = [Read.parse(packed[at + index * Read.sizeof() :]) for index in range(READS)]
        return [
            (read.form, read.argument, read.count, read.flags, read.bytes, read.most)
            for read in reads
            if read.form
        ]

    assert reads_of("getppid") == []
    assert reads_of("write") == [(Form.BYTES, 1, 2, 0, 1, 16)]
    assert reads_of("read") == [(Form.BYTES, 1, COUNT_RESULT, UserFlag.EXIT, 1, 16)]
    assert reads_of("pipe") == [(Form.BYTES, 0, COUNT_ONE, UserFlag.EXIT, 8, 8)]
    assert reads_of("wait4")[0] == (Form.BYTES, 1, COUNT_RESULT, UserFlag.EXIT, 4, 4)
    assert reads_of("epoll_wait") == [(Form.BYTES, 1, COUNT_RESULT, UserFlag.EXIT, 12, 384)]
    assert reads_of("writev") == [
        (Form.BYTES, 1, 2, 0, 16, 512), (Form.VECTOR, 1, 2, 0, 1, 16)
    ]  # fmt: skip
    assert reads_of("poll") == [(Form.BYTES, 0, 1, READ_BOTH, 8, 256)]
    assert reads_of("ioctl") == [(Form.COMMAND, 2, 1, READ_BOTH, 1, 4096)]
    assert len(reads_of("pselect6")) == 4
    assert [read[:2] for read in reads_of("sendmsg")] == [
        (Form.BYTES, 1), (Form.MESSAGE_VECTOR, 1), (Form.MESSAGE, 1)
    ]  # fmt: skip


def test_what_a_command_points_to():
    """Of both ABIs, each with its own sizes; x32 has no structures."""
    packed = pack_reads(load_tables("x86_64"), Wanted(structs=True)).commands
    assert len(packed) == COMMANDS * Command.sizeof()
    size = Command.sizeof()
    told = [Command.parse(packed[at : at + size]) for at in range(0, len(packed), size)]
    told = [(one.slot, one.value, one.bytes, one.flags) for one in told if one.bytes]
    native, narrow = X86_64.by_name("fcntl").nr, 512 + load_table("i386").by_name("fcntl64").nr
    assert (native, 6, 32, 0) in told
    assert (native, 5, 32, UserFlag.EXIT) in told
    assert (narrow, 6, 16, 0) in told
    assert (narrow, 37, 24, 0) in told
    assert (X86_64.by_name("ioctl").nr, 0x5401, 36, UserFlag.EXIT) in told
    assert pack_reads(load_tables("x86_64"), Wanted(payload=9)).commands == bytes(len(packed))


def memory(argument: int, data: bytes, form: int = Form.BYTES, flags: int = 0, given: int = -1):
    given = len(data) if given < 0 else given
    return Copy(Kind.USER, data, flags, argument=argument, form=form, given=given)


def written(name: str, *arguments: int, copies=()) -> str:
    return format_arguments(X86_64.by_name(name), arguments, copies)


@pytest.mark.parametrize(
    ("name", "arguments", "copies", "text"),
    [
        ("nanosleep", (0x10, 0), [memory(0, struct.pack("qq", 1, 2))],
         "{tv_sec=1, tv_nsec=2}, NULL"),
        ("nanosleep", (0x10, 0), [memory(0, b"", flags=UserFlag.FAULTED)], "0x10, NULL"),
        ("nanosleep", (0x10, 0), [memory(0, bytes(8), flags=UserFlag.FAULTED)], "0x10, NULL"),
        ("pipe2", (0x10, 0), [memory(0, struct.pack("ii", 3, 4))], "[3, 4], 0"),
        ("write", (1, 0x10, 9), [memory(1, b"a\n", flags=UserFlag.TRUNCATED)], r'1, "a\n"..., 9'),
        ("write", (1, 0x10, 9), [memory(1, b"a", flags=UserFlag.FAULTED)], '1, "a"..., 9'),
        ("write", (1, 0x10, 9), [memory(1, b"", flags=UserFlag.FAULTED)], "1, 0x10, 9"),
        ("read", (1, 0x10, 9), [memory(1, b"")], '1, "", 9'),
        ("accept", (3, 0, 0x10),
         [memory(2, struct.pack("i", 16)), memory(2, struct.pack("i", 2), flags=UserFlag.EXIT)],
         "3, NULL, [16 => 2]"),
        ("prlimit64", (0, 7, 0x10, 0), [memory(2, struct.pack("QQ", 2048, 2**64 - 1))],
         "0, RLIMIT_NOFILE, {rlim_cur=2*1024, rlim_max=RLIM64_INFINITY}, NULL"),
        ("epoll_wait", (4, 0x10, 9, 0), [memory(1, struct.pack("<IQIQ", 1, 5, 4, 6))],
         "4, [{events=EPOLLIN, data={u32=5, u64=5}}, {events=EPOLLOUT, data={u32=6, u64=6}}], 9, "
         "0"),
        ("poll", (0x10, 2, 9), [memory(0, struct.pack("ihhihh", 3, 1, 0, -1, 1, 0))],
         "[{fd=3, events=POLLIN}, {fd=-1}], 2, 9"),
        ("select", (5, 0x10, 0, 0, 0), [memory(1, struct.pack("Q120x", 0b111001))],
         "5, [0 3 4], NULL, NULL, NULL"),
        ("select", (65, 0x10, 0, 0, 0),
         [memory(1, bytes(8), flags=UserFlag.FAULTED)], "65, 0x10, NULL, NULL, NULL"),
        ("ioctl", (3, 0x541B, 0x10), [memory(2, struct.pack("i", 7), Form.COMMAND, UserFlag.EXIT)],
         "3, FIONREAD, [7]"),
        ("ioctl", (3, 0x5413, 0x10),
         [memory(2, struct.pack("4H", 24, 80, 0, 0), Form.COMMAND, UserFlag.EXIT)],
         "3, TIOCGWINSZ, {ws_row=24, ws_col=80, ws_xpixel=0, ws_ypixel=0}"),
        ("fcntl", (3, 6, 0x10),
         [memory(2, struct.pack("hhxxxxqqixxxx", 1, 0, 1, 2, 9), Form.COMMAND)],
         "3, F_SETLK, {l_type=F_WRLCK, l_whence=SEEK_SET, l_start=1, l_len=2}"),
        ("clone3", (0x10, 64), [memory(0, struct.pack("8Q", 0, 0, 0, 0, 17, 0, 0, 0) + bytes(24))],
         "{flags=0, exit_signal=SIGCHLD, stack=NULL, stack_size=0}, 64"),
        ("clone3", (0x10, 8), [memory(0, bytes(88))], "0x10, 8"),
        ("connect", (3, 0x10, 16),
         [memory(1, struct.pack("<H14x", 2), Form.ADDRESS, UserFlag.FAULTED)], "3, 0x10, 16"),
        ("futex", (0x10, 1, 1, 0x20, 0, 0), [memory(3, bytes(16))],
         "0x10, FUTEX_WAKE, 1"),
        ("writev", (1, 0x10, 2),
         [memory(1, struct.pack("QQQQ", 0x30, 3, 0x40, 9)),
          memory(1, b"abcde", Form.VECTOR, UserFlag.TRUNCATED, given=12)],
         '1, [{iov_base="abc", iov_len=3}, {iov_base="de"..., iov_len=9}], 2'),
        ("readlink", (0x10, 0x20, 9),
         [Copy(Kind.NAME, b"/l", 0, site=1), memory(1, b"where")], '"/l", "where", 9'),
        ("unlink", (0x10,), [memory(0, b"/a", Form.PATH)], '"/a"'),
        ("unlink", (0x10,), [memory(0, b"", Form.PATH, UserFlag.FAULTED)], "0x10"),
    ],
)  # fmt: skip
def test_in_place_of_the_address(name, arguments, copies, text):
    assert written(name, *arguments, copies=copies) == text


@pytest.mark.parametrize(
    ("name", "arguments", "copies", "result", "text"),
    [
        ("poll", (0x10, 2, 9), [(0, struct.pack("ihhihh", 3, 1, 1, 4, 1, 0))], 1,
         " ([{fd=3, revents=POLLIN}])"),
        ("ppoll", (0x10, 1, 0x20, 0, 8),
         [(0, struct.pack("ihh", 3, 1, 16)), (2, struct.pack("qq", 1, 2))], 1,
         " ([{fd=3, revents=POLLHUP}], left {tv_sec=1, tv_nsec=2})"),
        ("poll", (0x10, 1, 9), [(0, struct.pack("ihh", 3, 1, 0))], 0, ""),
        ("select", (4, 0x10, 0x20, 0x30, 0x40),
         [(1, struct.pack("Q120x", 0b11000)), (2, struct.pack("Q120x", 0b10)), (3, bytes(128)),
          (4, struct.pack("qq", 1, 2))], 2, " (in [3], out [1], left {tv_sec=1, tv_usec=2})"),
        ("select", (100, 0x10, 0, 0, 0), [(1, struct.pack("QQ112x", 0b1000, 1 << 35))], 1,
         " (in [3])"),
        ("read", (3, 0x10, 9), [(1, b"a")], 1, ""),
    ],
)  # fmt: skip
def test_what_was_found_is_after_the_result(name, arguments, copies, result, text):
    given = [memory(at, data, flags=UserFlag.EXIT) for at, data in copies]
    assert format_answer(X86_64.by_name(name), arguments, result, given) == text


def test_signals():
    assert format_signals(0) == "[]"
    assert format_signals(1 << 1 | 1 << 16 | 1 << 33) == "[INT CHLD RT_2]"
    assert format_signals((1 << 64) - 1 - (1 << 8)) == "~[KILL]"


def test_modes():
    assert format_mode(0o100644) == "S_IFREG|0644"
    assert format_mode(0o041777) == "S_IFDIR|S_ISVTX|0777"


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (0x300, "[{WIFEXITED(s) && WEXITSTATUS(s) == 3}]"),
        (9, "[{WIFSIGNALED(s) && WTERMSIG(s) == SIGKILL}]"),
        (0x86, "[{WIFSIGNALED(s) && WTERMSIG(s) == SIGABRT && WCOREDUMP(s)}]"),
        (0x137F, "[{WIFSTOPPED(s) && WSTOPSIG(s) == SIGSTOP}]"),
        (0xFFFF, "[{WIFCONTINUED(s)}]"),
    ],
)
def test_what_a_child_ended_with(status, text):
    assert format_wait_status(status) == text
