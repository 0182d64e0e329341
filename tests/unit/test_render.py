"""Calls as strace 6.1 writes them, but for what docs/strace.md says: flags and arguments are in the
order of their bits and registers."""

from __future__ import annotations

import errno

import pytest

from tracectl.abi.records import ArgvFlag, Kind, Site
from tracectl.decode.copies import Copy
from tracectl.render.arguments import (
    ends_nowhere,
    format_arguments,
    format_call,
    format_result,
)
from tracectl.render.copies import format_strings
from tracectl.render.flags import format_flags
from tracectl.render.strings import format_string
from tracectl.render.table import format_duration, format_size, format_table
from tracectl.tables.table import load_table

X86_64, I386 = load_table("x86_64"), load_table("i386")
AARCH64, ARM = load_table("aarch64"), load_table("arm")
CWD = 2**32 - 100
MINUS_1 = 2**64 - 1
CREAT, TMPFILE, CLOEXEC = 0o100, 0o20200000, 0o2000000


def named(site, path):
    return Copy(Kind.NAME, path, 0, site)


def written(name, *arguments, copies=(), table=X86_64):
    return format_arguments(table.by_name(name), arguments, copies)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (("read", 3, 0x7FFE_0000_1000, 832), "3, 0x7ffe00001000, 832"),
        (("read", 2**32 - 1, 0, 0), "-1, NULL, 0"),
        (("getppid",), ""),
        (("exit_group", 2**32 - 2), "-2"),
        (("kill", 2**32 - 5, 9), "-5, SIGKILL"),
        (("kill", 7, 0), "7, 0"),
        (("kill", 7, 6), "7, SIGABRT"),
        (("lseek", 3, MINUS_1, 2), "3, -1, SEEK_END"),
        (("lseek", 3, 0, 9), "3, 0, 9"),
        (("brk", 0), "NULL"),
        (("brk", 0x55_0000), "0x550000"),
        (("fcntl", 3, 1030, 10), "3, F_DUPFD_CLOEXEC, 10"),
        (("access", 0x1000, 0), "0x1000, F_OK"),
        (("umask", 0o22), "022"),
        (("chmod", 0, 7), "NULL, 007"),
        (("chmod", 0, 0), "NULL, 000"),
        (("unlinkat", 3, 0x1000, 0x200), "3, 0x1000, AT_REMOVEDIR"),
        (("faccessat2", 3, 0x1000, 0, 0x200), "3, 0x1000, F_OK, AT_EACCESS"),
        (("unshare", 0x80), "CLONE_NEWTIME"),
        (("setns", 3, 0x80), "3, CLONE_NEWTIME"),
        (("pipe2", 0x1000, 0o2000000), "0x1000, O_CLOEXEC"),
        (("dup3", 3, 4, 0), "3, 4, 0"),
        (("mmap", 0, 4096, 1, 8, 3, 8192), "NULL, 4096, PROT_READ, MAP_DROPPABLE, 3, 0x2000"),
        (("clone", 6, 0, 0, 0, 0), "SIGABRT, NULL, NULL, NULL, NULL"),
        (("futex", 0, 0x17F, 0, 0, 0, 0), "NULL, 0x17f, 0, NULL, NULL, 0"),
        (("access", 0x1000, 4), "0x1000, R_OK"),
        (("epoll_ctl", 4, 1, 5, 0x1000), "4, EPOLL_CTL_ADD, 5, 0x1000"),
        (("getrandom", 0x1000, 8, 1), "0x1000, 8, GRND_NONBLOCK"),
        (("getrandom", 0x1000, 8, 0), "0x1000, 8, 0"),
        (("rt_sigprocmask", 2, 0x1000, 0, 8), "SIG_SETMASK, 0x1000, NULL, 8"),
        (("prlimit64", 0, 7, 0, 0x1000), "0, RLIMIT_NOFILE, NULL, 0x1000"),
        (("madvise", 0x1000, 4096, 4), "0x1000, 4096, MADV_DONTNEED"),
        (("dup2", 3, 1), "3, 1"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_arguments(call, text):
    assert written(*call) == text


def test_a_call_of_no_table_has_six_registers():
    registers = [0, 1, MINUS_1, 16, 5, 6]
    assert format_arguments(None, registers) == "0x0, 0x1, 0xffffffffffffffff, 0x10, 0x5, 0x6"


def test_i386_has_its_own_arguments():
    text = written("mmap2", 0, 8192, 3, 0x22, 2**32 - 1, 0, table=I386)
    assert text == "NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0"
    assert written("lseek", 3, 2**32 - 1, 1, table=I386) == "3, -1, SEEK_CUR"


@pytest.mark.parametrize("register", [CWD, MINUS_1 - 99])
def test_the_working_directory(register):
    # The upper half of the register of an int may hold anything.
    names = [named(Site.PARENT, b"a")]
    assert written("unlinkat", register, 0x1000, 0, copies=names) == 'AT_FDCWD, "a", 0'


@pytest.mark.parametrize(("dfd", "text"), [(5, "5"), (2**32 - 1, "-1"), (100, "100")])
def test_other_directories(dfd, text):
    assert written("mkdirat", dfd, 0x1000, 0o755) == f"{text}, 0x1000, 0755"


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        (0, "O_RDONLY"),
        (1, "O_WRONLY"),
        (2, "O_RDWR"),
        (3, "O_ACCMODE"),
        (0o4000, "O_RDONLY|O_NONBLOCK"),
        (0o2200000, "O_RDONLY|O_DIRECTORY|O_CLOEXEC"),
        (0o4010000, "O_RDONLY|O_SYNC"),
        (0o10000, "O_RDONLY|O_DSYNC"),
        (0o10000000, "O_RDONLY|O_PATH"),
        (0x8000_0001, "O_WRONLY|0x80000000"),
    ],
)
def test_open_flags(flags, text):
    assert written("open", 0x1000, flags, 0) == f"0x1000, {text}"


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        (CLOEXEC, "O_RDONLY|O_CLOEXEC"),
        # O_TMPFILE holds O_DIRECTORY, which alone creates nothing.
        (0o200000, "O_RDONLY|O_DIRECTORY"),
        (CREAT, "O_RDONLY|O_CREAT, 0644"),
        (0o1101, "O_WRONLY|O_CREAT|O_TRUNC, 0644"),
        (TMPFILE | 2, "O_RDWR|O_TMPFILE, 0644"),
        (TMPFILE | CREAT, "O_RDONLY|O_CREAT|O_TMPFILE, 0644"),
    ],
)
def test_the_mode_of_a_file_that_may_be_created(flags, text):
    names = [named(Site.OPEN, b"/tmp/a")]
    assert written("open", 1, flags, 0o644, copies=names) == f'"/tmp/a", {text}'
    assert written("openat", CWD, 1, flags, 0o644, copies=names) == f'AT_FDCWD, "/tmp/a", {text}'
    assert written("openat", 5, 1, flags, 0o644, copies=names, table=I386) == f'5, "/tmp/a", {text}'


