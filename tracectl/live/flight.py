"""The flight recorder that runs on this machine as a source: reading takes nothing away from it."""

from __future__ import annotations

import os
import select
import time

from tracectl.abi.control import ConfigFlag, State
from tracectl.abi.records import SubbufHeader
from tracectl.capture.metadata import Moment, Task
from tracectl.capture.reader import Chunk
from tracectl.errors import DeviceError
from tracectl.kernel.device import Device
from tracectl.kernel.shapes import flight_label, shapes_of
from tracectl.kernel.stream import Stream
from tracectl.kernel.tasks import find_cgroups, iter_tasks
from tracectl.live.capture import times_of
from tracectl.live.source import FOREVER_NS, CpuState, Facts, Losses, Settling
from tracectl.tables.table import load_tables

_BATCH = 8
_RESCAN_S = 1.0
_LAP_S = 60.0
_FLUSH_S = 0.25
_LATE_NS = 2_000_000_000
_HISTORY_S = 3.0
_MOST = 256
_HEADER_BYTES = SubbufHeader.sizeof()


class FlightSource:
    """DeviceError when none runs, or another version of tracectl started it.

    What is part-filled is asked for often enough to be followed, and seldom enough that a quiet CPU
    keeps a minute of records: each time, a sub-buffer is used up.
    """

    def __init__(self) -> None:
        self._device = Device()
        try:
            status = self._device.status()
            if status.state == State.IDLE or not status.flags & ConfigFlag.OVERWRITE:
                raise DeviceError(
                    "no flight recorder is running; 'tracectl start --flight 256M' starts one"
                )
            tables = load_tables()
            if status.label != flight_label(tables):
                raise DeviceError(
                    "the flight recorder was started by another version of tracectl; view it with "
                    "that one, or take a snapshot with it"
                )
            native, narrow = tables.values()
            clocks = self._device.clocks()
            uname = os.uname()
            self.facts = Facts(
                title="flight recorder",
                host=uname.nodename,
                machine=uname.machine,
                cpus=self._device.info.cpus,
                tables=[native, narrow, native],
                shapes=shapes_of(tables),
                moments=[Moment(clocks.trace_ns, clocks.mono_ns, clocks.real_ns)],
                is_live=True,
                is_here=True,
                tasks=[Task(*task) for task in iter_tasks()],
                cgroups=find_cgroups(),
            )
        except BaseException:
            self._device.close()
            raise
        self.problems: list[str] = []
        self._session_id = status.session_id
        self._shape = status.subbuf_bytes, status.subbuf_count
        self._flush_s = max(_FLUSH_S, _LAP_S / status.subbuf_count)
        self._streams: dict[int, Stream] = {}
        self._seqs: dict[int, int] = {}
        self._poll = select.poll()
        self._rescan_s = self._flush_next_s = 0.0
        self._has_ended = False
        self._offset_ns = clocks.trace_ns - clocks.mono_ns
        self._history_s = time.monotonic() + _HISTORY_S
        # Once more: a CPU may be slow to be asked.
        self._settling = Settling(self.facts.cpus, int(3 * self._flush_s * 1e9))

    @property
    def period_s(self) -> float:
        """How old the newest record of a quiet CPU may be."""
        return self._flush_s

    @property
    def settled_ns(self) -> int:
        return FOREVER_NS if self._has_ended else self._settling.settled_ns

    def read(self, timeout_s: float) -> list[Chunk]:
        now_s = time.monotonic()
        if now_s >= self._rescan_s:
            self._open_streams()
            self._rescan_s = now_s + _RESCAN_S
        if now_s >= self._flush_next_s:
            for stream in self._streams.values():
                stream.flush()
            self._flush_next_s = now_s + self._flush_s
        wait_s = max(0.0, min(timeout_s, self._flush_next_s - now_s))
        ready = dict(self._poll.poll(int(wait_s * 1000) + 1))
        chunks: list[Chunk] = []
        for fd, stream in self._streams.items():
            if fd in ready:
                chunks += self._take(stream)
        if not chunks and ready:
            self._look_for_end()
        return chunks

    def has_ended(self) -> bool:
        return self._has_ended

    def losses(self) -> Losses:
        status = self._device.status()
        if status.session_id != self._session_id:
            self._has_ended = True
            return Losses()
        count = status.subbuf_count
        cpus = {
            stream.cpu: CpuState(fill=min(1.0, self._seqs.get(stream.cpu, 0) / count))
            for stream in self._streams.values()
        }
        return Losses(status.generated, status.lost, status.filtered, cpus)

    def progress(self) -> float:
        return 1.0

    def close(self) -> None:
        for stream in self._streams.values():
            stream.close()
        self._streams.clear()
        self._device.close()

    def _open_streams(self) -> None:
        known = {stream.cpu for stream in self._streams.values()}
        for cpu in range(self.facts.cpus):
            if cpu in known:
                continue
            stream = self._device.open_stream(cpu, *self._shape)
            if stream is not None:
                self._streams[stream.fileno()] = stream
                self._poll.register(stream.fileno(), select.POLLIN)

    def _take(self, stream: Stream) -> list[Chunk]:
        """Some of what waits. One that was overwritten meanwhile shows by its number, and so does
        one that is passed over because more comes than can be shown: a view is of now."""
        chunks: list[Chunk] = []
        now_ns = time.monotonic_ns() + self._offset_ns
        # What is there at the start is shown, too.
        oldest_ns = now_ns - _LATE_NS if time.monotonic() > self._history_s else 0
        for _ in range(_MOST):
            if len(chunks) == _BATCH or (subbuf := stream.get()) is None:
                break
            seq, view = subbuf
            with view:
                is_late = SubbufHeader.parse(bytes(view[:_HEADER_BYTES])).last_ns < oldest_ns
                data = b"" if is_late else bytes(view)
            if stream.put(seq) and not is_late:
                self._seqs[stream.cpu] = seq + 1
                chunks.append(Chunk(stream.cpu, seq, data, 0))
                self._settling.add(stream.cpu, times_of(chunks[-1])[1])
        return chunks

    def _look_for_end(self) -> None:
        """Nothing waits where something was ready: the session has ended, and all of it is read."""
        status = self._device.status()
        if status.state == State.IDLE or status.session_id != self._session_id:
            self._has_ended = True
