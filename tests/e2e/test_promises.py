"""What the README promises, in a guest with the real module."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.guest
CALLS = 200_000


def _tracectl(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tracectl", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


def _getppid(path) -> tuple[int, int]:
    """Generated and lost getppid entries, by the module's counters."""
    from tracectl.capture.reader import open_capture
    from tracectl.cli.reading import tables_of

    with open_capture(path) as capture:
        nr = tables_of(capture)[0].by_name("getppid").nr
        counts = [cpu.syscalls[nr] for cpu in capture.end.cpus if nr in cpu.syscalls]
    return sum(count.entries for count in counts), sum(count.entries_lost for count in counts)


def test_recorded_and_lost_is_generated(guest, workload, tmp_path):
    program = workload("getppid_threads")
    code = guest(
        f"tracectl record -o /job/large.trace -- {program} {CALLS} 4 && "
        f"tracectl record --subbuf-size 16K --subbuf-count 2 -o /job/tiny.trace -- "
        f"{program} {CALLS} 4"
    )
    assert code == 0, (tmp_path / "out").read_text()
    for name, loses in (("large", False), ("tiny", True)):
        path = tmp_path / f"{name}.trace"
        assert _tracectl("verify", path).returncode == 0
        generated, lost = _getppid(path)
        assert generated == CALLS
        assert bool(lost) == loses
        report = json.loads(_tracectl("report", "--json", path).stdout)
        (row,) = (row for row in report["syscalls"] if row["name"] == "getppid")
        assert row["calls"] == CALLS
        assert report["lost_calls"].get("getppid", 0) == lost
        # What is recorded is told by what is not counted, too.
        rows = json.loads(_tracectl("report", "--json", "--by", "process", path).stdout)
        assert sum(one["calls"] for one in rows["processes"]) < CALLS + 10_000
