"""A capture that is damaged by hand: every command says so, and shows what is left."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tracectl.capture.format import FILE_HEADER, MAGIC
from tracectl.capture.reader import open_capture

pytestmark = pytest.mark.guest
READERS = ("report", "print", "verify")


def run_tracectl(*arguments: object) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "tracectl", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture(scope="module")
def whole(series, tmp_path_factory):
    """The bytes of a capture of ls, with several small sub-buffers."""
    path = tmp_path_factory.mktemp("whole") / "ls.trace"
    done = run_tracectl(
        *("record", "--vm", "--kernel", series, "--no-compress"),
        *("--subbuf-size", "16K", "-o", path, "--", "ls", "-lR", "/etc"),
    )
    assert done.returncode == 0, done.stderr
    assert run_tracectl("verify", path).returncode == 0
    return path.read_bytes()


@pytest.fixture
def damaged(whole, tmp_path):
    """Writes a changed copy; answers its path."""

    def write(change) -> str:
        path = tmp_path / "damaged.trace"
        path.write_bytes(change(whole))
        return str(path)

    return write


@pytest.mark.parametrize("command", READERS)
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda whole: os.urandom(len(whole)), "is no tracectl capture"),
        (lambda whole: FILE_HEADER.pack(MAGIC, 1, 9, 0) + whole[16:], "has ABI version 9"),
        (lambda whole: b"", "is empty"),
    ],
)
def test_what_is_no_capture_is_refused(damaged, command, change, words):
    done = run_tracectl(command, damaged(change))
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert words in done.stderr


@pytest.mark.parametrize("where", ["in a chunk", "in the end block"])
def test_a_truncated_capture_shows_what_is_left(damaged, where):
    path = damaged(lambda whole: whole)
    with open_capture(path) as capture:
        last = bytes(list(capture.iter_chunks())[-1].data)
        end = 100 if where == "in a chunk" else len(last) + 100
        path = damaged(lambda whole: whole[: whole.index(last) + end])
    printed, report, verify = (run_tracectl(command, path) for command in ("print", *READERS[::2]))
    assert printed.returncode == report.returncode == 0
    assert "execve(" in printed.stdout
    assert "execve" in report.stdout
    assert report.stdout.startswith("! ")
    assert "end" in printed.stderr
    assert verify.returncode == 1
    assert "is not whole" in verify.stdout


def test_a_removed_chunk_is_missed(damaged):
    def without_second_chunk(whole: bytes) -> bytes:
        chunk = chunks[1].data
        start = whole.index(bytes(chunk))
        return whole[: start - 32] + whole[start + len(chunk) :]

    path = damaged(lambda whole: whole)
    with open_capture(path) as capture:
        chunks = list(capture.iter_chunks())
        verify = run_tracectl("verify", damaged(without_second_chunk))
    assert verify.returncode == 1
    assert "missing" in verify.stdout
    assert json.loads(run_tracectl("verify", "--json", path).stdout)["whole"] is False
