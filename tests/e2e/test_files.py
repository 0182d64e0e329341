"""What is behind each file descriptor, as /proc showed it to the program itself."""

from __future__ import annotations

import json

import pytest

from tool import tracectl

pytestmark = pytest.mark.guest
# Not made by fd_install(): they are what another one is.
DUPLICATES = {"30", "31"}
# By other ways than a result.
ANSWERED = {"8", "9", "10", "11", "12"}


def test_files_are_what_proc_shows(guest, workload, files_option, tmp_path):
    if not files_option:
        assert guest("tracectl record --files -o /job/a.trace -- true") == 3
        said = (tmp_path / "out").read_text()
        assert "real-time" in said
        assert "--no-files traces without it" in said
        return
    program = workload("descriptors")
    code = guest(
        "mkdir /tmp/d /tmp/e && "
        f"tracectl record --files -o /job/a.trace -- {program} /tmp/d >/job/truth && "
        f"tracectl record -o /job/b.trace -- {program} /tmp/e >/dev/null"
    )
    assert code == 0, (tmp_path / "out").read_text()
    tracectl("verify", tmp_path / "a.trace")
    query = "SELECT args[1] AS fd, text FROM events WHERE kind = 'file' ORDER BY time_ns"
    rows = json.loads(tracectl("query", "--format", "json", tmp_path / "a.trace", query))
    files = {str(row["fd"]): row["text"] for row in rows}
    truth = dict(line.split(" ", 1) for line in (tmp_path / "truth").read_text().splitlines())
    assert len(truth) == 19
    installed = {fd: path for fd, path in truth.items() if fd not in DUPLICATES}
    assert {fd: files.get(fd) for fd in installed} == installed

    printed = tracectl("print", "-y", "--json", tmp_path / "a.trace")
    calls = [json.loads(line) for line in printed.splitlines()]
    shown = {str(call["result"]): call["file"] for call in calls if call["file"]}
    returned = {fd: path for fd, path in truth.items() if fd not in ANSWERED}
    assert {fd: shown.get(fd) for fd in returned} == returned
    ends = ", ".join(f"{fd}<{truth[fd]}>" for fd in ("8", "9"))
    assert [call["arguments"] for call in calls if call["name"] == "pipe2"] == [f"[{ends}], 0"]
    last = [call["arguments"] for call in calls if call["name"] == "close"][-2:]
    assert last == ["30</tmp/d/file>", "3</tmp/d/file>"]

    # Without the kernel's word, names tell: links are not followed, sockets have no number.
    printed = tracectl("print", "-y", "--json", tmp_path / "b.trace")
    calls = [json.loads(line) for line in printed.splitlines()]
    shown = {str(call["result"]): call["file"] for call in calls if call["file"]}
    assert shown["3"] == shown["20"] == shown["30"] == "/tmp/e/file"
    assert (shown["4"], shown["6"], shown["13"]) == ("/tmp/e/link", "/tmp/e/link", "socket")
    assert "8" not in shown


def test_relative_paths_begin_where_their_process_was(guest, files_option, tmp_path):
    script = "mkdir sub; cat hostname; cd sub; touch one; true"
    code = guest(
        "mkdir /tmp/w && echo a >/tmp/w/hostname && cd /tmp/w && "
        f"tracectl record {files_option} -o /job/a.trace -- sh -c '{script}'"
    )
    assert code == 0, (tmp_path / "out").read_text()
    report = json.loads(tracectl("report", "--by", "file", "--json", tmp_path / "a.trace"))
    names = {row["name"] for row in report["files"]}
    assert names >= {"/tmp/w/sub", "/tmp/w/hostname", "/tmp/w/sub/one"}
    assert not names & {"sub", "hostname", "one"}
