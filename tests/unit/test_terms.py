"""Filters out of words."""

import argparse
import errno

import pytest

from tracectl.abi.control import Filter, FilterFlag
from tracectl.abi.records import SHAPES
from tracectl.cli.scope import facts_of_terms, words_of_scope
from tracectl.cli.terms import add_terms, slots_of, terms_from
from tracectl.errors import UsageError
from tracectl.kernel.filter import ALL_ERRNOS, Terms, terms_of
from tracectl.live.terms import list_of_cpus, options_of
from tracectl.tables.table import load_tables

NATIVE, COMPAT = load_tables().values()


def slots(name):
    """Of one system call, in all three ABIs."""
    tables = (NATIVE, COMPAT, NATIVE)
    calls = [table.by_name(name) for table in tables]
    return {abi * SHAPES + call.nr for abi, call in enumerate(calls) if call is not None}


def terms(*argv):
    parser = argparse.ArgumentParser()
    add_terms(parser)
    return terms_from(parser.parse_args(argv))


def test_names():
    assert slots_of("read") == slots("read")
    assert slots_of("read,openat") == slots("read") | slots("openat")
    assert len(slots("read")) == 3


def test_all_but():
    assert slots_of("!read,openat") == set(range(3 * SHAPES)) - slots("read") - slots("openat")


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("%file", "openat statx execve renameat2", "read fgetxattr setdomainname close"),
        ("%desc", "read openat close mmap sendfile", "connect getpid brk"),
        ("%network", "connect socket sendmsg", "read openat"),
        ("%process", "clone execve wait4 exit_group", "getpid"),
        ("%signal", "kill rt_sigaction", "wait4"),
        ("%memory", "mmap brk munmap", "read"),
    ],
)
def test_classes(name, inside, outside):
    chosen = slots_of(name)
    assert all(NATIVE.by_name(call).nr in chosen for call in inside.split())
    assert not any(NATIVE.by_name(call).nr in chosen for call in outside.split())


@pytest.mark.parametrize("expression", ["nothing", "read,nothing", "%nothing", "", "file", "read,"])
def test_what_is_no_call(expression):
    with pytest.raises(UsageError, match="no system call"):
        slots_of(expression)


def test_no_terms():
    packed = Filter.parse(terms().pack())
    assert packed.flags == 0
    assert len(terms().pack()) == Filter.sizeof()


def test_terms_as_the_module_takes_them():
    packed = Filter.parse(terms("--uid", "root", "--comm", "sh", "-e", "read").pack())
    assert packed.flags == FilterFlag.UID | FilterFlag.COMM | FilterFlag.CALLS
    assert packed.uid == 0
    assert packed.comm == b"sh".ljust(16, b"\0")
    bits = int.from_bytes(packed.calls, "little")
    assert {slot for slot in range(3 * SHAPES) if bits >> slot & 1} == slots("read")


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--uid", "nobody-of-this-name"], "no user"),
        (["--comm", "a-name-that-is-too-long"], "15 bytes"),
        (["--cgroup", "/nowhere/at/all"], "no directory of cgroup v2"),
        (["--cpus", "0-"], "no list of CPUs"),
        (["--cpus", "3-1"], "no CPUs 3-1"),
        (["--cpus", "9000"], "no CPUs 9000"),
        (["--errno", "ENOENT,ENOTHING"], "'ENOTHING'"),
        (["--slower", "fast"], "no time"),
        (["--slower", "-1"], "no time"),
        (["--path", ""], "1 to 255 bytes"),
    ],
)
def test_what_there_is_not(argv, words):
    with pytest.raises(UsageError, match=words):
        terms(*argv)


def test_a_cgroup_is_its_inode():
    assert Filter.parse(Terms(cgroup=77).pack()).cgroup == 77


def test_terms_go_to_the_module_and_come_back():
    given = terms(
        "--uid", "0", "--comm", "sh", "-e", "read", "--cpus", "0-2,64", "--errno",
        "ENOENT,ewouldblock", "--slower", "1ms", "--path", "/etc/",
    )  # fmt: skip
    assert given.cpus == {0, 1, 2, 64}
    assert given.errnos == {errno.ENOENT, errno.EAGAIN}
    assert given.await_ends
    assert terms_of(Filter.parse(given.pack())) == given
    assert terms_of(Filter.parse(Terms().pack())) == Terms()
    assert terms("--failed").errnos == ALL_ERRNOS


def test_scope_in_words():
    given = terms("--cpus", "0,1", "--failed", "--slower", "1ms", "-e", "getpid", "--comm", "sh")
    facts = facts_of_terms(given)
    assert facts == {"comm": "sh", "calls": 3, "cpus": [0, 1], "errnos": [], "slower_ns": 10**6}
    assert words_of_scope(None, facts) == (
        "the whole machine; comm sh; 3 system calls; CPUs 0,1; failed; 1.00 ms or longer"
    )
    some = facts_of_terms(terms("--errno", "EPERM"))
    assert words_of_scope(7, some) == "process 7 and what it forks; failed with EPERM"


@pytest.mark.parametrize(
    "argv",
    [
        ["-e", "openat,read"],
        ["-e", "!openat,read"],
        ["-e", "%file"],
        ["--uid", "1000", "--comm", "a name", "--cpus", "0-2,5"],
        ["--failed", "--slower", "1500us", "--path", "/etc/my files"],
        ["--errno", "EACCES,ENOENT"],
        [],
    ],
)
def test_options_ask_for_the_same_again(argv):
    wanted = terms(*argv)
    assert terms(*options_of(wanted, (NATIVE, COMPAT, NATIVE), {})) == wanted


def test_a_cgroup_is_asked_for_by_its_path():
    wanted = Terms(cgroup=7, cpus=frozenset({0, 1, 2, 8}))
    options = options_of(wanted, (NATIVE, COMPAT, NATIVE), {7: "/user.slice"})
    assert options == ["--cgroup", "/user.slice", "--cpus", "0-2,8"]
    assert list_of_cpus([3]) == "3"
