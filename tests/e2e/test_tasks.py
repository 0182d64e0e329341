"""Who an event is of: name, parent, user and container of short-lived processes, in a guest."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.guest
ID = "0123456789abcdef" * 4
RENAMED = "printf other-name >/proc/self/comm; cat /etc/hostname"
SWITCHING = 'import os; os.setuid(65534); open("/etc/hostname")'

SCRIPT = f"""
set -e
scope=/sys/fs/cgroup/system.slice/docker-{ID}.scope
export before=/sys/fs/cgroup/before.slice
mkdir $before
in_container() {{
	mkdir -p $scope
	sh -c "echo 0 >$scope/cgroup.procs; exec setpriv --reuid nobody cat /etc/hostname" >/dev/null
	rmdir $scope
}}
work() {{
	in_container
	sh -c 'echo 0 >$before/cgroup.procs; exec head -c 1 /etc/hostname' >/dev/null
	sh -c '{RENAMED}' >/dev/null
	unshare --pid --fork tail -c 1 /etc/hostname >/dev/null
	$python -c '{SWITCHING}'
	for i in $(seq 50); do (exec true); done
}}
tracectl start -o /job/all.trace
work
tracectl stop
tracectl start --uid nobody -o /job/uid.trace
work
tracectl stop
tracectl start --comm cat -o /job/comm.trace
work
tracectl stop
tracectl record -o /job/tree.trace -- sh -c 'for i in 1 2 3; do cat /etc/hostname; done' >/dev/null
tracectl start --no-names --no-paths --no-argv -e openat --subbuf-size 16K --subbuf-count 2 \\
	-o /job/few.trace
work
tracectl stop
"""

OPENED = """
    SELECT DISTINCT process, uid, container, cgroup, ppid IS NOT NULL AS has_parent
    FROM syscalls WHERE list_contains(paths, '/etc/hostname') ORDER BY ALL
"""
# The idle threads, init and kthreadd have no parent.
UNKNOWN = """
    SELECT pid, tid, kind, process, uid, cgroup, ppid FROM events
    WHERE process IS NULL OR uid IS NULL OR cgroup IS NULL OR (ppid IS NULL AND pid > 2)
"""


def _query(path, sql: str) -> list[dict]:
    done = subprocess.run(
        [sys.executable, "-m", "tracectl", "query", "--format", "json", path, sql],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_event_is_somebodys(guest, tmp_path):
    assert guest(SCRIPT) == 0, (tmp_path / "out").read_text()
    traces = {name: tmp_path / f"{name}.trace" for name in ("all", "uid", "comm", "tree", "few")}
    for path in traces.values():
        subprocess.run([sys.executable, "-m", "tracectl", "verify", path], check=True)
        assert _query(path, UNKNOWN) == [], path.name

    docker = f"/system.slice/docker-{ID}.scope"
    in_container = {
        "process": "cat", "uid": 65534, "container": ID[:12], "cgroup": docker, "has_parent": True
    }  # fmt: skip
    rows = _query(traces["all"], OPENED)
    assert in_container in rows
    by_name = {row["process"]: row for row in rows if row != in_container}
    assert by_name["head"]["cgroup"] == "/before.slice"
    assert {row["uid"] for row in rows if row["process"].startswith("python")} == {65534}
    assert by_name["cat"]["uid"] == 0
    assert by_name["cat"]["container"] is None
    assert in_container in _query(traces["uid"], OPENED)
    assert in_container in _query(traces["comm"], OPENED)

    lives = _query(traces["all"], "SELECT * FROM tasks")
    assert any(life["comm"] == "other-name" and life["cause"] == "rename" for life in lives)
    assert any(life["comm"] == "tail" and life["inner_tid"] == 1 for life in lives)
    assert len([life for life in lives if life["comm"] == "true" and life["exit_code"] == 0]) == 50
    assert all(life["path"] for life in lives if life["comm"] in ("true", "cat", "tail"))
    # Whose calls are all filtered out is known all the same.
    names = {life["comm"] for life in _query(traces["uid"], "SELECT comm FROM tasks")}
    assert "other-name" in names
    tree = _query(traces["tree"], "SELECT * FROM tasks WHERE start_ns > 0")
    assert {life["comm"] for life in tree} == {"sh", "cat"}
