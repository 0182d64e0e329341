"""The flight recorder: a session whose buffers keep the newest records, and what they hold."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from tracectl.abi.control import ConfigFlag, State
from tracectl.abi.records import SubbufHeader
from tracectl.capture.metadata import Config, EndBlock
from tracectl.capture.writer import CaptureWriter
from tracectl.cli.chosen import chosen_until
from tracectl.cli.held import Held
from tracectl.cli.plan import Plan
from tracectl.cli.recording import Recording, describe, moment_of
from tracectl.cli.summary import Summary, summary_of
from tracectl.errors import DeviceError
from tracectl.kernel.device import Device, Status
from tracectl.kernel.shapes import flight_label
from tracectl.kernel.stream import Stream
from tracectl.tables.table import load_tables

if TYPE_CHECKING:
    from tracectl.cli.watch import Watch


def open_recording(device: Device, plan: Plan) -> Recording | Held:
    """The session that ``plan`` asks for, armed."""
    if plan.is_flight:
        return Flight(device, plan)
    if plan.counts_only:
        return Held(device, plan, "counters", ConfigFlag.COUNTERS)
    assert plan.output is not None, "only these have no file"
    return Recording(device, plan, plan.output)


class Flight(Held):
    """A session whose buffers are the memory. With an output in ``plan``, what it holds at its end
    is written."""

    def __init__(self, device: Device, plan: Plan) -> None:
        super().__init__(device, plan, flight_label(load_tables()), ConfigFlag.OVERWRITE)

        self._watch: Watch | None = None

    def run(self, is_done: Callable[[], bool], reason: str, wake_fd: int | None = None) -> Summary:
        if self.plan.triggers is None:
            return super().run(is_done, reason, wake_fd)
        from tracectl.cli.watch import Watch  # noqa: PLC0415 - numpy

        shape = self.plan.subbuf_bytes, self.plan.subbuf_count
        with Watch(self._device, self.plan.triggers, shape) as self._watch:
            return super().run(is_done, reason, wake_fd)

    def _look(self) -> None:
        if self._watch is not None:
            self._watch.look(self._take)

    def _finish(self, status: Status, reason: str) -> Summary:
        if self._watch is not None:
            self._watch.finish(self._take)
        if self.plan.output is None:
            return super()._finish(status, reason)
        return _write(self._device, status, self.plan.output, reason, self.plan.compress)

    def _take(self, path: Path, reason: str, from_ns: int) -> None:
        status = self._device.status()
        _write(self._device, status, path, reason, self.plan.compress, from_ns)


def write_snapshot(device: Device, path: Path, *, compress: bool = True) -> Summary:
    """What the flight recorder that runs on this machine holds; it goes on.

    DeviceError when none runs, or another version of tracectl started it.
    """
    status = device.status()
    if status.state == State.IDLE or not status.flags & ConfigFlag.OVERWRITE:
        raise DeviceError(
            "no flight recorder is running; 'tracectl start --flight 256M' starts one"
        )
    if status.label != flight_label(load_tables()):
        raise DeviceError(
            "the flight recorder was started by another version of tracectl, whose tables this one "
            "does not know; take the snapshot with that one"
        )
    return _write(device, status, path, "snapshot", compress)


def _write(
    device: Device, status: Status, path: Path, reason: str, compress: bool, from_ns: int = 0
) -> Summary:
    """What is not older than ``from_ns`` on the session's clock, in whole sub-buffers."""
    config = Config(
        classes=int(status.classes),
        subbuf_bytes=status.subbuf_bytes,
        subbuf_count=status.subbuf_count,
        target_pid=status.target_pid,
        flags=int(status.flags),
        is_partial=bool(status.target_pid) or status.terms.has_threads,
        recorder_pid=status.owner_pid,
        chosen=chosen_until(status, status.terms),
    )
    with ExitStack() as stack:
        streams = []
        for cpu in range(device.info.cpus):
            stream = device.open_stream(cpu, status.subbuf_bytes, status.subbuf_count)
            if stream is not None:
                stack.callback(stream.close)
                streams.append(stream)
        metadata = describe(config, device, status.session_id)
        writer = stack.enter_context(CaptureWriter(path, metadata, compress=compress))
        for stream in streams:
            stream.flush()
        until = moment_of(device)
        counters = [stream.counters() for stream in streams]
        for stream in streams:
            _copy(stream, writer, from_ns, until.trace_ns)
        end = EndBlock(reason, [until], counters, config.chosen)
        writer.write_end(end)
        return summary_of(path, end, writer.size_bytes)


def _copy(stream: Stream, writer: CaptureWriter, from_ns: int, until_ns: int) -> None:
    """Sub-buffers that ended after ``from_ns`` and began before ``until_ns``: a busy CPU would go
    on forever."""
    while (subbuf := stream.get()) is not None:
        seq, view = subbuf
        with view:
            data = bytes(view)
        if not stream.put(seq):
            continue
        header = SubbufHeader.parse(data)
        if header.first_ns > until_ns:
            break
        if header.last_ns >= from_ns:
            writer.write_chunk(stream.cpu, seq, data)
