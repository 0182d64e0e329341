"""Where time went, against getrusage and the clock, in a guest."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.guest

SCRIPT = """
set -e
tracectl calibrate --calls 2000 --json >/job/calibration
tracectl record --sched -o /job/a.trace -- {program} >/job/said
tracectl record --all --sched -o /job/all.trace -- {program} >/job/said.all
"""


def _report(path) -> dict:
    command = [sys.executable, "-m", "tracectl", "report", "--time", "--json", str(path)]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)


def test_three_seconds(guest, workload, tmp_path):
    # A vCPU on which a ns is an instruction: a busy machine would be in the measurement.
    script = SCRIPT.replace("{program}", workload("three_seconds"))
    assert guest(script, icount=True, smp=1) == 0, (tmp_path / "out").read_text()
    for name, said in (("a", "said"), ("all", "said.all")):
        subprocess.run(
            [sys.executable, "-m", "tracectl", "verify", tmp_path / f"{name}.trace"], check=True
        )
        report = _report(tmp_path / f"{name}.trace")
        (found,) = [row for row in report["processes"] if row["process"] == "three_seconds"]
        rows = [line.split() for line in (tmp_path / said).read_text().splitlines()]
        user_ns = sum(int(user) for _, user, _, _ in rows)
        system_ns = sum(int(system) for _, _, system, _ in rows)
        (asleep_ns,) = [int(wall) for name, *_, wall in rows if name == "asleep"]
        calls = {row["syscall"]: row for row in report["syscalls"] if row["pid"] == found["pid"]}
        # Neither is between two of getrusage.
        around_ns = calls["execve"]["kernel_ns"] + calls["exit_group"]["kernel_ns"]
        assert found["user_ns"] == pytest.approx(user_ns, rel=0.02)
        assert found["kernel_ns"] - around_ns == pytest.approx(system_ns, rel=0.02)
        assert calls["read"]["kernel_ns"] == pytest.approx(system_ns, rel=0.02)
        # By call: a disk was waited for, too.
        pause = calls.get("pause") or calls["ppoll"]
        assert pause["blocked_ns"] == pytest.approx(asleep_ns, rel=0.02)
        assert report["calibration"]["inside_ns"] > 0
    # Of a filtered capture no more than the process' own time is told.
    assert len(_report(tmp_path / "a.trace")["processes"]) == 1
    calibration = json.loads((tmp_path / "calibration").read_text())
    assert calibration["off_ns"] < calibration["armed_ns"] < calibration["traced_ns"]
