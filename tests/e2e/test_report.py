"""Reports of a machine that loses events, and of one that is being recorded."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.guest
CALLS = 200_000


def getppid_in(report: dict) -> int:
    return sum(row["calls"] for row in report["syscalls"] if row["name"] == "getppid")


def test_counts_are_true_whatever_was_lost_and_while_it_goes_on(guest, workload, tmp_path):
    program = workload("getppid_threads")
    code = guest(
        f"tracectl record --subbuf-size 16K --subbuf-count 2 -o /job/lossy.trace -- "
        f"{program} {CALLS} 4 && "
        "tracectl start -o /job/all.trace && "
        "{ tracectl print --follow -e getppid >/job/followed & } && "
        f"{program} 1000 1 && "
        "wait_until sh -c 'test $(grep -c getppid /job/followed) -ge 1000' && "
        "tracectl report --json >/job/live.json && "
        "tracectl stop && wait $! && "
        "tracectl start --flight 64M && "
        f"{program} 1000 1 && tracectl report -e getppid --json >/job/flight.json && "
        "tracectl stop; tracectl report >/job/idle 2>&1; test $? = 1"
    )
    assert code == 0, (tmp_path / "out").read_text()
    report = subprocess.run(
        [sys.executable, "-m", "tracectl", "report", "--json", tmp_path / "lossy.trace"],
        capture_output=True, check=True,
    )  # fmt: skip
    lossy = json.loads(report.stdout)
    assert getppid_in(lossy) == CALLS
    assert lossy["lost_calls"]["getppid"] >= 0.4 * CALLS
    for name in ("live", "flight"):
        assert getppid_in(json.loads((tmp_path / f"{name}.json").read_text())) == 1000
    assert (tmp_path / "followed").read_text().count("getppid()") == 1000
    assert "nothing is being recorded" in (tmp_path / "idle").read_text()
