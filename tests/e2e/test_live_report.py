"""A machine that loses events, and one that is watched while it is recorded."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter

import pytest

pytestmark = pytest.mark.guest
CALLS = 200_000


def test_counts_are_true_whatever_was_lost(guest, workload, tmp_path):
    program = workload("getppid_threads")
    follow = (
        "{ tracectl print --follow -e getppid >/job/%s & } && "
        f"{program} 1000 1 && "
        "wait_until sh -c 'test $(grep -c getppid /job/%s) -ge 1000' && "
        "tracectl stop && wait $! && "
    )
    code = guest(
        f"tracectl record --subbuf-size 16K --subbuf-count 2 -o /job/lossy.trace -- "
        f"{program} {CALLS} 4 && "
        "tracectl start -o /job/all.trace && "
        + follow % ("followed", "followed")
        + "tracectl start --flight 64M && "
        + follow % ("flight", "flight")
        + "! tracectl print --follow 2>/job/idle"
    )
    assert code == 0, (tmp_path / "out").read_text()
    report = subprocess.run(
        [sys.executable, "-m", "tracectl", "report", "--json", tmp_path / "lossy.trace"],
        capture_output=True, check=True,
    )  # fmt: skip
    lossy = json.loads(report.stdout)
    assert sum(row["calls"] for row in lossy["syscalls"] if row["name"] == "getppid") == CALLS
    assert lossy["lost_calls"]["getppid"] >= 0.4 * CALLS
    for name in ("followed", "flight"):
        lines = (tmp_path / name).read_text().splitlines()
        # Each shell asks for its parent once.
        by_thread = Counter(line.partition("]")[0] for line in lines if "getppid()" in line)
        assert max(by_thread.values()) == 1000
    assert "nothing is being recorded" in (tmp_path / "idle").read_text()