@pytest.mark.parametrize("table", [AARCH64, ARM])
def test_open_flags_of_arm(table):
    opened = written("openat", CWD, 0, 0o2040000, 0o644, table=table)
    assert opened == "AT_FDCWD, NULL, O_RDONLY|O_DIRECTORY|O_CLOEXEC"
    # O_TMPFILE holds another O_DIRECTORY.
    opened = written("openat", CWD, 0, 0o20040001, 0o644, table=table)
    assert opened == "AT_FDCWD, NULL, O_WRONLY|O_TMPFILE, 0644"
    assert written("pipe2", 0, 0o200000, table=table) == "NULL, O_DIRECT"


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        ("socket", (1, 0o2004001, 0), "AF_UNIX, SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC, 0"),
        ("socket", (99, 15, 0), "99, 0xf, 0"),
        ("accept4", (3, 0, 0, 0o2000000), "3, NULL, NULL, SOCK_CLOEXEC"),
        ("recvfrom", (3, 1, 2, 0x42, 0, 0), "3, 0x1, 2, MSG_PEEK|MSG_DONTWAIT, NULL, NULL"),
        ("wait4", (MINUS_1, 0, 11, 0), "-1, NULL, WNOHANG|WSTOPPED|WCONTINUED, NULL"),
        ("umount2", (1, 10), "0x1, MNT_DETACH|UMOUNT_NOFOLLOW"),
        ("flock", (3, 6), "3, LOCK_EX|LOCK_NB"),
        ("statx", (CWD, 1, 0, 0xFFF, 2), "AT_FDCWD, 0x1, 0, STATX_ALL, 0x2"),
        ("getrusage", (2**32 - 1, 0), "RUSAGE_CHILDREN, NULL"),
        ("renameat2", (CWD, 1, CWD, 2, 1), "AT_FDCWD, 0x1, AT_FDCWD, 0x2, RENAME_NOREPLACE"),
        ("memfd_create", (1, 3), "0x1, MFD_CLOEXEC|MFD_ALLOW_SEALING"),
        ("epoll_create1", (0o2000000,), "EPOLL_CLOEXEC"),
        ("clock_nanosleep", (1, 1, 2, 0), "CLOCK_MONOTONIC, TIMER_ABSTIME, 0x2, NULL"),
    ],
)
def test_constants_by_their_names(name, arguments, text):
    assert written(name, *arguments) == text


