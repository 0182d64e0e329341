"""Calls as lines: many at once as one by one, as strace spells times, as a recording goes on."""

from __future__ import annotations

import json
import re
import threading
import time
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from captures import write_capture
from subbuffers import Machine, SubBuffer
from test_report import STEP, THREADS
from tracectl.analysis.calls import join_calls
from tracectl.analysis.merge import Done, iter_done, iter_ordered, read_calls
from tracectl.capture.format import BLOCK_HEADER
from tracectl.capture.reader import open_capture
from tracectl.cli.main import main

READ, GETPID, OPENAT, FUTEX = 0, 39, 257, 202


def printed(capsys, *arguments):
    assert main(["print", *map(str, arguments)]) == 0
    return capsys.readouterr().out.splitlines()


@pytest.fixture
def capture(tmp_path):
    """At midnight; 200 waits from before the first call to after the last."""
    subbuffer = SubBuffer().entry(1000, 200, FUTEX, [0x1000]).entry(2_000_000, 100, READ, [3, 0, 9])
    subbuffer.exit(2_500_000, 100, READ, 9).entry(3_000_000_000, 100, OPENAT, [0, 1, 0, 0])
    subbuffer.name(3_000_000_001, 100, b"/x").exit(3_000_001_000, 100, OPENAT, -2)
    subbuffer.far_exit(4_000_000_000, 200, FUTEX).entry(5_000_000_000, 100, 231)
    return write_capture(tmp_path / "a.trace", [subbuffer])


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(STEP, min_size=1, max_size=60))
def test_columns_are_printed_as_rows_are(tmp_path, capsys, steps):
    path = write_capture(tmp_path / "a.trace", Machine(THREADS).run(steps).done)
    by_columns = printed(capsys, path)
    calls = [json.loads(line) for line in printed(capsys, "--json", path)]
    assert len(calls) == len(by_columns)
    for line, call in zip(by_columns, calls, strict=True):
        assert call["name"] in line
        assert call["arguments"] is None or f"{call['name']}({call['arguments']})" in line
    # -y goes row by row, and nothing is known of these descriptors.
    assert [re.sub(r"<[^<>]*>", "", line) for line in printed(capsys, "-y", path)] == [
        re.sub(r"<[^<>]*>", "", line) for line in by_columns
    ]


def test_lines(capture, capsys):
    assert printed(capsys, capture) == [
        "[pid   200] futex(0x1000, FUTEX_WAIT, 0, NULL)      = 0",
        "[pid   100] read(3, NULL, 9)                        = 9",
        '[pid   100] openat(0, "/x", O_RDONLY)               = -1 ENOENT (No such file or '
        "directory)",
        "[pid   100] exit_group(0)                           = ?",
    ]  # fmt: skip
    assert printed(capsys, "--tid", 100, "-e", "read", capture) == [
        "read(3, NULL, 9)                        = 9"
    ]


@pytest.mark.parametrize(
    ("option", "times"),
    [
        ("-t", ["00:00:00", "00:00:00", "00:00:03", "00:00:05"]),
        ("-tt", ["00:00:00.000001", "00:00:00.002000", "00:00:03.000000", "00:00:05.000000"]),
        ("-ttt", ["1764028800.000001", "1764028800.002000", "1764028803.000000",
                  "1764028805.000000"]),
        ("-r", ["     0.000000", "     0.001999", "     2.998000", "     2.000000"]),
    ],
)  # fmt: skip
def test_times(capture, capsys, monkeypatch, option, times):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    lines = printed(capsys, option, capture)
    assert [line[12 : 12 + len(begin)] for line, begin in zip(lines, times, strict=True)] == times
    assert printed(capsys, "-T", capture)[1].endswith("= 9 <0.000500>")


def test_what_an_open_call_holds_up_is_bounded(tmp_path):
    subbuffer = SubBuffer(size_bytes=1 << 20).entry(1, 7, FUTEX)
    for index in range(500):
        subbuffer.entry(10 + 10 * index, 8, GETPID).exit(15 + 10 * index, 8, GETPID)
    path = write_capture(tmp_path / "a.trace", [subbuffer.far_exit(9000, 7, FUTEX)])
    with open_capture(path) as capture:
        whole = read_calls(capture)
        assert len(whole) == 501
        blocks = [calls.between(at, at + 50) for at in range(0, 501, 50) for calls in [whole]]
        # As if the first one ended last.
        done = [Done(block, 0, 1 << 62) for block in (*blocks[1:], blocks[0])]
        last = Done(whole.between(0, 0), 1 << 62, 1 << 62)
        given = list(iter_ordered([*done, last], most_held=120))
        assert sum(map(len, given)) == 501
        assert len(given) > 2
        held = list(iter_ordered([*done, last], None))
        assert held[0].entry_ns.tolist() == whole.entry_ns.tolist()
        assert join_calls(list(iter_ordered(iter_done(capture)))).tid[0] == 7


def test_a_growing_capture_is_followed(tmp_path, capsys, capture):
    growing = tmp_path / "growing.trace"
    with open_capture(capture) as whole:
        (chunk,) = whole.iter_chunks()
    data = capture.read_bytes()
    # The rest comes in two pieces, the first of which ends inside the sub-buffer.
    places = [0, chunk.offset - BLOCK_HEADER.size, chunk.offset + 50, len(data)]
    begin, *rest = [data[start:end] for start, end in pairwise(places)]
    growing.write_bytes(begin)

    def append() -> None:
        for piece in rest:
            time.sleep(0.3)
            with growing.open("ab") as file:
                file.write(piece)

    later = threading.Thread(target=append)
    later.start()
    assert printed(capsys, "--follow", "-e", "read", growing) == [
        "read(3, NULL, 9)                        = 9"
    ]
    later.join()


def test_follow_knows_no_past(capture, capsys):
    assert main(["print", "--follow", "--from", "1", str(capture)]) == 2
    assert "--follow knows neither" in capsys.readouterr().err


def test_a_capture_is_named_or_followed(capsys):
    assert main(["print"]) == 2
    assert "name a capture" in capsys.readouterr().err
