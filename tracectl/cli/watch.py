"""A flight recorder's triggers: reads what its buffers get, and takes snapshots."""

from __future__ import annotations

import signal
import syslog
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from tracectl.analysis.calls import join_calls
from tracectl.analysis.pairing import Pairing
from tracectl.analysis.triggers import Sighting, first_sighting
from tracectl.cli.output import say
from tracectl.cli.triggers import TriggerPlan
from tracectl.decode.subbuffer import Records, decode_subbuffer
from tracectl.errors import CaptureError, DecodeError
from tracectl.kernel.device import Device
from tracectl.kernel.shapes import shapes_of
from tracectl.kernel.stream import Stream
from tracectl.tables.table import load_tables

_RESCAN_NS = 1_000_000_000

Take = Callable[[Path, str, int], None]
"""Writes the snapshot: its path, the reason, and the session's time from which on."""


class Watch:
    """Looks for the triggers of ``plan`` in the session of ``device``, an overwriting one, from
    which reading takes nothing away. Leave it as a context manager."""

    def __init__(self, device: Device, plan: TriggerPlan, shape: tuple[int, int]) -> None:
        self._device = device
        self._plan = plan
        self._shape = shape
        self._stack = ExitStack()
        tables = load_tables()
        native, compat = tables.values()
        self._tables = (native, compat, native)
        self._triggers = plan.triggers()
        self._pairing = Pairing(shapes_of(tables))
        self._streams: list[Stream] = []
        self._absent = list(range(device.info.cpus))
        self._rescan_ns = 0
        self._due: Sighting | None = None
        self._free_ns = 0
        self._passed_over = 0
        self._unseen = 0
        self._next_seq: dict[int, int] = {}
        self._is_asked = False
        if plan.is_on_request:
            signal.signal(signal.SIGUSR1, self._ask)

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    def look(self, take: Take) -> None:
        """At what has come since the last time; to be called every 100 ms."""
        # What is older than this has been handed over when all streams are flushed.
        clocks = self._device.clocks()
        found = self._read(clocks.trace_ns)
        if self._is_asked:
            self._is_asked = False
            found = Sighting(clocks.trace_ns, "SIGUSR1")
        if found is not None and self._due is None:
            if clocks.trace_ns >= self._free_ns:
                self._due = found
            else:
                self._passed_over += 1
        if self._due is not None and clocks.trace_ns >= self._due.time_ns + self._plan.after_ns:
            self.finish(take)

    def finish(self, take: Take) -> None:
        """Takes the snapshot that is waited with."""
        if self._due is None:
            return
        clocks = self._device.clocks()
        self._take(take, self._due, clocks.real_ns - clocks.trace_ns)
        self._free_ns = self._due.time_ns + self._plan.every_ns
        self._due = None

    def _take(self, take: Take, due: Sighting, offset_ns: int) -> None:
        path = self._plan.directory / f"tracectl-{_stamp(due.time_ns + offset_ns)}.trace"
        reason = f"trigger: {due.text}"
        if self._passed_over:
            reason += f" ({self._passed_over} more since the last snapshot)"
        if self._unseen:
            reason += f"; {self._unseen} sub-buffers were overwritten before they were looked at"
        before_ns = self._plan.before_ns
        try:
            take(path, reason, due.time_ns - before_ns if before_ns else 0)
        except CaptureError as error:
            # The recorder goes on: the next one may find room.
            _tell(f"no snapshot: {error} ({reason})")
            return
        self._passed_over = self._unseen = 0
        _tell(f"{path}: {reason}")

    def _read(self, now_ns: int) -> Sighting | None:
        if time.monotonic_ns() >= self._rescan_ns:
            self._open_streams()
            self._rescan_ns = time.monotonic_ns() + _RESCAN_NS
        all_records = [records for stream in self._streams for records in self._drain(stream)]
        blocks = [self._pairing.add(records) for records in all_records]
        calls = join_calls([*blocks, self._pairing.advance(now_ns)])
        return first_sighting(self._triggers, calls, all_records, self._name_of)

    def _drain(self, stream: Stream) -> list[Records]:
        stream.flush()
        found = []
        while (subbuf := stream.get()) is not None:
            seq, view = subbuf
            with view:
                data = bytes(view)
            self._unseen += seq - self._next_seq.get(stream.cpu, seq)
            self._next_seq[stream.cpu] = seq + 1
            # One that was overwritten meanwhile is a gap, which the pairing knows to be one.
            if not stream.put(seq):
                self._unseen += 1
                continue
            try:
                found.append(decode_subbuffer(data))
            except DecodeError as error:
                _tell(f"sub-buffer {seq} of CPU {stream.cpu} cannot be looked at: {error}")
        return found

    def _open_streams(self) -> None:
        """A CPU gets its buffer when it comes up for the first time."""
        absent = []
        for cpu in self._absent:
            stream = self._device.open_stream(cpu, *self._shape)
            if stream is None:
                absent.append(cpu)
            else:
                self._stack.callback(stream.close)
                self._streams.append(stream)
        self._absent = absent

    def _name_of(self, abi: int, nr: int) -> str:
        return self._tables[min(abi, 2)].name(nr)

    def _ask(self, signum: int, _: object) -> None:
        self._is_asked = True


def _tell(message: str) -> None:
    """A background recorder has nobody to read its messages."""
    syslog.syslog(syslog.LOG_NOTICE, message)
    say(message)


def _stamp(real_ns: int) -> str:
    seconds, rest_ns = divmod(real_ns, 10**9)
    return f"{time.strftime('%Y%m%d-%H%M%S', time.localtime(seconds))}.{rest_ns // 10**6:03}"
