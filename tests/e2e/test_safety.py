"""The module under change: CPUs that come and go, sessions without end, thousands of threads, no
memory and no reader, in a guest."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tracectl.capture.reader import open_capture
from tracectl.vm.machine import ARM64

pytestmark = pytest.mark.guest

WORK = "stress-ng --quiet --fork 1 --open 1 --pipe 1 --switch 1 --timeout {seconds}s"
# stress-ng wants most of a graphics library, which is not in the userland for arm64.
PLAIN_WORK = (
    "{ timeout {seconds} sh -c 'while :; do cat /etc/hostname | cat; done' >/dev/null || true; }"
)
HOTPLUG = """
set -e
cpu=/sys/devices/system/cpu/cpu1/online
tracectl start --sched --no-compress -o /job/a.trace
{work} &
work=$!
while kill -0 $work 2>/dev/null; do
	echo 0 >$cpu
	sleep 0.5
	echo 1 >$cpu
	sleep 0.5
done
wait $work
tracectl stop --json >/job/stopped
rmmod tracectl
"""

THREADS = """
set -e
tracectl start -o /job/threads.trace
{threads} 10000 3 >/job/said
tracectl stop --json >/job/threads.json
tracectl start --subbuf-size 16M --subbuf-count 64 -o /job/memory.trace 2>/job/memory && exit 10
tracectl start --subbuf-size 64K --subbuf-count 4 --no-compress -o /job/stopped.trace
pid=$(recorder_pid)
now() { cut -d' ' -f1 /proc/uptime; }
now >/job/times
{flood} 200000 2
now >>/job/times
kill -STOP $pid
{flood} 200000 2
now >>/job/times
kill -CONT $pid
tracectl stop --json >/job/stopped.json
rmmod tracectl
"""

SESSIONS = """
set -e
stress-ng --quiet --fork 1 --pipe 1 --switch 1 --timeout 0 &
$python - {rounds} >/job/memory <<'END'
import json, sys, time
from itertools import count
from pathlib import Path
from tracectl.abi.control import EventClass
from tracectl.kernel.device import Device
from tracectl.kernel.recorder import Recorder
from tracectl.kernel.shapes import shapes_of
from tracectl.tables.table import load_tables

WARM = 20
shapes = shapes_of(load_tables())
every = EventClass.ALL & ~EventClass.USER & ~EventClass.DIVERGENCE
# The kernel waits for all of its tasks whenever a probe of a function is detached: with a dozen of
# these in each session, and its stressors running meanwhile, an emulator takes hours.
few = EventClass.SYSCALL | EventClass.TASK
sessions = count()


class Nowhere:
    def write_chunk(self, cpu, seq, data):
        pass


def session():
    classes = few if next(sessions) % 20 else every
    with Device() as device:
        device.configure(shapes, classes=classes, subbuf_bytes=1 << 16, subbuf_count=4)
        with Recorder(device, 1 << 16, 4) as recorder:
            device.resume()
            device.stop()
            recorder.drain(Nowhere())


def used_kib():
    # What RCU frees later.
    time.sleep(3)
    Path("/proc/sys/vm/drop_caches").write_text("3")
    facts = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    used = {name: int(facts[name].split()[0]) for name in ("SUnreclaim", "VmallocUsed", "Percpu")}
    lines = [line.split() for line in Path("/proc/slabinfo").read_text().splitlines()[2:]]
    return used | {line[0]: int(line[1]) * int(line[3]) >> 10 for line in lines}


for _ in range(WARM):
    session()
steps = [used_kib()]
for _ in range(2):
    for _ in range(int(sys.argv[1]) // 2):
        session()
    steps.append(used_kib())
print(json.dumps(steps))
END
kill $!
wait || true
rmmod tracectl
"""


def _verify(path) -> dict:
    command = [sys.executable, "-m", "tracectl", "verify", "--json", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    facts = json.loads(done.stdout)
    assert facts["whole"], facts["faults"][:5]
    return facts


@pytest.mark.parametrize(
    "seconds", [30, pytest.param(300, marks=pytest.mark.slow)], ids=["short", "long"]
)
def test_cpus_come_and_go(guest, kernel, tmp_path, seconds):
    work = PLAIN_WORK if kernel.machine is ARM64 else WORK
    script = HOTPLUG.replace("{work}", work).replace("{seconds}", str(seconds))
    assert guest(script) == 0, (tmp_path / "out").read_text()
    facts = _verify(tmp_path / "a.trace")
    assert facts["recorded"] > 1000 * seconds
    with open_capture(tmp_path / "a.trace") as capture:
        assert {cpu.cpu for cpu in capture.end.cpus} == {0, 1}
        assert all(cpu.subbufs for cpu in capture.end.cpus)


def test_thousands_of_threads_no_memory_and_no_reader(guest, workload, table, tmp_path):
    script = THREADS.replace("{threads}", workload("many_threads"))
    script = script.replace("{flood}", workload("getppid_threads"))
    assert guest(script) == 0, (tmp_path / "out").read_text()
    _verify(tmp_path / "threads.trace")
    with open_capture(tmp_path / "threads.trace") as capture:
        nr = table.by_name("getppid").nr
        getppid = sum(cpu.syscalls[nr].entries for cpu in capture.end.cpus if nr in cpu.syscalls)
    assert getppid >= 30_000
    said = (tmp_path / "memory").read_text()
    assert "no memory for buffers of 1024 MiB a CPU" in said
    assert not (tmp_path / "memory.trace").exists()
    # A reader that does not come for its data costs events, which are counted, and no time.
    facts = _verify(tmp_path / "stopped.trace")
    assert facts["lost"] > 100_000
    times = [float(line) for line in (tmp_path / "times").read_text().split()]
    assert times[2] - times[1] < 2 * (times[1] - times[0]) + 1


@pytest.mark.slow
@pytest.mark.parametrize("rounds", [25, 500], ids=["few", "many"])
def test_sessions_leave_no_memory_behind(guest, tmp_path, rounds):
    script = SESSIONS.replace("{rounds}", str(rounds))
    assert guest(script, timeout_s=3 * 3600) == 0, (tmp_path / "out").read_text()
    _, before, after = json.loads((tmp_path / "memory").read_text())
    # The kernel's caches fill up at first. Later, two pages that each session leaves would show.
    for name, before_kib in before.items():
        assert after[name] - before_kib < 1024 + 2 * rounds, (name, before_kib, after[name])
