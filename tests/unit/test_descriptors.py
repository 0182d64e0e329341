"""What is behind each descriptor, followed over calls."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from subbuffers import SHAPES, SubBuffer
from tracectl.abi.records import AddressSite, Site
from tracectl.analysis.descriptors import AT_FDCWD, Descriptors
from tracectl.analysis.pairing import pair_calls
from tracectl.analysis.rows import iter_rows
from tracectl.capture.metadata import OpenFiles
from tracectl.kernel.files import iter_opened
from tracectl.tables.table import load_table

TABLE = load_table("x86_64")
CWD = 2**32 - 100
CLOEXEC = 0o2000000
TOLD = OpenFiles(1, "/home", {0: "/dev/null", 7: "/etc"}, [7])


def nr(name):
    return TABLE.by_name(name).nr


class Story:
    """Calls of one process and its children, one after the other; time goes on by itself."""

    def __init__(self):
        self.subbuffer, self.now = SubBuffer(), 0

    def tick(self):
        self.now += 10
        return self.now

    def call(self, name, *arguments, result=0, tid=1, path=None, site=Site.OPEN,
             files=(), addresses=()):  # fmt: skip
        self.subbuffer.entry(self.tick(), tid, nr(name), arguments)
        if path is not None:
            self.subbuffer.name(self.tick(), tid, path, site)
        for place, address in addresses:
            self.subbuffer.address(self.tick(), tid, place, address)
        for fd, told in files:
            self.subbuffer.file(self.tick(), tid, fd, told)
        self.subbuffer.far_exit(self.tick(), tid, nr(name), result)
        return self

    def fork(self, child, *, tid=1, flags=17):
        self.subbuffer.entry(self.tick(), tid, nr("clone"), [flags])
        self.subbuffer.fork(self.tick(), tid, child)
        self.subbuffer.far_exit(self.tick(), tid, nr("clone"), child)
        return self

    def exec(self, tid=1):
        self.subbuffer.entry(self.tick(), tid, nr("execve"), [1, 2, 3])
        self.subbuffer.exec(self.tick(), tid, tid)
        self.subbuffer.far_exit(self.tick(), tid, nr("execve"), 0)
        return self

    def end(self, opened=(TOLD,)):
        """The descriptors after all of it, and what each call returned."""
        descriptors, returned = Descriptors(opened), []
        records = self.subbuffer.decode()
        descriptors.add_records(records)
        for row in iter_rows(pair_calls([records], SHAPES, [])):
            descriptors.advance(row.begin_ns)
            returned.append(descriptors.add(TABLE.get(row.nr), row))
        descriptors.advance(self.now)
        return descriptors, returned


def test_what_was_open_before():
    descriptors, _ = Story().call("close", 0).end()
    assert descriptors.path_of(1, 7) == b"/etc"
    assert descriptors.path_of(1, AT_FDCWD) == b"/home"
    assert descriptors.path_of(1, 0) is None
    assert descriptors.path_of(2, 7) is None


@pytest.mark.parametrize(
    ("dfd", "path", "expected"),
    [
        (CWD, b"a/../b", b"/home/b"),
        (CWD, b"/a", b"/a"),
        (7, b"passwd", b"/etc/passwd"),
        (9, b"passwd", None),
        (9, b"/a", b"/a"),
    ],
)
def test_a_name_begins_at_its_directory(dfd, path, expected):
    story = Story()
    story.subbuffer.entry(1, 1, nr("openat"), [dfd, 1, 0, 0])
    story.subbuffer.name(2, 1, path, dfd=dfd - (dfd >> 31 << 32))
    story.subbuffer.far_exit(3, 1, nr("openat"), 3)
    story.now = 3
    descriptors, returned = story.end()
    assert returned == [expected]
    assert descriptors.path_of(1, 3) == expected


def test_the_kernel_s_word_is_better_than_the_name():
    story = Story().call("open", 1, 0, path=b"/bin", result=3, files=[(3, b"/usr/bin")])
    descriptors, returned = story.end()
    assert returned == [b"/usr/bin"]
    assert descriptors.path_of(1, 3) == b"/usr/bin"


def test_a_call_that_failed_opens_nothing():
    descriptors, returned = Story().call("open", 1, 0, path=b"/a", result=-2).end()
    assert returned == [None]
    assert descriptors.path_of(1, -2) is None


def test_duplicates_are_what_the_old_one_is():
    story = Story().call("dup", 7, result=3).call("dup2", 7, 4, result=4)
    story.call("fcntl", 7, 0, 5, result=5).call("close", 7).call("dup", 9, result=9)
    descriptors, returned = story.end()
    assert returned == [b"/etc", b"/etc", b"/etc", None, None]
    assert [descriptors.path_of(1, fd) for fd in (3, 4, 5, 7)] == [b"/etc"] * 3 + [None]


def test_both_ends_of_a_pipe():
    story = Story().call("pipe2", 1, 0, files=[(0, b"pipe:[1]"), (4, b"pipe:[1]")])
    descriptors, returned = story.end()
    assert returned == [None]
    assert [descriptors.path_of(1, fd) for fd in (0, 4)] == [b"pipe:[1]"] * 2


def test_where_a_process_is():
    story = Story().call("chdir", 1, path=b"a", site=Site.LOOKUP)
    assert story.end()[0].path_of(1, AT_FDCWD) == b"/home/a"
    story.call("fchdir", 7)
    assert story.end()[0].path_of(1, AT_FDCWD) == b"/etc"
    story.call("fchdir", 9)
    assert story.end()[0].path_of(1, AT_FDCWD) is None


def test_a_child_has_its_own():
    descriptors, _ = Story().fork(2).call("close", 0).call("close", 7, tid=2).end()
    assert descriptors.path_of(2, 0) == b"/dev/null"
    assert descriptors.path_of(1, 7) == b"/etc"
    assert descriptors.path_of(2, AT_FDCWD) == b"/home"


def test_a_child_that_shares():
    descriptors, _ = Story().fork(2, flags=0x400).call("close", 0, tid=2).end()
    assert descriptors.path_of(1, 0) is None


def test_exec_closes():
    story = Story().call("open", 1, CLOEXEC, path=b"/a", result=3)
    story.call("open", 1, 0, path=b"/b", result=4)
    story.call("fcntl", 0, 2, 1).call("fcntl", 7, 2, 0).call("dup3", 7, 5, CLOEXEC, result=5)
    story.call("memfd_create", 1, 1, result=6, files=[(6, b"/memfd:a (deleted)")])
    story.call("pidfd_open", 1, 0, result=8).exec()
    descriptors, _ = story.end()
    open_ = [fd for fd in range(10) if descriptors.path_of(1, fd)]
    assert open_ == [4, 7]


def test_close_range():
    story = Story().call("dup2", 7, 3, result=3).call("dup2", 7, 4, result=4)
    story.call("close_range", 4, 2**32 - 1, 0)
    assert [fd for fd in range(10) if story.end()[0].path_of(1, fd)] == [0, 3]
    story.call("close_range", 3, 3, 4).exec()
    assert [fd for fd in range(10) if story.end()[0].path_of(1, fd)] == [0]


def test_a_call_has_happened_when_it_ends():
    story = Story()
    story.subbuffer.entry(1, 1, nr("dup"), [7]).entry(2, 2, nr("read"), [3])
    story.subbuffer.far_exit(5, 1, nr("dup"), 3)
    descriptors = Descriptors([TOLD])
    records = story.subbuffer.decode()
    for row in iter_rows(pair_calls([records], SHAPES, [])):
        descriptors.advance(row.begin_ns)
        descriptors.add(TABLE.get(row.nr), row)
        assert descriptors.path_of(1, 3) is None
    descriptors.advance(5)
    assert descriptors.path_of(1, 3) == b"/etc"


NEAR, FAR = b"\2\0\0\x50\x7f\0\0\1", b"\2\0\x1f\x90\x7f\0\0\2"


def test_what_sockets_are_connected_to():
    story = Story().call("socket", 2, 1, 0, result=3, files=[(3, b"socket:[5]")])
    story.call("bind", 3, 1, 16, addresses=[(AddressSite.BIND, NEAR)])
    story.call("accept", 3, 1, 2, result=4, files=[(4, b"socket:[6]")],
               addresses=[(AddressSite.ANSWER, FAR)])  # fmt: skip
    story.call("socket", 2, 1, 0, result=8, files=[(8, b"socket:[7]")])
    story.call("connect", 8, 1, 16, result=-115, addresses=[(AddressSite.CONNECT, FAR)])
    story.call("connect", 3, 1, 16, result=-106, addresses=[(AddressSite.CONNECT, FAR)])
    sockets = story.end()[0].sockets
    assert sockets.ends_of(b"socket:[5]") == ("TCP", NEAR, b"")
    assert sockets.ends_of(b"socket:[6]") == ("TCP", NEAR, FAR)
    assert sockets.ends_of(b"socket:[7]") == ("TCP", b"", FAR)
    assert sockets.ends_of(b"socket:[8]") is None


def test_nothing_is_known_after_a_loss():
    descriptors = Descriptors([TOLD])
    descriptors.add_records(SubBuffer(lost=1).task(50, 1).decode())
    descriptors.advance(49)
    assert descriptors.path_of(1, 0) == b"/dev/null"
    descriptors.advance(50)
    assert descriptors.path_of(1, 0) is None


def test_the_snapshot_is_what_is_open(tmp_path):
    kept = os.open(tmp_path, os.O_RDONLY)
    inherited = os.dup2(kept, 100, inheritable=True)
    try:
        (mine,) = iter_opened([os.getpid()])
    finally:
        os.close(kept)
        os.close(inherited)
    assert mine.tgid == os.getpid()
    assert mine.cwd == str(Path.cwd())
    assert mine.files[kept] == mine.files[inherited] == str(tmp_path)
    assert kept in mine.cloexec
    assert inherited not in mine.cloexec
    assert mine.left_out == 0
    assert list(iter_opened([2**22 + 1])) == []


def test_more_than_there_is_room_for_is_counted(monkeypatch):
    monkeypatch.setattr("tracectl.kernel.files._MAX_FILES", 1)
    first, second = iter_opened([os.getpid(), os.getpid()])
    assert len(first.files) == 1
    assert first.left_out > 0
    assert second.files == {}
    assert second.left_out >= first.left_out
