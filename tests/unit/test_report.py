"""Reports equal what a slow reader finds, on one core and on several."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import re
import signal
from collections import defaultdict
from contextlib import redirect_stdout
from html import unescape
from operator import itemgetter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import reference
from captures import write_capture
from subbuffers import Machine, Step, SubBuffer
from tracectl.abi.control import ConfigFlag
from tracectl.abi.records import EXIT_KINDS, Kind
from tracectl.abi.totals import SyscallTotals
from tracectl.analysis.heat import ROWS, Heat, durations_ns
from tracectl.analysis.report import report_on
from tracectl.analysis.selection import Selection
from tracectl.analysis.settled import iter_settled
from tracectl.capture.metadata import Task
from tracectl.capture.reader import open_capture
from tracectl.cli.main import main
from tracectl.cli.reading import tables_of
from tracectl.errors import CaptureError, TracectlError
from tracectl.live.capture import span_of

READ, GETPID, OPENAT, FUTEX, CONNECT = 0, 39, 257, 202, 42
THREADS, CPUS = 3, 2
STEP = st.builds(
    Step,
    thread=st.integers(0, THREADS - 1),
    cpu=st.integers(0, CPUS - 1),
    gap_ns=st.integers(1, 10**6),
    nr=st.sampled_from([READ, GETPID, OPENAT, FUTEX]),
    opens=st.booleans(),
    is_wide=st.booleans(),
    is_last=st.booleans(),
)


def brute_force(path):
    """(number, entry_ns, exit_ns, result, tid, names) of each call, by construct and dictionaries
    alone; exit_ns is None where it did not end."""
    events = []
    with open_capture(path) as capture:
        for chunk in capture.iter_chunks():
            records = reference.decode(chunk.data)
            events += [(row["time"], row) for row in records]
    calls, open_ = [], {}
    for time_ns, row in sorted(events, key=lambda event: event[0]):
        tid = row["tid"]
        if row["kind"] == Kind.ENTRY:
            if tid in open_:
                calls.append(open_.pop(tid))
            open_[tid] = [row["id"], time_ns, None, 0, tid, []]
        elif row["kind"] == Kind.NAME and tid in open_:
            open_[tid][5].append(row["text"])
        elif row["kind"] in EXIT_KINDS and tid in open_:
            call = open_.pop(tid)
            is_short = row["kind"] == Kind.EXIT_SHORT
            result = row["id"] - (row["id"] >> 15 << 16) if is_short else row["fields"].result
            call[2:4] = time_ns, result
            calls.append(call)
    return calls + list(open_.values())


def check(found, calls):
    """``calls`` by key."""
    assert found.keys() == calls.keys()
    for key, mine in calls.items():
        row = found[key]
        spent = sorted(call[2] - call[1] for call in mine if call[2] is not None)
        failed = [call for call in mine if call[2] is not None and -4095 <= call[3] < 0]
        assert (row.calls, row.errors) == (len(mine), len(failed))
        assert (row.total_ns, row.max_ns) == (sum(spent), max(spent, default=0))
        for quantile, value in ((50, row.p50_ns), (95, row.p95_ns), (99, row.p99_ns)):
            exact = spent[math.ceil(len(spent) * quantile / 100) - 1] if spent else 0
            assert abs(value - exact) <= exact / 100


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(STEP, min_size=1, max_size=60))
def test_a_report_is_what_a_slow_reader_finds(way, tmp_path, steps):
    path = write_capture(tmp_path / "a.trace", Machine(THREADS).run(steps).done)
    by_call, by_thread, by_file = defaultdict(list), defaultdict(list), defaultdict(list)
    for call in brute_force(path):
        by_call[0, call[0]].append(call)
        by_thread[call[4], call[4]].append(call)
        for name in call[5]:
            by_file[name].append(call)
    with open_capture(path) as capture:
        tables = tables_of(capture)
        for by, expected in (("syscall", by_call), ("thread", by_thread), ("file", by_file)):
            check(report_on(capture, [by], tables, Selection()).tables[by], expected)


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(STEP, min_size=1, max_size=60))
def test_a_query_is_what_a_slow_reader_finds(way, tmp_path, steps):
    path = write_capture(tmp_path / "a.trace", Machine(THREADS).run(steps).done)
    sql = (
        "SELECT nr, entry_ns, exit_ns, coalesce(result, 0), tid, paths FROM syscalls"
        " WHERE entry_ns IS NOT NULL"
    )
    with redirect_stdout(io.StringIO()) as out:
        assert main(["query", "--format", "json", str(path), sql]) == 0
    found = [list(row.values()) for row in json.loads(out.getvalue())]
    expected = [[*call[:5], [name.decode() for name in call[5]]] for call in brute_force(path)]
    assert sorted(found, key=itemgetter(1, 4)) == sorted(expected, key=itemgetter(1, 4))


def test_several_cores_find_the_same(way, tmp_path):
    path = write_capture(tmp_path / "a.trace", iter_busy(40))
    with open_capture(path) as capture:
        tables = tables_of(capture)
        for by in ("syscall", "process", "file", "fd", "cpu", "errno"):
            alone = report_on(capture, [by], tables, Selection(), cores=1)
            assert report_on(capture, [by], tables, Selection(), cores=2) == alone
            assert sum(row.calls for row in alone.tables[by].values())


def test_a_worker_that_is_killed_is_told(tmp_path):
    path = write_capture(tmp_path / "a.trace", iter_busy(10))

    def die(records):
        os.kill(os.getpid(), signal.SIGKILL)

    with open_capture(path) as capture, pytest.raises(TracectlError, match="was killed"):
        list(iter_settled(capture, die, cores=2))


def test_a_worker_says_that_the_disk_refuses(tmp_path):
    path = write_capture(tmp_path / "a.trace", iter_busy(10))

    def fail(records):
        raise CaptureError(path, "cannot be read: Input/output error")

    with (
        open_capture(path) as capture,
        pytest.raises(CaptureError, match=r"a\.trace: cannot be read"),
    ):
        list(iter_settled(capture, fail, cores=2))


def iter_busy(count):
    for seq in range(count):
        for cpu in range(CPUS):
            subbuffer, start = SubBuffer(cpu, seq), 1000 * (seq + 1) + cpu
            subbuffer.far_exit(start, 10 + cpu, FUTEX) if seq else subbuffer.task(start, 10 + cpu)
            subbuffer.entry(start + 10, 10 + cpu, OPENAT, [0, 0, 0, 0])
            subbuffer.name(start + 20, 10 + cpu, b"/%d" % (seq % 3))
            subbuffer.exit(start + 30 + seq, 10 + cpu, OPENAT, -2 if seq % 2 else 3)
            subbuffer.entry(start + 100, 10 + cpu, READ, [3, 0, 0])
            subbuffer.exit(start + 110, 10 + cpu, READ, 5)
            yield subbuffer.entry(start + 200, 10 + cpu, FUTEX)


def report(capsys, *arguments):
    assert main(["report", *map(str, arguments)]) == 0
    return capsys.readouterr().out


LOCAL = '{sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("127.0.0.1")}'


@pytest.fixture
def capture(tmp_path):
    """Two processes; 100 has the name sh."""
    subbuffer = SubBuffer(tgids={101: 100}).cgroup(1000, 100, 5, b"/a.slice")
    subbuffer.exec(1000, 100, 100, b"/bin/sh", cgroup=5)
    subbuffer.entry(2000, 100, READ, [3, 0, 9]).exit(2600, 100, READ, 9)
    subbuffer.entry(3000, 101, READ, [3, 0, 9]).exit(3100, 101, READ, -9)
    subbuffer.entry(4000, 200, OPENAT, [0, 1, 0, 0]).name(4010, 200, b"/etc/x")
    subbuffer.exit(4050, 200, OPENAT, -2)
    subbuffer.entry(5000, 200, CONNECT, [4, 1, 16])
    subbuffer.address(5001, 200, 0, bytes([2, 0, 0, 80, 127, 0, 0, 1, 9, 9, 9, 9, 9, 9, 9, 9]))
    subbuffer.exit(5500, 200, CONNECT, 0)
    tasks = [
        Task(100, 100, 1, "login", uid=0, cgroup="/a.slice"),
        Task(101, 100, 1, "login", uid=0, cgroup="/a.slice"),
        Task(200, 200, 1, "", uid=33),
    ]
    return write_capture(tmp_path / "a.trace", [subbuffer], tasks=tasks)


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ((), ["read", "connect", "openat"]),
        (("--sort", "name"), ["connect", "openat", "read"]),
        (("--sort", "calls", "--top", "1"), ["read"]),
        (("--by", "process"), ["sh[100]", "?[200]"]),
        (("--by", "thread"), ["sh[100]", "?[200]", "login[101]"]),
        (("--by", "container"), ["/a.slice", "?"]),
        (("--by", "user"), ["0", "33"]),
        (("--by", "file"), ["/etc/x"]),
        (("--by", "fd"), ["3 of sh[100]", "4 of ?[200]"]),
        (("--by", "errno"), ["EBADF", "ENOENT"]),
        (("--by", "cpu"), ["CPU 0"]),
        (("--by", "socket"), [LOCAL]),
        (("-e", "%file"), ["openat"]),
        (("-e", "!read"), ["connect", "openat"]),
        (("-p", "100"), ["read"]),
        (("--tid", "200", "--failed"), ["openat"]),
        (("--comm", "sh"), ["read"]),
        (("--from", "0.0000025"), ["connect", "openat"]),
        (("--from", "0.0000035", "--to", "0.0000045"), ["connect"]),
        (("--to", "2025-11-25T00:00:00.000003+00:00"), ["read"]),
    ],
)  # fmt: skip
def test_rows(capture, capsys, options, names):
    rows = list(csv.reader(report(capsys, *options, "--csv", capture).splitlines()))
    assert [row[0] for row in rows[1:]] == names
    text = report(capsys, *options, capture)
    assert all(name in text for name in names)


def test_lost_calls_are_counted(tmp_path, capsys):
    busy = SubBuffer().entry(10, 1, READ).exit(40, 1, READ, 1)
    path = write_capture(tmp_path / "a.trace", [busy], lost_calls={READ: 3, GETPID: 2})
    found = json.loads(report(capsys, "--json", path))
    assert {row["name"]: row["calls"] for row in found["syscalls"]} == {"read": 4, "getpid": 2}
    assert found["lost_calls"] == {"read": 3, "getpid": 2}
    text = report(capsys, path)
    assert text.splitlines()[0] == "2 events recorded, 5 lost"
    assert "read 3 of 4" in text
    assert "totals are exact" in text
    # What was lost is of nobody's.
    found = json.loads(report(capsys, "--json", "--by", "process", path))
    assert [row["calls"] for row in found["processes"]] == [1]


@pytest.mark.parametrize(
    "options",
    [("--by", "process"), ("-e", "read", "-p", "1"), ("--failed",), ("--from", "0"), ("--to", "1")],
)
def test_rows_without_the_lost_calls_are_not_told_to_be_exact(tmp_path, capsys, options):
    busy = SubBuffer().entry(10, 1, READ).exit(40, 1, READ, -2)
    path = write_capture(tmp_path / "a.trace", [busy], lost_calls={READ: 3})
    text = report(capsys, *options, path)
    assert "exact" not in text
    assert "What was lost is missing" in text


def test_rows_of_a_snapshot_are_not_told_to_be_exact(tmp_path, capsys):
    busy = SubBuffer().entry(10, 1, READ).exit(40, 1, READ, 1)
    path = write_capture(
        tmp_path / "a.trace", [busy], lost_calls={READ: 3}, flags=ConfigFlag.OVERWRITE
    )
    assert "What was lost is missing" in report(capsys, path)


def test_a_call_whose_exit_was_lost_has_its_error_and_time(tmp_path, capsys):
    waits = SubBuffer().entry(10, 1, READ).exit(40, 1, READ, 1).entry(50, 1, READ)
    path = write_capture(
        tmp_path / "a.trace",
        [waits],
        lost_kinds={Kind.EXIT: 1},
        counted={READ: SyscallTotals(2, 2, 0, 1, total_ns=930, errors=[1])},
    )
    (row,) = json.loads(report(capsys, "--json", path))["syscalls"]
    assert (row["calls"], row["errors"], row["total_ns"]) == (2, 1, 930)
    assert "totals are exact" in report(capsys, path)


@pytest.fixture
def unended(tmp_path):
    """One whose recorder was killed after a loss on each of two CPUs."""
    chunks = [
        SubBuffer(cpu, seq, lost=lost) for cpu, seq, lost in ((0, 0, 0), (0, 1, 4), (1, 0, 3))
    ]
    for at, chunk in enumerate(chunks):
        chunk.entry(100 * at + 10, 1, READ).exit(100 * at + 20, 1, READ, 1)
    return write_capture(tmp_path / "a.trace", chunks, is_ended=False)


def test_losses_are_told_without_an_end(unended, tmp_path, capsys):
    lines = report(capsys, unended).splitlines()
    assert lines[0].startswith("! the end is missing")
    assert lines[1:3] == ["! at least 7 events were lost", "What was lost is missing."]
    page = tmp_path / "page.html"
    report(capsys, "--html", page, unended)
    assert "at least 7 events were lost" in page.read_text()
    assert main(["verify", str(unended)]) == 1
    assert "at least 7 events were lost" in capsys.readouterr().out
    for command in (
        ["print", unended],
        ["export", "--to", "jsonl", "-o", "-", unended],
        ["query", unended, "SELECT count(*) FROM syscalls"],
        ["diff", unended, unended],
    ):
        assert main(list(map(str, command))) == 0
        assert "at least 7 events were lost" in capsys.readouterr().err, command


@pytest.mark.parametrize(
    ("options", "meaning"),
    [((), "totals are exact"), (("--by", "cpu"), "What was lost is missing")],
)
def test_csv_is_not_silent_about_losses(tmp_path, capsys, options, meaning):
    rest = SubBuffer(seq=1).entry(10, 1, READ).exit(40, 1, READ, 1)
    path = write_capture(tmp_path / "a.trace", [rest], lost_calls={READ: 3})
    assert main(["report", "--csv", *options, str(path)]) == 0
    told = capsys.readouterr()
    assert [line[: len("syscall")] for line in told.out.splitlines()] == (
        ["cpu,cal", "CPU 0,1"] if options else ["syscall", "read,4,"]
    )
    for words in ("is expected", "3 events were lost", "Lost calls: read 3 of 4.", meaning):
        assert words in told.err


@pytest.mark.parametrize("command", ["report", "verify"])
def test_what_only_an_end_tells_is_null(unended, capsys, command):
    main([command, "--json", str(unended)])
    told = json.loads(capsys.readouterr().out)
    assert [told[name] for name in ("generated", "lost", "filtered", "own")] == [None] * 4
    assert told["lost_at_least"] == 7
    assert told["exact" if command == "report" else "whole"] is False


def test_a_loss_is_told_of_the_last_sub_buffer_that_can_be_read(unended, capsys):
    data = bytearray(unended.read_bytes())
    with open_capture(unended) as capture:
        chunk = capture.read_chunk(1)
    data[chunk.offset] ^= 1
    unended.write_bytes(data)
    assert json.loads(report(capsys, "--json", unended))["lost_at_least"] == 3


def test_what_a_damaged_file_has_not_is_counted(tmp_path, capsys):
    rest = SubBuffer(seq=1).entry(10, 1, READ).exit(40, 1, READ, 1)
    counted = {READ: SyscallTotals(2, 2, 0, 0, total_ns=930, errors=[1])}
    path = write_capture(tmp_path / "a.trace", [rest], counted=counted)
    (row,) = json.loads(report(capsys, "--json", path))["syscalls"]
    assert (row["calls"], row["errors"], row["total_ns"]) == (2, 1, 930)


@pytest.mark.parametrize("options", [("--by", "syscall"), ("--sort", "total"), ("--top", "0")])
def test_options_of_rows_are_not_for_a_page(capture, capsys, tmp_path, options):
    page = tmp_path / "page.html"
    assert main(["report", "--html", str(page), *options, str(capture)]) == 2
    assert f"{options[0]} does not go with --html" in capsys.readouterr().err
    assert not page.exists()


@pytest.mark.parametrize("end", [(), ("--time",)])
@pytest.mark.parametrize(
    "options",
    [
        ("--html", "page.html"), ("--csv",), ("--by", "cpu"), ("--top", "3"), ("--sort", "calls"),
        ("--trace", "read"), ("--pid", "1"), ("--tid", "1"), ("--comm", "sh"), ("--failed",),
        ("--from", "1"), ("--to", "2"),
    ],
)  # fmt: skip
def test_an_option_without_effect_is_refused(capture, capsys, options, end):
    assert main(["report", *options, *end, *([str(capture)] if end else [])]) == 2
    told = "does not go with --time" if end else "needs a capture"
    assert f"{options[0]} {told}" in capsys.readouterr().err


def test_rows_are_as_many_as_are_wanted(capture, capsys):
    assert len(report(capsys, "--csv", "--top", "0", capture).splitlines()) == 1
    assert len(report(capsys, "--csv", "--top", "9", capture).splitlines()) == 4
    assert main(["report", "--top", "-1", str(capture)]) == 2
    assert "--top is a number from 0 on" in capsys.readouterr().err


@pytest.mark.parametrize(("by", "column"), [("user", "uid"), ("container", "cgroup")])
def test_calls_are_of_what_their_process_was_then(way, tmp_path, capsys, by, column):
    before, after = SubBuffer(), SubBuffer(cpu=1)
    for at_ns in range(100, 1000, 100):
        before.entry(at_ns, 7, GETPID).exit(at_ns + 5, 7, GETPID, -2)
    # Entered as root, and left as somebody else on another CPU.
    before.entry(1000, 7, READ).entry(1005, 9, READ).exit(1010, 9, READ)
    after.setuid(1500, 7, 1000).cgroup(1500, 7, 5, b"/b").attach(1500, 7, 7, 5)
    after.far_exit(1600, 7, READ, 1).entry(1700, 7, GETPID).exit(1710, 7, GETPID)
    tasks = [Task(7, 7, 1, "su", uid=0, cgroup="/a")]
    path = write_capture(tmp_path / "a.trace", [before, after], tasks=tasks)
    rows = json.loads(report(capsys, "--by", by, "--json", path))[f"{by}s"]
    found = {row["name"]: [row["calls"], row["errors"], row["total_ns"]] for row in rows}
    first, second = ("0", "1000") if by == "user" else ("/a", "/b")
    assert found == {first: [10, 9, 645], second: [1, 0, 10], "?": [1, 0, 5]}
    sql = (
        f"SELECT coalesce({column}::VARCHAR, '?') AS of, count(*) AS calls, count(errno) AS errors,"
        " sum(duration_ns)::BIGINT AS ns FROM syscalls GROUP BY 1"
    )
    assert main(["query", "--format", "json", str(path), sql]) == 0
    asked = json.loads(capsys.readouterr().out)
    assert {row["of"]: [row["calls"], row["errors"], row["ns"]] for row in asked} == found


def test_an_unknown_time_is_told(capture, capsys):
    assert main(["report", "--from", "noon", str(capture)]) == 2
    assert "'noon' is no time" in capsys.readouterr().err


def test_a_page_has_all_it_needs(capture, capsys, tmp_path):
    path = tmp_path / "page.html"
    assert report(capsys, "--html", path, capture) == ""
    page = path.read_text()
    assert "://cdn" not in page.split("<body>")[1]
    assert all(f"<h2>{title}</h2>" in page for title in ("Calls over time", "Processes", "Errors"))
    assert "<td>sh[100]</td><td>2</td>" in page
    assert "<td>/etc/x</td><td>1</td><td>1</td>" in page
    with open_capture(capture) as opened:
        tables, heat = tables_of(opened), Heat(*span_of(opened))
        counts = report_on(opened, ["process"], tables, Selection(), heat=heat).heat
    assert counts[:, : ROWS + 1].sum() == 4
    assert counts[:, ROWS + 1].sum() == 2
    # 600 and 500 ns, 100, 50: each within a fifth of what stands for its row.
    shown = durations_ns()[np.flatnonzero(counts[:, :ROWS].sum(axis=0))]
    assert [min(abs(shown - spent)) < spent / 5 for spent in (50, 100, 500, 600)] == [True] * 4
    assert main(["report", "--html", str(tmp_path), str(capture)]) == 1
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize("command", [("report", "--html"), ("export", "--to", "perfetto", "-o")])
def test_nothing_is_written_over_the_capture(capture, capsys, tmp_path, command):
    data, link = capture.read_bytes(), tmp_path / "link"
    link.symlink_to(capture)
    assert main([*command, str(link), str(capture)]) == 2
    assert "link is the capture itself" in capsys.readouterr().err
    assert capture.read_bytes() == data


def test_processes_of_a_page_stand_below_those_they_come_of(capsys, tmp_path):
    subbuffer = SubBuffer()
    for at_ns, pid in enumerate((7, 8, 9, 10), 1):
        subbuffer.entry(1000 * at_ns, pid, READ).exit(1000 * at_ns + 10, pid, READ)
    tasks = [
        Task(1, 1, 0, "init"), Task(9, 9, 1, "late"), Task(7, 7, 1, "sh"), Task(8, 8, 9, "child"),
        Task(10, 10, 7, "<b>"),
    ]  # fmt: skip
    capture = write_capture(tmp_path / "a.trace", [subbuffer], tasks=tasks)
    path = tmp_path / "page.html"
    report(capsys, "--html", path, capture)
    found = re.findall(r'"text":"([^"]+\[\d+\])".*?"xshift":(-\d+)', path.read_text())
    names = [unescape(name.encode().decode("unicode_escape")) for name, _ in found]
    assert names == ["init[1]", "sh[7]", "<b>[10]", "late[9]", "child[8]"]
    shifts = [int(shift) - int(found[0][1]) for _, shift in found]
    assert shifts == [0, 12, 24, 12, 24]
