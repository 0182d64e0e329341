"""report --time on captures made by hand."""

from __future__ import annotations

import json

import pytest

from captures import write_capture
from subbuffers import SubBuffer
from tracectl.abi.control import EventClass
from tracectl.capture.metadata import Task
from tracectl.cli.main import main

CLASSES = int(EventClass.SYSCALL | EventClass.TASK | EventClass.SCHED)


@pytest.fixture
def subbuffer():
    return (
        SubBuffer()
        .entry(1_000, 7, 0)
        .switch(2_000, 7, 0, 1)
        .switch(5_000, 0, 7)
        .far_exit(6_000, 7, 0)
        .entry(9_000, 7, 39)
        .exit(9_100, 7, 39)
    )


def test_times_of_processes_and_calls(tmp_path, subbuffer, capsys):
    tasks = [Task(7, 7, 1, "worker\x1b")]
    path = write_capture(
        tmp_path / "a.trace", [subbuffer], tasks=tasks, classes=CLASSES, filtered={3: 10}
    )
    assert main(["report", "--time", "--json", str(path)]) == 0
    report = json.loads(capsys.readouterr().out)
    (process,) = report["processes"]
    assert process == {
        "pid": 7, "process": "worker\x1b", "calls": 2, "user_ns": 3_000, "kernel_ns": 2_100,
        "blocked_ns": 3_000, "waiting_ns": 0,
    }  # fmt: skip
    calls = [(row["syscall"], row["kernel_ns"], row["blocked_ns"]) for row in report["syscalls"]]
    assert calls == [("read", 2_000, 3_000), ("getpid", 100, 0)]
    assert report["filtered_calls"] == 10
    assert main(["report", "--time", str(path)]) == 0
    said = capsys.readouterr().out
    assert "10 calls were filtered out: their time counts as user mode" in said
    assert "'tracectl calibrate'" in said
    assert "\x1b" not in said


def test_a_loss_is_told_without_an_end(tmp_path, capsys):
    chunk = SubBuffer(lost=3).entry(1_000, 7, 0)
    path = write_capture(tmp_path / "a.trace", [chunk], classes=CLASSES, is_ended=False)
    assert main(["report", "--time", "--json", str(path)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["lost"], told["lost_at_least"], told["filtered_calls"]) == (None, 3, None)
    assert main(["report", "--time", str(path)]) == 0
    assert "at least 3 events were lost" in capsys.readouterr().out


def test_without_switches_there_is_no_answer(tmp_path, subbuffer, capsys):
    path = write_capture(tmp_path / "a.trace", [subbuffer])
    assert main(["report", "--time", str(path)]) == 1
    assert "recorded without --sched" in capsys.readouterr().err