@pytest.mark.parametrize(
    ("mode", "text"), [(0o644, "0644"), (0o4755, "04755"), (0o100644, "0100644"), (0o777, "0777")]
)
def test_modes(mode, text):
    assert written("chmod", 0x1000, mode) == f"0x1000, {text}"


def test_what_is_behind_a_descriptor():
    files = {3: b"/a<b>\n", 0: b"/tmp/x (deleted)", -100: b"/home"}.get
    call = X86_64.by_name("openat")
    assert format_arguments(call, (CWD, 1, 0, 0), (), files) == "AT_FDCWD</home>, 0x1, O_RDONLY"
    assert format_arguments(call, (4, 1, 0, 0), (), files) == "4, 0x1, O_RDONLY"
    call = X86_64.by_name("dup2")
    text = "3</a\\74b\\76\\n>, 0</tmp/x>(deleted)"
    assert format_arguments(call, (3, 0), (), files) == text
    made = [Copy(Kind.FILE, b"pipe:[9]", 0, fd=fd) for fd in (4, 5)]
    pipe = X86_64.by_name("pipe")
    assert format_arguments(pipe, (1,), made) == "[4, 5]"
    assert format_arguments(pipe, (1,), made, files) == "[4<pipe:[9]>, 5<pipe:[9]>]"
    assert format_arguments(pipe, (1,), made[:1], files) == "0x1"


def test_paths_take_the_place_of_their_addresses():
    images = [named(Site.OPEN, b"/usr/bin/ls"), named(Site.OPEN, b"/lib/ld.so")]
    assert written("execve", 1, 2, 3, copies=images) == '"/usr/bin/ls", 0x2, 0x3'
    assert (
        written("rename", 1, 2, copies=[named(Site.PARENT, b"a"), named(Site.PARENT, b"b")])
        == '"a", "b"'
    )
    assert written("rename", 1, 2, copies=[named(Site.PARENT, b"a")]) == '"a", 0x2'
    assert written("stat", 0, 2, copies=[named(Site.LOOKUP, b"b")]) == "NULL, 0x2"
    assert written("read", 1, 2, 3, copies=[named(Site.OPEN, b"a")]) == "1, 0x2, 3"


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [("link", Site.LOOKUP, Site.PARENT), ("symlink", Site.TARGET, Site.PARENT)],
)
def test_a_path_belongs_to_the_argument_whose_site_saw_it(name, first, second):
    assert written(name, 1, 2, copies=[named(first, b"a"), named(second, b"b")]) == '"a", "b"'
    assert written(name, 1, 2, copies=[named(second, b"b")]) == '0x1, "b"'


