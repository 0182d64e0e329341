"""Files of relative paths are told by whole ones, where it is known where their processes were."""

from __future__ import annotations

import pytest

from captures import write_capture
from subbuffers import SubBuffer
from tracectl.abi.control import EventClass
from tracectl.abi.records import Site
from tracectl.analysis.report import report_on
from tracectl.analysis.selection import Selection
from tracectl.capture.metadata import OpenFiles
from tracectl.capture.reader import open_capture
from tracectl.cli.reading import tables_of

OPENAT, CHDIR, FCHDIR, DUP2 = 257, 80, 81, 33
OPENED = [OpenFiles(7, "/home", {5: "/srv"}, [])]
ALL = EventClass.ALL


def looks_up(subbuffer: SubBuffer, time_ns: int, tid: int, name: bytes, dfd: int = -100):
    subbuffer.entry(time_ns, tid, OPENAT, [dfd & 0xFFFFFFFF, 0x1000])
    return subbuffer.name(time_ns + 1, tid, name, dfd=dfd).exit(time_ns + 2, tid, OPENAT, 3)


def goes(subbuffer: SubBuffer, time_ns: int, tid: int, name: bytes, result: int = 0) -> SubBuffer:
    subbuffer.entry(time_ns, tid, CHDIR, [0x1000]).name(time_ns + 1, tid, name, site=Site.LOOKUP)
    return subbuffer.exit(time_ns + 2, tid, CHDIR, result)


def files_of(path) -> set[bytes]:
    with open_capture(path) as capture:
        return set(report_on(capture, ["file"], tables_of(capture), Selection()).tables["file"])


def files(tmp_path, subbuffer: SubBuffer, **more) -> set[bytes]:
    more = {"classes": ALL, "opened": OPENED} | more
    return files_of(write_capture(tmp_path / "a.trace", [subbuffer], **more))


def test_where_it_was_at_the_start(tmp_path):
    subbuffer = looks_up(SubBuffer(), 1000, 7, b"a/../b")
    subbuffer = looks_up(subbuffer, 2000, 7, b"/etc/c")
    subbuffer = looks_up(subbuffer, 3000, 8, b"d")
    assert files(tmp_path, subbuffer) == {b"/home/b", b"/etc/c", b"d"}


def test_one_file_by_two_names_is_one(tmp_path):
    subbuffer = looks_up(looks_up(SubBuffer(), 1000, 7, b"b"), 2000, 7, b"/home/b")
    path = write_capture(tmp_path / "a.trace", [subbuffer], opened=OPENED)
    with open_capture(path) as capture:
        rows = report_on(capture, ["file"], tables_of(capture), Selection()).tables["file"]
    assert {key: row.calls for key, row in rows.items()} == {b"/home/b": 2}


def test_a_child_is_where_its_parent_was_then(tmp_path):
    subbuffer = SubBuffer()
    subbuffer.fork(1000, 7, 8)
    goes(subbuffer, 2000, 7, b"sub")
    subbuffer.fork(3000, 7, 9)
    for tid in (7, 8, 9):
        looks_up(subbuffer, 4000 + tid * 10, tid, b"f%d" % tid)
    # The parent was in two: what it looked up was in either.
    assert files(tmp_path, subbuffer) == {b"sub", b"/home/f8", b"/home/sub/f9", b"f7"}


def test_a_move_that_failed_is_none(tmp_path):
    subbuffer = goes(SubBuffer(), 1000, 7, b"/none", -2)
    assert b"/home/f" in files(tmp_path, looks_up(subbuffer, 2000, 7, b"f"))


def test_a_move_to_a_descriptor(tmp_path):
    subbuffer = SubBuffer().fork(1000, 7, 8)
    subbuffer.entry(2000, 7, FCHDIR, [5]).exit(2001, 7, FCHDIR, 0).fork(3000, 7, 9)
    looks_up(looks_up(subbuffer, 4000, 8, b"a"), 5000, 9, b"b")
    assert files(tmp_path, subbuffer) == {b"/home/a", b"/srv/b"}


@pytest.mark.parametrize(
    ("classes", "told", "expected"),
    [
        (ALL, [b"/d"], b"/d/f"),
        # Another one had the number, too.
        (ALL, [b"/d", b"/e"], b"f"),
        (ALL, [b"/d", None], b"f"),
        (ALL, [], b"f"),
        # Nothing tells that it has been this one only.
        (ALL & ~EventClass.FILE, [b"/d"], b"f"),
    ],
)
def test_the_directory_of_a_descriptor(tmp_path, classes, told, expected):
    subbuffer = SubBuffer()
    for at, path in enumerate(told):
        if path is None:
            subbuffer.entry(at * 10 + 1, 7, DUP2, [9, 4]).exit(at * 10 + 3, 7, DUP2, 4)
        else:
            subbuffer.entry(at * 10 + 1, 7, OPENAT, [0, 0]).file(at * 10 + 2, 7, 4, path)
            subbuffer.exit(at * 10 + 3, 7, OPENAT, 4)
    looks_up(subbuffer, 1000, 7, b"f", dfd=4)
    assert files(tmp_path, subbuffer, classes=classes) == {expected}


def test_an_inherited_directory(tmp_path):
    subbuffer = looks_up(SubBuffer().fork(1000, 7, 8), 2000, 8, b"f", dfd=5)
    assert files(tmp_path, subbuffer) == {b"/srv/f"}


@pytest.mark.parametrize(
    "more",
    [{"lost_calls": {0: 1}}, {"filtered": {CHDIR: 1}}, {"is_ended": False}, {"flags": 1}],
)
def test_what_may_have_been_missed_is_not_claimed(tmp_path, more):
    subbuffer = looks_up(SubBuffer(), 1000, 7, b"f")
    assert files(tmp_path, subbuffer, **more) == {b"f"}
