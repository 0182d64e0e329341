"""What is behind each file descriptor, as /proc showed it to the program itself."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.guest
# Not made by fd_install(): they are what another one is.
DUPLICATES = {"30", "31"}


def _tracectl(*arguments) -> str:
    command = [sys.executable, "-m", "tracectl", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_files_are_what_proc_shows(guest, workload, tmp_path):
    program = workload("descriptors")
    code = guest(
        f"mkdir /tmp/d && tracectl record --files -o /job/a.trace -- {program} /tmp/d >/job/truth"
    )
    assert code == 0, (tmp_path / "out").read_text()
    _tracectl("verify", tmp_path / "a.trace")
    query = "SELECT args[1] AS fd, text FROM events WHERE kind = 'file' ORDER BY time_ns"
    rows = json.loads(_tracectl("query", "--format", "json", tmp_path / "a.trace", query))
    files = {str(row["fd"]): row["text"] for row in rows}
    truth = dict(line.split(" ", 1) for line in (tmp_path / "truth").read_text().splitlines())
    assert len(truth) == 19
    assert {fd: files.get(fd) for fd in truth.keys() - DUPLICATES} == {
        fd: path for fd, path in truth.items() if fd not in DUPLICATES
    }
