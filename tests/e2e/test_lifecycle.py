"""Start, stop, a killed recorder and unloading, in a guest with the real module."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tracectl.capture.reader import open_capture

pytestmark = pytest.mark.guest
ATTACHED = Path(__file__).parents[1] / "kmod" / "attached"

SCRIPT = """
set -e
probes() { cat /proc/attached /sys/kernel/debug/kprobes/list \
    /sys/kernel/tracing/enabled_functions >"/job/$1"; }
is_idle() { tracectl status --json | grep -q '"state": "idle"'; }
has_chunk() { $python -c '
import sys
from tracectl.capture.reader import open_capture
with open_capture(sys.argv[1]) as capture:
    sys.exit(not any(capture.iter_chunks()))' "$1"; }
insmod /job/attached.ko
probes before
tracectl start -o /job/first.trace
probes during
tracectl start -o /job/second.trace 2>/job/second || echo $? >/job/second.code
ls / >/dev/null
rmmod tracectl 2>/job/rmmod && exit 10
tracectl pause
tracectl status --json >/job/paused
tracectl resume
tracectl stop --json >/job/stopped
probes after
tracectl start -o /job/killed.trace
ls / >/dev/null
wait_until has_chunk /job/killed.trace
kill -9 $(recorder_pid)
wait_until is_idle
tracectl status --json >/job/killed
probes killed.probes
tracectl start -o /job/again.trace
tracectl stop
rmmod tracectl
test ! -e /dev/tracectl
"""


@pytest.fixture(scope="module")
def lifecycle(kernel, tmp_path_factory):
    from tracectl.vm.build import build_module

    job = tmp_path_factory.mktemp("lifecycle")
    build_module(kernel, ATTACHED, job)
    return job


def test_lifecycle(guest, lifecycle, tmp_path):
    shutil.copy(lifecycle / "attached.ko", tmp_path)
    code = guest(SCRIPT)
    assert code == 0, (tmp_path / "out").read_text()

    def read(name: str) -> str:
        return (tmp_path / name).read_text()

    assert "sys_enter" in read("during")
    assert "do_sys_openat2" in read("during")
    assert "do_filp_open" in read("during") or "do_file_open" in read("during")
    assert read("after") == read("before") == read("killed.probes")
    assert "already tracing" in read("second")
    assert "pid" in read("second")
    assert json.loads(read("paused"))["state"] == "armed"
    assert json.loads(read("stopped"))["recorded"] > 0
    killed = json.loads(read("killed"))
    assert killed["state"] == "idle"
    assert killed["last_end"] == "closed"
    with open_capture(tmp_path / "killed.trace") as capture:
        assert capture.end is None
        assert list(capture.iter_chunks())
