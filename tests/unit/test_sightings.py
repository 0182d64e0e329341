"""What makes a flight recorder write a snapshot."""

from __future__ import annotations

import argparse
from errno import EACCES, ENOENT
from signal import SIGKILL, SIGSEGV

import pytest

from subbuffers import SHAPES, SubBuffer
from tracectl.analysis.pairing import Pairing
from tracectl.analysis.triggers import Failed, Faster, Killed, Slower, first_sighting
from tracectl.cli.main import build_parser
from tracectl.cli.plan import flight_subbuf, plan_from
from tracectl.cli.triggers import trigger_of
from tracectl.errors import CaptureError, UsageError
from tracectl.kernel.times import parse_ns
from tracectl.tables.table import load_table

READ, OPENAT, GETPPID = 0, 257, 110


def _see(trigger, *subbuffers):
    """What is seen, sub-buffer by sub-buffer."""
    pairing = Pairing(SHAPES)
    name_of = lambda abi, nr: load_table("x86_64").name(nr)  # noqa: E731
    seen = []
    for subbuffer in subbuffers:
        records = subbuffer.decode()
        whole = pairing.add(records)
        for calls, new in ((whole, [records]), (pairing.advance(records.last_ns + 1), [])):
            found = first_sighting([trigger], calls, new, name_of)
            if found is not None:
                seen.append((found.time_ns, found.text))
    return seen


def test_slower():
    quick = SubBuffer().entry(1000, 7, READ).exit(1999, 7, READ).entry(2000, 7, OPENAT)
    later = SubBuffer(seq=1).far_exit(5_000_000, 7, OPENAT).entry(5_000_001, 7, GETPPID)
    assert _see(Slower(1000), quick, later) == [(5_000_000, "openat of process 7 took 4.998 ms")]
    assert _see(Slower(999), quick)[0][0] == 1999
    assert _see(Slower(1000, frozenset({READ})), quick, later) == []


def test_failed():
    subbuffer = (
        SubBuffer()
        .entry(1000, 7, OPENAT)
        .name(1010, 7, b"/etc/shadow")
        .exit(1020, 7, OPENAT, -EACCES)
        .entry(1030, 7, OPENAT)
        .name(1040, 7, b"/etc/absent")
        .exit(1050, 7, OPENAT, -ENOENT)
    )
    assert _see(Failed(EACCES, b"/etc/"), subbuffer) == [
        (1020, "openat of process 7 failed on /etc/shadow")
    ]
    assert _see(Failed(ENOENT, b"/etc/sh"), subbuffer) == []


def test_killed():
    subbuffer = (
        SubBuffer(tgids={8: 7})
        .task_exit(1000, 6, 3 << 8)
        .task_exit(1010, 8, SIGSEGV | 0x80)
        .task_exit(1020, 7, SIGSEGV | 0x80)
    )
    assert _see(Killed(), subbuffer) == [(1020, "process 7 was ended by SIGSEGV")]
    assert _see(Killed(SIGSEGV), subbuffer) == _see(Killed(), subbuffer)
    assert _see(Killed(SIGKILL), subbuffer) == []


def _flood(seq: int, start_ns: int, count: int) -> SubBuffer:
    subbuffer = SubBuffer(seq=seq, size_bytes=1 << 16)
    for index in range(count):
        at_ns = start_ns + index * 1_000_000
        subbuffer.entry(at_ns, 7, GETPPID).exit(at_ns + 10, 7, GETPPID, 1)
    return subbuffer


def test_faster():
    assert _see(Faster(500), _flood(0, 0, 500), _flood(1, 1_050_000_000, 500)) == []
    found = _see(Faster(500), _flood(0, 0, 300), _flood(1, 400_000_000, 300))
    assert found[0][1].endswith(" calls in a second")
    assert len(found) == 1
    assert _see(Faster(500, frozenset({READ})), _flood(0, 0, 900)) == []


@pytest.mark.parametrize(
    ("word", "trigger"),
    [
        ("slower=100ms", Slower(100_000_000)),
        ("slower=read:1.5s", Slower(1_500_000_000, frozenset({0, 512 + 3, 1024}))),
        ("errno=EACCES:/etc/", Failed(EACCES, b"/etc/")),
        ("errno=ENOENT:", Failed(ENOENT, b"")),
        ("signal", Killed()),
        ("signal=SEGV", Killed(SIGSEGV)),
        ("signal=SIGKILL", Killed(SIGKILL)),
        ("rate=1000", Faster(1000)),
    ],
)
def test_words(word, trigger):
    assert trigger_of(word) == trigger


@pytest.mark.parametrize(
    "word",
    ["slower", "slower=", "slower=5", "slower=nosuch:5ms", "errno=EACCES", "errno=EWHAT:/",
     "rate=x", "signal=SIGWHAT", "when=ever", ""],
)  # fmt: skip
def test_words_that_are_none(word):
    with pytest.raises(UsageError):
        trigger_of(word)


def _plan(*argv):
    args = build_parser(["start"]).parse_args(["start", *argv])
    return plan_from(args, "x")


def test_options(tmp_path):
    plan = _plan(
        "--flight", "64M", "--trigger", "usr1", "--trigger", "slower=1s", "--before", "5s",
        "--after", "500ms", "--every", "2m", "--snapshots", str(tmp_path),
    )  # fmt: skip
    found = plan.triggers
    assert found.is_on_request
    assert (found.before_ns, found.after_ns, found.every_ns) == (5 * 10**9, 5 * 10**8, 120 * 10**9)
    assert found.triggers() == [Slower(10**9)]
    assert found.directory == tmp_path
    assert _plan("--flight", "64M").triggers is None
    with pytest.raises(UsageError, match="goes with --flight"):
        _plan("--trigger", "usr1")
    with pytest.raises(UsageError, match="go with --trigger"):
        _plan("--flight", "64M", "--before", "5s")
    with pytest.raises(CaptureError, match="no directory"):
        _plan("--flight", "64M", "--trigger", "usr1", "--snapshots", str(tmp_path / "absent"))


def test_times():
    assert [parse_ns(text) for text in ("5ns", "5us", "1.5ms", "2s", "1m")] == [
        5, 5000, 1_500_000, 2 * 10**9, 60 * 10**9
    ]  # fmt: skip
    for text in ("", "5", "ms", "-5s", "5 s"):
        with pytest.raises(argparse.ArgumentTypeError):
            parse_ns(text)


def test_a_watched_recorder_has_many_sub_buffers():
    assert flight_subbuf(128 << 20) == 1 << 20
    assert flight_subbuf(128 << 20, True) == 128 << 10
    assert flight_subbuf(1 << 20, True) == 16 << 10
