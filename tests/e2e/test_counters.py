"""Counters without records, CPUs left alone, and sessions of two users, in a guest."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tool import calls_of
from tracectl.abi.records import Kind
from tracectl.capture.metadata import Chosen
from tracectl.capture.reader import open_capture
from tracectl.decode.subbuffer import decode_subbuffer

pytestmark = pytest.mark.guest

ROUNDS = 100
COLLISIONS = 20

SCRIPT = """
set -e
try() { name=$1; shift; "$@" >"/job/$name" 2>&1 || echo "exit $?" >>"/job/$name"; }
try idle tracectl report
try refused tracectl start --counters-only --failed
tracectl start --counters-only -e getppid,getcwd,openat
tracectl status --json >/job/counting
tracectl status >/job/words
{flood} 20000 4
cat /nowhere 2>/dev/null || true
tracectl report --json >/job/live
tracectl report >/job/table
tracectl filter -e getcwd
{flood} 20000 4
try no_records tracectl filter --slower 1ms
tracectl stop --json >/job/stopped

outcomes() { taskset -c 0 {outcomes} . {rounds}; }
tracectl start -o /job/all.trace --comm outcomes
outcomes
tracectl stop
tracectl start -o /job/cpu.trace --comm outcomes --cpus 1
outcomes
tracectl status --json >/job/cpus
tracectl stop
tracectl start -o /job/change.trace --comm outcomes --cpus 0
tracectl filter --comm outcomes --cpus 1
outcomes
tracectl filter --comm outcomes
outcomes
tracectl stop

echo 300000 >/proc/sys/kernel/pid_max
tracectl start -o /job/collided.trace --comm colliding_tids --cpus 0
{colliding} {collisions}
tracectl stop
tracectl start --counters-only --comm colliding_tids --cpus 0 -e clock_nanosleep
{colliding} {collisions}
tracectl stop --json >/job/collided

tracectl start -o /job/self.trace
ls >/dev/null
tracectl status --json >/job/self
tracectl stop

chmod 666 /dev/tracectl
mkdir -m 777 /dev/shm/theirs
setpriv --reuid nobody --clear-groups "$python" -P -m tracectl start -o /dev/shm/theirs/a.trace
try second tracectl start -o /job/second.trace
try without_force tracectl stop
tracectl status --json >/job/still
try with_force tracectl stop --force
tracectl status --json >/job/ended
"""


def events_by_cpu(path) -> dict[tuple[int, Kind, int], int]:
    """How many entries and exits, by CPU and number."""
    counted: dict[tuple[int, Kind, int], int] = {}
    with open_capture(path) as capture:
        for chunk in capture.iter_chunks():
            records = decode_subbuffer(chunk.data)
            for kind in (Kind.ENTRY, Kind.EXIT):
                for number in records.id[records.rows(kind)].tolist():
                    key = records.cpu, kind, number
                    counted[key] = counted.get(key, 0) + 1
    return counted


def test_counters_cpus_and_users(guest, workload, table, tmp_path):
    script = SCRIPT.replace("{flood}", workload("getppid_threads"))
    script = script.replace("{outcomes}", workload("outcomes")).replace("{rounds}", str(ROUNDS))
    script = script.replace("{colliding}", workload("colliding_tids"))
    script = script.replace("{collisions}", str(COLLISIONS))
    assert guest(script) == 0, (tmp_path / "out").read_text()

    def read(name: str) -> str:
        return (tmp_path / name).read_text()

    check_counters(read)
    for name in ("all", "cpu", "change", "collided", "self"):
        command = [sys.executable, "-m", "tracectl", "verify", tmp_path / f"{name}.trace"]
        subprocess.run(command, check=True)
    check_cpus(read, table, tmp_path)
    check_collisions(read, tmp_path)
    check_users(read)


def check_counters(read) -> None:
    assert "nothing is being traced" in read("idle")
    assert "exit 1" in read("idle")
    assert "--counters-only" in read("refused")
    assert "exit 2" in read("refused")
    counting = json.loads(read("counting"))
    assert (counting["counts_only"], counting["recorded"], counting["file"]) == (True, 0, None)
    assert "only counted" in read("words")
    assert "counts" in read("no_records")
    live = {row["name"]: row for row in json.loads(read("live"))["syscalls"]}
    assert live["getppid"]["calls"] == sum(live["getppid"]["latency"]) == 20000
    assert live["getppid"]["errors"] == 0
    assert live["openat"]["errors_by_class"]["ENOENT"] >= 1
    assert live.keys() <= {"getppid", "getcwd", "openat"}
    assert "20,000" in read("table")
    stopped = {row["name"]: row for row in json.loads(read("stopped"))["syscalls"]}
    assert stopped["getppid"]["calls"] == 20000


def check_cpus(read, table, directory) -> None:
    getppid, setaffinity = (table.by_name(name).nr for name in ("getppid", "sched_setaffinity"))
    assert json.loads(read("cpus"))["filter"] == {"comm": "outcomes", "cpus": [1]}
    everything = events_by_cpu(directory / "all.trace")
    here = events_by_cpu(directory / "cpu.trace")
    entries = {key: count for key, count in everything.items() if key[1] == Kind.ENTRY}
    assert {key: count for key, count in here.items() if key[1] == Kind.ENTRY} == {
        key: count for key, count in entries.items() if key[0] == 1
    }
    assert here[1, Kind.ENTRY, getppid] == 10 * ROUNDS
    # They leave for the other CPU, and end there.
    assert here[0, Kind.EXIT, setaffinity] == here[1, Kind.ENTRY, setaffinity] == ROUNDS
    calls = calls_of(directory / "cpu.trace")
    assert all(call["entry_ns"] is not None and call["exit_ns"] is not None for call in calls)
    assert len(calls) == 11 * ROUNDS
    assert chosen_in(directory / "cpu.trace") == Chosen(by_thread=True, cpus=[1])
    # By other CPUs meanwhile, and at the end by none.
    assert chosen_in(directory / "change.trace") == Chosen(by_thread=True, cpus=[0])
    # Two runs, one of them on one CPU only.
    changed = events_by_cpu(directory / "change.trace")
    assert changed[1, Kind.ENTRY, getppid] == 20 * ROUNDS
    assert changed[0, Kind.ENTRY, getppid] == 10 * ROUNDS


def check_collisions(read, directory) -> None:
    """Calls end whose place another thread's call took meanwhile."""
    calls = calls_of(directory / "collided.trace")
    naps = [call for call in calls if call["name"] == "clock_nanosleep"]
    assert len(naps) == 2 * COLLISIONS
    assert all(call["entry_ns"] is not None and call["exit_ns"] is not None for call in naps)
    (counted,) = json.loads(read("collided"))["syscalls"]
    # A call is counted when it ends.
    assert counted["calls"] == 2 * COLLISIONS


def chosen_in(path) -> Chosen:
    with open_capture(path) as capture:
        return capture.end.chosen


def check_users(read) -> None:
    own = json.loads(read("self"))
    assert 0 < own["own"] <= own["filtered"]
    assert "already tracing" in read("second")
    assert "pid" in read("second")
    assert "--force" in read("without_force")
    assert "exit 1" in read("without_force")
    assert json.loads(read("still"))["state"] == "tracing"
    assert "events" in read("with_force")
    assert json.loads(read("ended"))["state"] == "idle"
