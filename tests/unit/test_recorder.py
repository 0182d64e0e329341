"""The recorder's turn-taking, on pipes in place of the module's streams."""

import os
import time
from itertools import pairwise

import pytest

from tracectl.errors import CaptureError
from tracectl.kernel.recorder import FLUSH_NS, Recorder


class Pipe:
    """Polls as a stream or the device does: POLLIN while something is in it, POLLHUP at its end."""

    def __init__(self):
        self.read_fd, self.write_fd = os.pipe()

    def fileno(self):
        return self.read_fd

    def end(self):
        os.close(self.write_fd)

    def close(self):
        os.close(self.read_fd)


class FakeStream(Pipe):
    def __init__(self, cpu, waiting, *, is_endless=False):
        super().__init__()
        self.cpu = cpu
        self.waiting = list(range(waiting))
        self.is_endless = is_endless
        self.flushes_ns = []
        self.released = []
        if waiting:
            os.write(self.write_fd, b"x")

    def get(self):
        if not self.waiting:
            return None
        return self.waiting[0], memoryview(b"%d" % self.cpu)

    def put(self, seq):
        self.released.append(seq)
        self.waiting.pop(0)
        if self.is_endless:
            self.waiting.append(seq + 1)
        if not self.waiting:
            os.read(self.read_fd, 1)

    def flush(self):
        self.flushes_ns.append(time.monotonic_ns())

    def counters(self):
        return self


class FakeDevice(Pipe):
    class info:  # noqa: N801 - as the device's attribute is called
        cpus = 3

    def __init__(self, streams):
        super().__init__()
        self.streams = streams

    def open_stream(self, cpu, subbuf_bytes, subbuf_count):
        return self.streams.get(cpu)


class List:
    """A sink."""

    def __init__(self, fails_at=None):
        self.chunks = []
        self.fails_at = fails_at

    def write_chunk(self, cpu, seq, data):
        if len(self.chunks) == self.fails_at:
            raise CaptureError("a.trace", "disk full")
        self.chunks.append((cpu, seq))


def until(condition=lambda: False, seconds=30):
    end = time.monotonic() + seconds
    return lambda: condition() or time.monotonic() > end


def test_busy_cpu_keeps_no_other_waiting():
    streams = {0: FakeStream(0, 1, is_endless=True), 1: FakeStream(1, 3)}
    sink = List()
    with Recorder(FakeDevice(streams), 4096, 2) as recorder:
        assert recorder.run(sink, until(lambda: len(sink.chunks) > 6))
    assert [cpu for cpu, _ in sink.chunks[:6]] == [0, 1] * 3
    assert sink.chunks[-1][0] == 0


def test_quiet_cpus_are_flushed_and_busy_ones_are_not():
    streams = {0: FakeStream(0, 1, is_endless=True), 2: FakeStream(2, 0)}
    with Recorder(FakeDevice(streams), 4096, 2) as recorder:
        flushes_ns = streams[2].flushes_ns
        recorder.run(List(), until(lambda: len(flushes_ns) == 4))
    assert streams[0].flushes_ns == []
    assert len(flushes_ns) == 4
    gaps = [after - before for before, after in pairwise(flushes_ns)]
    assert min(gaps) > FLUSH_NS * 0.9


def test_drain_leaves_nothing():
    streams = {cpu: FakeStream(cpu, 4) for cpu in range(3)}
    sink = List()
    with Recorder(FakeDevice(streams), 4096, 2) as recorder:
        assert [counters.cpu for counters in recorder.drain(sink)] == [0, 1, 2]
    assert sorted(sink.chunks) == [(cpu, seq) for cpu in range(3) for seq in range(4)]


def test_session_that_another_stopped_ends_the_run():
    device = FakeDevice({0: FakeStream(0, 0)})
    with Recorder(device, 4096, 2) as recorder:
        device.end()
        assert not recorder.run(List(), until())


def test_wake_fd_ends_the_wait():
    child = Pipe()
    device = FakeDevice({0: FakeStream(0, 0)})
    with Recorder(device, 4096, 2) as recorder:
        os.write(child.write_fd, b"x")
        asked = []
        assert recorder.run(List(), lambda: len(asked) == 1 or asked.append(1), child.read_fd)


def test_cpu_that_comes_up_later_is_read():
    streams = {0: FakeStream(0, 0)}
    sink = List()
    with Recorder(FakeDevice(streams), 4096, 2) as recorder:
        streams[1] = FakeStream(1, 2)
        recorder.run(sink, until(lambda: len(sink.chunks) == 2))
    assert sink.chunks == [(1, 0), (1, 1)]


def test_sub_buffer_that_was_not_written_is_not_released():
    streams = {0: FakeStream(0, 3)}
    with Recorder(FakeDevice(streams), 4096, 2) as recorder, pytest.raises(CaptureError):
        recorder.run(List(fails_at=1), until())
    assert streams[0].released == [0]