def test_a_new_image_s_arguments():
    path, argv = named(Site.OPEN, b"/bin/a"), b"a\0\0-x y\0"
    copies = [path, Copy(Kind.ARGV, argv, 0, variables=7)]
    assert (
        written("execve", 1, 2, 3, copies=copies) == '"/bin/a", ["a", "", "-x y"], 0x3 /* 7 vars */'
    )
    lost = Copy(Kind.ARGV, b"", ArgvFlag.FAULTED, variables=1)
    assert written("execve", 1, 2, 3, copies=[path, lost]) == '"/bin/a", 0x2, 0x3 /* 1 var */'
    assert format_strings(b"") == "[]"
    assert format_strings(b"a\0bc", ArgvFlag.TRUNCATED) == '["a", "bc"..., ...]'
    assert format_strings(b"a\0", ArgvFlag.TRUNCATED) == '["a", ...]'


def test_a_path_of_the_kernel_s_own_is_no_argument():
    names = [named(Site.LOOKUP, b"/mnt"), named(Site.LOOKUP, b"/dev/vda")]
    assert written("mount", 1, 2, 0, 0, 0, copies=names) == '0x1, "/mnt", NULL, 0, NULL'
    assert written("open", 1, 0, 0, copies=[named(Site.LOOKUP, b"/lower")]) == "0x1, O_RDONLY"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((0, 8192, 3, 0x22, MINUS_1, 0),
         "NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0"),
        ((0x7F00_0000_1000, 1, 5, 0x812, 3, 0),
         "0x7f0000001000, 1, PROT_READ|PROT_EXEC, MAP_PRIVATE|MAP_FIXED|MAP_DENYWRITE, 3, 0"),
        ((0, 1, 0, 1, 2**32 - 1, 0), "NULL, 1, PROT_NONE, MAP_SHARED, -1, 0"),
        ((0, 1, 1, 3, 4, 0), "NULL, 1, PROT_READ, MAP_SHARED_VALIDATE, 4, 0"),
        ((0, 1, 0x108, 0x2, 4, 0), "NULL, 1, PROT_SEM|0x100, MAP_PRIVATE, 4, 0"),
    ],
)  # fmt: skip
def test_mmap(arguments, text):
    assert written("mmap", *arguments) == text


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        (0, "0"),
        (17, "SIGCHLD"),
        (0x1200000 | 17, "CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD"),
        (0x100, "CLONE_VM"),
        (0x4100 | 17, "CLONE_VM|CLONE_VFORK|SIGCHLD"),
        (0x91, "145"),
        (1 << 63 | 0x100, "CLONE_VM|0x8000000000000000"),
    ],
)
def test_clone(flags, text):
    assert written("clone", flags, 0, 0, 0x1000, 0) == f"{text}, NULL, NULL, 0x1000, NULL"


@pytest.mark.parametrize(
    ("op", "text"),
    [
        (0, "FUTEX_WAIT"),
        (1, "FUTEX_WAKE"),
        (129, "FUTEX_WAKE_PRIVATE"),
        (0x189, "FUTEX_WAIT_BITSET_PRIVATE|FUTEX_CLOCK_REALTIME"),
        (0x7F, "0x7f"),
    ],
)
def test_futex(op, text):
    arguments = 0x1000, op, 2**32 - 1, 0, 0, 2**32 - 1
    assert written("futex", *arguments) == f"0x1000, {text}, 4294967295, NULL, NULL, 4294967295"


def test_flags():
    bits = {"ONE": 1, "TWO": 2, "BOTH_AND_FOUR": 7, "NONE": 0, "EIGHT": 8}
    assert format_flags(0, bits, "NOTHING") == "NOTHING"
    assert format_flags(3, bits, "") == "ONE|TWO"
    assert format_flags(7, bits, "") == "BOTH_AND_FOUR"
    assert format_flags(15, bits, "") == "BOTH_AND_FOUR|EIGHT"
    assert format_flags(0x1A, bits, "") == "TWO|EIGHT|0x10"
    assert format_flags(0x10, bits, "NOTHING") == "0x10"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", '""'),
        (b"/etc/passwd", '"/etc/passwd"'),
        (b'a "quoted" back\\slash', r'"a \"quoted\" back\\slash"'),
        (b"\t\n\v\f\r", r'"\t\n\v\f\r"'),
        (b"\x01\x1b\x7f", r'"\1\33\177"'),
        (b"\x00", r'"\0"'),
        ("ä€".encode(), r'"\303\244\342\202\254"'),
        (b"\xff\xfe", r'"\377\376"'),
        # Else the digit would be read as one more of the number.
        (b"\x017", r'"\0017"'),
        (b"\x1b0", r'"\0330"'),
        (b"\x018", r'"\18"'),
        (b"\x01a", r'"\1a"'),
        (b"\x01\x01" + b"1", r'"\1\0011"'),
        (b"\n1", r'"\n1"'),
        (b"'~ ", '"\'~ "'),
    ],
)
def test_strings(data, text):
    assert format_string(data) == text


