"""The recorder: moves sub-buffers from the module to a sink until the session ends."""

from __future__ import annotations

import select
import time
from collections.abc import Callable
from types import TracebackType
from typing import Protocol

from tracectl.abi.totals import CpuTotals
from tracectl.kernel.device import Device
from tracectl.kernel.stream import Stream

FLUSH_NS = 100_000_000
"""A quiet CPU's records are handed over after this long."""
_RESCAN_NS = 1_000_000_000


class Sink(Protocol):
    """What takes the sub-buffers; a capture writer."""

    def write_chunk(self, cpu: int, seq: int, data: memoryview) -> None: ...


class Recorder:
    """Reads all streams of the session that ``device`` owns.

    Use it as a context manager: the streams are closed with it.
    """

    def __init__(self, device: Device, subbuf_bytes: int, subbuf_count: int) -> None:
        self._device = device
        self._shape = subbuf_bytes, subbuf_count
        self._streams: dict[int, Stream] = {}
        """By file descriptor."""
        self._moved: set[int] = set()
        self._absent = list(range(device.info.cpus))
        self._poll = select.poll()
        self._poll.register(device.fileno(), 0)
        try:
            self._open_streams()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        for stream in self._streams.values():
            stream.close()
        self._streams.clear()

    def run(self, sink: Sink, is_done: Callable[[], bool], wake_fd: int | None = None) -> bool:
        """Records until ``is_done()``, or until somebody stopped the session: False then.

        ``is_done`` is asked at least every 100 ms, and at once when ``wake_fd`` is readable.
        """
        if wake_fd is not None:
            self._poll.register(wake_fd, select.POLLIN)
        now_ns = time.monotonic_ns()
        flush_ns, rescan_ns = now_ns + FLUSH_NS, now_ns + _RESCAN_NS
        while not is_done():
            # Rounded up: poll(0) would spin through the last millisecond.
            ready = dict(self._poll.poll(max(0, flush_ns - now_ns) // 1_000_000 + 1))
            if self._device.fileno() in ready:
                return False
            self._move_ready(ready, sink)
            now_ns = time.monotonic_ns()
            if now_ns >= flush_ns:
                self._flush_quiet()
                flush_ns = now_ns + FLUSH_NS
            if now_ns >= rescan_ns:
                self._open_streams()
                rescan_ns = now_ns + _RESCAN_NS
        return True

    def drain(self, sink: Sink) -> list[CpuTotals]:
        """After the session has ended: moves what is left, and answers what each CPU counted."""
        self._open_streams()
        for stream in self._streams.values():
            while self._move(stream, sink):
                pass
        return self.counters()

    def counters(self) -> list[CpuTotals]:
        return sorted(
            (stream.counters() for stream in self._streams.values()), key=lambda cpu: cpu.cpu
        )

    def _open_streams(self) -> None:
        """A CPU gets its buffer when it comes up for the first time."""
        absent = []
        for cpu in self._absent:
            stream = self._device.open_stream(cpu, *self._shape)
            if stream is None:
                absent.append(cpu)
                continue
            self._streams[stream.fileno()] = stream
            self._poll.register(stream.fileno(), select.POLLIN)
        self._absent = absent

    def _move_ready(self, ready: dict[int, int], sink: Sink) -> None:
        """One sub-buffer a stream: a CPU that fills them faster than they can be written must not
        keep the others waiting."""
        for fd, stream in self._streams.items():
            if fd in ready and self._move(stream, sink):
                self._moved.add(fd)

    def _flush_quiet(self) -> None:
        """Streams that gave something since the last time are full of newer records only."""
        for fd, stream in self._streams.items():
            if fd not in self._moved:
                stream.flush()
        self._moved.clear()

    def _move(self, stream: Stream, sink: Sink) -> bool:
        """False when no sub-buffer waits."""
        subbuf = stream.get()
        if subbuf is None:
            return False
        seq, data = subbuf
        with data:
            sink.write_chunk(stream.cpu, seq, data)
        stream.put(seq)
        return True
