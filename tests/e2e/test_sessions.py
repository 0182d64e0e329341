"""Sessions of one file of the device after another, and what may not get in their way."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.guest

SCRIPT = """
set -e
$python - >/job/said <<'END'
import errno, json, os, select, signal, time
from tracectl.abi.control import EventClass
from tracectl.decode.subbuffer import decode_subbuffer
from tracectl.errors import DeviceError
from tracectl.kernel.device import Device
from tracectl.kernel.shapes import shapes_of
from tracectl.tables.table import load_tables

SIZE = (1 << 16, 4)
shapes = shapes_of(load_tables())


def configure(device):
    device.configure(
        shapes, classes=EventClass.SYSCALL, subbuf_bytes=SIZE[0], subbuf_count=SIZE[1]
    )


def watched():
    # Watched from before the first session on, by epoll, which stays where it queued.
    with Device() as device, select.epoll() as poller:
        poller.register(device.fileno(), select.EPOLLET)
        found = [poller.poll(0)]
        for _ in range(3):
            configure(device)
            device.stop()
            found.append([event for _, event in poller.poll(5)])
    return found


def kept_open():
    with Device() as device:
        streams = []
        refused = 0
        while not refused and len(streams) < 100:
            try:
                configure(device)
            except DeviceError as error:
                refused = error.errno
            else:
                streams.append(device.open_stream(0, *SIZE))
                device.stop()
        for stream in streams:
            stream.close()
        configure(device)
    return len(streams), errno.errorcode[refused]


def flushed_by_another(rounds):
    # What is handed over is handed over once: by FLUSH, or at the end.
    differing = []
    for _ in range(rounds):
        with Device() as device:
            configure(device)
            streams = [device.open_stream(cpu, *SIZE) for cpu in range(device.info.cpus)]
            device.resume()
            pid = os.fork()
            while not pid:
                for stream in streams:
                    stream.flush()
            time.sleep(0.05)
            device.stop()
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            for stream in streams:
                handed = []
                while one := stream.get():
                    seq, data = one
                    handed.append(decode_subbuffer(bytes(data)).seq)
                    data.release()
                    stream.put(seq)
                if handed != list(range(stream.counters().subbufs)):
                    differing.append(handed)
                stream.close()
    return differing


print(json.dumps([watched(), kept_open(), flushed_by_another(20)]))
END

{held} &
held=$!
is_held() { grep -q '^\\(16\\|29\\) ' /proc/$held/syscall; }
wait_until is_held
tracectl start -o /job/beside.trace
tracectl status --json >/job/tracing
tracectl stop
kill -9 $held
wait $held || true
rmmod tracectl
"""


def test_sessions(guest, workload, tmp_path):
    script = SCRIPT.replace("{held}", workload("held_configure"))
    assert guest(script) == 0, (tmp_path / "out").read_text()
    watched, kept_open, differing = json.loads((tmp_path / "said").read_text())
    hangup = 0x10
    assert watched == [[], [hangup], [hangup], [hangup]]
    assert kept_open == [8, "EMFILE"]
    assert differing == []
    # While somebody's request waits for memory that never comes.
    assert json.loads((tmp_path / "tracing").read_text())["state"] == "tracing"
