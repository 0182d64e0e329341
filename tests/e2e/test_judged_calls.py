"""Calls that are chosen by how they end: a filtered capture is the unfiltered one, filtered."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import pytest

pytestmark = pytest.mark.guest

NAP_NS = 50_000_000
SLOW_NS = 40_000_000

RUNS = {
    "all": "",
    "failed": "--failed",
    "noent": "--errno ENOENT,ENOTDIR",
    "path": "--path /dev/shm/in/",
    "both": "--failed --path /dev/shm/in/",
    "class": "--failed -e %file,lseek",
    "slow": "--slower 40ms",
    "any": "--slower 0ns",
}

# Without randomised addresses two runs make the same calls with the same arguments.
SCRIPT = (
    """
set -e
mkdir /dev/shm/in
outcomes() { rm -f /dev/shm/beside; setarch -R {outcomes} /dev/shm/in; }
"""
    + "".join(
        f"tracectl start -o /job/{name}.trace --comm outcomes {options}\n"
        "outcomes\n"
        "tracectl status --json >/job/shown\n"
        "tracectl stop\n"
        for name, options in RUNS.items()
    )
    + """
tracectl start -o /job/change.trace --comm outcomes --failed
outcomes
tracectl filter --comm outcomes --path /dev/shm/in/
outcomes
tracectl filter --comm outcomes
outcomes
tracectl filter --comm outcomes --errno EBADF
outcomes
tracectl stop
tracectl start -o /job/flood.trace -e getppid
while [ ! -e /job/done ]; do {flood} 2000 2; echo >>/job/floods; sleep 0.3; done &
for _ in 1 2 3; do
	tracectl filter -e getppid --slower 0ns
	tracectl filter -e getppid
done
touch /job/done
wait
tracectl stop
tracectl start -o /job/names.trace --no-names --no-paths
tracectl filter --path / 2>/job/names || echo $? >>/job/names
tracectl stop
"""
)


def failed_with(call: dict) -> int | None:
    result = call["result"]
    return -result if result is not None and -4095 <= result < 0 else None


def has_path(call: dict) -> bool:
    return any(path.startswith("/dev/shm/in/") for path in call["paths"])


WANTED: dict[str, Callable[[dict], bool]] = {
    "failed": lambda call: failed_with(call) is not None,
    "noent": lambda call: failed_with(call) in (2, 20),
    "path": has_path,
    "both": lambda call: failed_with(call) is not None and has_path(call),
    "class": lambda call: (
        failed_with(call) is not None and (call["name"] == "lseek" or bool(call["paths"]))
    ),
    "slow": lambda call: call["name"] == "clock_nanosleep",
    "any": lambda call: True,
    "all": lambda call: True,
    "ebadf": lambda call: failed_with(call) == 9,
}


def run(*argv: object) -> str:
    command = [sys.executable, "-m", "tracectl", *map(str, argv)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def whole_calls(path) -> list[dict]:
    """In the order of their entries."""
    calls = [json.loads(line) for line in run("print", "--json", path).splitlines()]
    return [call for call in calls if call["entry_ns"] is not None and call["exit_ns"] is not None]


def told(calls: list[dict], name: str = "all") -> list[tuple]:
    return [
        (
            call["name"],
            call["arguments"],
            None if call["name"] == "set_tid_address" else call["result"],
            call["paths"],
        )
        for call in sorted(calls, key=lambda call: call["entry_ns"])
        if WANTED[name](call)
    ]


def by_thread(calls: list[dict]) -> list[list[dict]]:
    threads: dict[int, list[dict]] = {}
    for call in calls:
        threads.setdefault(call["tid"], []).append(call)
    return list(threads.values())


def test_calls_by_how_they_end(guest, workload, tmp_path):
    script = SCRIPT.replace("{outcomes}", workload("outcomes"))
    script = script.replace("{flood}", workload("getppid_threads"))
    assert guest(script) == 0, (tmp_path / "out").read_text()
    for path in tmp_path.glob("*.trace"):
        assert json.loads(run("verify", "--json", path))["whole"], path.name
    everything = whole_calls(tmp_path / "all.trace")
    assert len(everything) > 250
    for name in RUNS.keys() - {"slow"}:
        assert told(whole_calls(tmp_path / f"{name}.trace")) == told(everything, name), name
    # A loaded machine makes other calls slow, too.
    slow = whole_calls(tmp_path / "slow.trace")
    assert told(slow, "slow") == told(everything, "slow")
    assert len(told(slow, "slow")) == 4
    assert all(call["exit_ns"] - call["entry_ns"] >= SLOW_NS for call in slow)
    parts = by_thread(whole_calls(tmp_path / "change.trace"))
    expected = [told(everything, name) for name in ("failed", "path", "all", "ebadf")]
    assert [told(part) for part in parts] == expected
    # Not one is missed or cut in half while the terms change.
    flood = [call for call in whole_calls(tmp_path / "flood.trace") if call["name"] == "getppid"]
    assert len(flood) == 2000 * len((tmp_path / "floods").read_text().splitlines())
    said = (tmp_path / "names").read_text()
    assert "no names" in said
    assert said.endswith("1\n")
    status = json.loads((tmp_path / "shown").read_text())
    assert status["filter"] == {"comm": "outcomes", "slower_ns": 0}