@pytest.mark.parametrize(
    ("name", "result", "text"),
    [
        ("read", 832, "832"),
        ("close", 0, "0"),
        ("openat", -2, "-1 ENOENT (No such file or directory)"),
        ("read", -11, "-1 EAGAIN (Resource temporarily unavailable)"),
        ("socket", -errno.EOPNOTSUPP, "-1 EOPNOTSUPP (Operation not supported)"),
        ("flock", -errno.EDEADLK, "-1 EDEADLK (Resource deadlock avoided)"),
        ("mmap", -12, "-1 ENOMEM (Cannot allocate memory)"),
        ("mmap", 0x7F12_3456_7000, "0x7f1234567000"),
        ("mmap", -4096, "0xfffffffffffff000"),
        ("brk", 0x55_0000, "0x550000"),
        ("lseek", -4096, "-4096"),
        ("lseek", 0x7F12_3456_7000, str(0x7F12_3456_7000)),
        ("x", -4095, "-1 4095 (Unknown error 4095)"),
        ("read", -512, "? ERESTARTSYS (To be restarted if SA_RESTART is set)"),
        ("futex", -516, "? ERESTART_RESTARTBLOCK (Interrupted by signal)"),
    ],
)
def test_results(name, result, text):
    assert format_result(name, result) == text


def test_the_result_has_a_column():
    assert format_call("close", "3", "0") == "close(3)".ljust(39) + " = 0"
    assert format_call("close", "3", "0").index("=") == 40
    assert format_call("read", "3, " + "x" * 40, "7") == "read(3, " + "x" * 40 + ") = 7"
    assert format_call("a", "", "1", column=10) == "a()       = 1"


def test_calls_without_an_end():
    assert ends_nowhere("exit")
    assert ends_nowhere("exit_group")
    assert not ends_nowhere("read")


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0 ns"),
        (999, "999 ns"),
        (1000, "1.00 µs"),
        (9_999, "10.0 µs"),
        (99_990, "100 µs"),
        (999_999, "1.00 ms"),
        (12_340, "12.3 µs"),
        (123_400, "123 µs"),
        (1_500_000, "1.50 ms"),
        (2_000_000_000, "2.00 s"),
        (3_600_000_000_000, "3600 s"),
    ],
)
def test_durations(ns, text):
    assert format_duration(ns) == text


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.00 KiB"),
        (10 << 20, "10.0 MiB"),
        ((1 << 20) - 1, "1.00 MiB"),
        (512 << 30, "512 GiB"),
        (5000 << 40, "5000 TiB"),
    ],
)
def test_sizes(size_bytes, text):
    assert format_size(size_bytes) == text


def test_a_table():
    rows = [["read", "9", "1.00 µs"], ["newfstatat", "10", ""]]
    assert format_table(["call", "calls", "time"], rows).splitlines() == [
        "call        calls     time",
        "----------  -----  -------",
        "read            9  1.00 µs",
        "newfstatat     10",
    ]


def test_left_columns_and_no_rows():
    lines = format_table(["a", "long", "b"], [["1", "2", "333"]], left=2).splitlines()
    assert lines == ["a  long    b", "-  ----  ---", "1  2     333"]
    assert format_table(["one", "two"], []).splitlines() == ["one  two", "---  ---"]


def test_a_row_that_does_not_fit_its_header():
    with pytest.raises(ValueError, match="zip"):
        format_table(["a", "b"], [["1"]])
