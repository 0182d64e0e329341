"""What the kernel filters out is what would be filtered out afterwards, in a guest."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from strace import parse_strace

pytestmark = pytest.mark.guest

CLASSES = ("file", "desc", "process", "network", "signal", "memory")
WORKLOAD = "sh -c 'cat /etc/passwd | grep root; ls -l /etc/apt; getent hosts localhost'"

SCRIPT = f"""
set -e
workload="{WORKLOAD}"
eval tracectl record -o /job/all.trace -- $workload >/dev/null
for class in {" ".join(CLASSES)}; do
	eval tracectl record -e %$class -o /job/$class.trace -- $workload >/dev/null
	eval strace -f -q -e trace=%$class -o /job/$class.strace $workload >/dev/null
done
eval tracectl record -e '!%desc,mmap' -o /job/but.trace -- $workload >/dev/null
"""

THREADS = """
set -e
cp /bin/cat /dev/shm/marked
mkdir /sys/fs/cgroup/below
tracectl start -o /job/comm.trace --comm marked
/dev/shm/marked /dev/null
cat /dev/null
tracectl stop
tracectl start -o /job/uid.trace --uid nobody
setpriv --reuid nobody --clear-groups cat /dev/null
cat /dev/null
tracectl stop
tracectl start -o /job/cgroup.trace --cgroup below
sh -c 'echo $$ >/sys/fs/cgroup/below/cgroup.procs; exec cat /dev/zero >/dev/full' || true
cat /dev/null
tracectl stop
tracectl start -o /job/change.trace -e getppid
{flood} 1000 1
tracectl filter -e getpid
{flood} 1000 1
tracectl filter -e getppid,getpid
{flood} 1000 1
tracectl filter
{flood} 1000 1
tracectl stop
tracectl filter 2>/job/idle || echo $? >/job/idle.code
"""


def printed(path) -> list[dict]:
    done = subprocess.run(
        [sys.executable, "-m", "tracectl", "print", "--json", path],
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def verify(path) -> None:
    subprocess.run([sys.executable, "-m", "tracectl", "verify", path], check=True)


def names_by_thread(calls: list[dict]) -> list[list[str]]:
    """In the order of the threads' first calls; of calls whose entry was recorded."""
    threads: dict[int, list[str]] = {}
    for call in calls:
        # When a signal comes is chance.
        if call["entry_ns"] is not None and call["name"] != "rt_sigreturn":
            threads.setdefault(call["tid"], []).append(call["name"])
    return sorted(threads.values())


def test_classes_are_those_of_strace(guest, tmp_path):
    # On arm64 how often the loader unmaps depends on where libraries come to lie.
    assert guest(SCRIPT, boot=("norandmaps",)) == 0, (tmp_path / "out").read_text()
    everything = printed(tmp_path / "all.trace")
    for name in CLASSES:
        verify(tmp_path / f"{name}.trace")
        ours = printed(tmp_path / f"{name}.trace")
        with (tmp_path / f"{name}.strace").open() as log:
            theirs = parse_strace(log)
        wanted = {call.name for calls in theirs.values() for call in calls}
        found = {call["name"] for call in ours if call["entry_ns"] is not None}
        assert found - {"rt_sigreturn"} == wanted - {"rt_sigreturn"}, name
        # Afterwards: of the unfiltered capture what is of the class.
        after = [call for call in everything if call["name"] in wanted]
        assert names_by_thread(ours) == names_by_thread(after), name
    but = {call["name"] for call in printed(tmp_path / "but.trace")}
    assert "mmap" not in but
    assert "read" not in but
    assert "brk" in but


def test_threads(guest, workload, tmp_path):
    script = THREADS.replace("{flood}", workload("getppid_threads"))
    assert guest(script) == 0, (tmp_path / "out").read_text()
    for name in ("comm", "uid", "cgroup", "change"):
        verify(tmp_path / f"{name}.trace")
    for name in ("comm", "uid", "cgroup"):
        calls = printed(tmp_path / f"{name}.trace")
        assert len({call["tgid"] for call in calls}) == 1, name
        assert any(call["name"] == "read" for call in calls), name
    assert any("/dev/zero" in call["paths"] for call in printed(tmp_path / "cgroup.trace"))
    changed = printed(tmp_path / "change.trace")
    counts = [call["name"] for call in changed if call["entry_ns"] is not None]
    assert counts.count("getppid") == 3000
    assert "no" in (tmp_path / "idle").read_text()
    assert (tmp_path / "idle.code").read_text() == "1\n"
