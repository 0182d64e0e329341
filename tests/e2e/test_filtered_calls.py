"""Each call is recorded, lost or filtered out, by CPU and system call, in a guest."""

from __future__ import annotations

import json

import pytest

from tool import tracectl

pytestmark = pytest.mark.guest

CALLS = 20_000
# A thread that is filtered out, a number that is, an end that is, and none of them.
FILTERS = {
    "thread": "--uid nobody",
    "number": "-e getpid",
    "both": "--uid nobody -e getppid",
    "end": "--failed",
    "slow": "--slower 1m -e getppid",
    "cpus": "--cpus 0-1 --comm none",
    "none": "",
}

SCRIPT = "set -e\n" + "".join(
    f"""
tracectl start -o /job/{name}.trace {options}
taskset -c 1 {{flood}} {CALLS} 4
tracectl status --json >/job/{name}.status
tracectl stop
"""
    for name, options in FILTERS.items()
) + """
tracectl start --counters-only --uid nobody
{flood} 20000 4
tracectl report --json >/job/counts
tracectl stop
"""  # fmt: skip


def test_recorded_lost_and_filtered_are_all_that_was_made(guest, workload, tmp_path):
    script = SCRIPT.replace("{flood}", workload("getppid_threads"))
    assert guest(script) == 0, (tmp_path / "out").read_text()
    for name in FILTERS:
        facts = json.loads(tracectl("verify", "--json", tmp_path / f"{name}.trace"))
        assert facts["whole"], facts["faults"]
        (call,) = [call for call in facts["calls"] if call["syscall"] == "getppid"]
        assert call["cpu"] == 1
        # The shell and the tool make none.
        assert call["made"] == CALLS, (name, call)
        kept = CALLS if name == "none" else 0
        assert (call["recorded"], call["lost"], call["filtered"]) == (kept, 0, CALLS - kept), name
        # Of a call both ends are filtered out.
        if name != "none":
            assert facts["filtered"] >= 2 * CALLS, name
    counted = json.loads((tmp_path / "counts").read_text())
    assert "getppid" not in {row["name"] for row in counted["syscalls"]}
    assert counted["filtered"] >= 2 * CALLS
