"""A flight recorder that writes snapshots by itself, in a guest with the real module."""

from __future__ import annotations

import json

import pytest

from tool import tracectl
from tracectl.capture.reader import open_capture

# Windows are times, and a busy machine's guest needs longer for what has to be in them.
pytestmark = [pytest.mark.guest, pytest.mark.slow]

# Each marker is an open that fails; it comes before its trigger, with a flood in between.
SCRIPT = """
set -e
mkdir /job/shots
has() { test $(ls /job/shots | wc -l) -ge $1; }
mark() { cat /marker-of-$1 2>/dev/null || true; {flood} 5000 2; }
start() { tracectl start --flight 4M --snapshots /job/shots --every 1ms "$@" 2>/job/start; }
start --trigger errno=ENOENT:/trigger/ --trigger slower=nanosleep,clock_nanosleep:2s \
	--trigger signal=SIGUSR2 --trigger usr1
cat /elsewhere 2>/dev/null || true
sleep 0.01
mark errno
cat /trigger/absent 2>/dev/null || true
wait_until has 1
mark slow
sleep 2.5
wait_until has 2
mark signal
sh -c 'kill -USR2 $$' || true
wait_until has 3
mark usr1
kill -USR1 $(recorder_pid)
wait_until has 4
tracectl stop
start --trigger rate=getppid:20000 --before 10s --after 1s --every 1m
mark early
sleep 20
mark rate
{flood} 30000 2
cat /after-the-trigger 2>/dev/null || true
wait_until has 5
{flood} 60000 2
sleep 0.5
tracectl stop
ls /job/shots >/job/names
"""


def _markers(path) -> set[str]:
    calls = [json.loads(line) for line in tracectl("print", "--json", path).splitlines()]
    paths = {name for call in calls for name in call["paths"]}
    return {name for name in paths if "marker" in name or "trigger" in name}


def test_snapshots_are_triggered(guest, workload, tmp_path):
    code = guest(SCRIPT.replace("{flood}", workload("getppid_threads")))
    assert code == 0, (tmp_path / "out").read_text()
    paths = sorted((tmp_path / "shots").iterdir())
    assert len(paths) == 5, [path.name for path in paths]
    reasons = []
    for path in paths:
        assert json.loads(tracectl("verify", "--json", path))["whole"]
        with open_capture(path) as capture:
            reasons.append(capture.end.reason)
            config = capture.metadata.config
            counts = dict.fromkeys(range(capture.metadata.cpus), 0)
            for chunk in capture.iter_chunks():
                counts[chunk.cpu] += 1
            # No more than the buffers hold, so nothing is older than they allow.
            assert max(counts.values()) <= config.subbuf_count
            assert config.subbuf_count * config.subbuf_bytes <= 4 << 20
    for reason, seen in zip(
        reasons,
        ("failed on /trigger/absent", "nanosleep of process", "SIGUSR2", "SIGUSR1", "calls in a"),
        strict=True,
    ):
        assert seen in reason
    for path, marker in zip(paths, ("errno", "slow", "signal", "usr1", "rate"), strict=True):
        assert f"/marker-of-{marker}" in _markers(path)
    # The windows: what was long before is left out, what came after is in.
    assert "/marker-of-early" not in _markers(paths[4])
    assert "/after-the-trigger" in _markers(paths[4])
