"""What tracectl monitor tells of the module, a session, losses and CPUs, in a guest."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.guest

SCRIPT = """
tracectl monitor --json >/job/events 2>/job/said &
wait_until test -s /job/events
tracectl record --subbuf-size 16K --subbuf-count 2 -o /job/a.trace -- {program} 100000 4
echo 0 >/sys/devices/system/cpu/cpu1/online
echo 1 >/sys/devices/system/cpu/cpu1/online
rmmod tracectl
wait_until grep -q unloaded /job/events
kill $!
wait $!
echo $? >/job/code
"""


def test_monitor(guest, workload, tmp_path):
    script = SCRIPT.replace("{program}", workload("getppid_threads"))
    assert guest(script) == 0
    events = [json.loads(line) for line in (tmp_path / "events").read_text().splitlines()]
    seen = [(event["subject"], event["value"]) for event in events if event["subject"] != "lost"]
    assert seen == [
        ("state", "idle"),
        ("state", "armed"),
        ("state", "tracing"),
        ("state", "idle"),
        ("cpu", "offline"),
        ("cpu", "online"),
        ("module", "unloaded"),
    ]
    assert {event["cpu"] for event in events if event["subject"] == "cpu"} == {1}
    lost = [event for event in events if event["subject"] == "lost"]
    told = {event["cpu"]: event["value"] for event in lost}
    from tracectl.capture.reader import open_capture

    with open_capture(tmp_path / "a.trace") as capture:
        counted = {cpu.cpu: sum(cpu.lost_by_cause) for cpu in capture.end.cpus}
    assert told == {cpu: count for cpu, count in counted.items() if count}
    assert (tmp_path / "code").read_text() == "143\n"
    assert "udevd does not run" in (tmp_path / "said").read_text()
