"""The flight recorder: a session whose buffers keep the newest records, and what they hold."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from tracectl.abi.control import ConfigFlag, State
from tracectl.abi.records import SubbufHeader
from tracectl.capture.metadata import Config
from tracectl.capture.writer import CaptureWriter
from tracectl.cli.held import Held
from tracectl.cli.plan import Plan
from tracectl.cli.recording import (
    Recording,
    describe,
    end_block,
    moment_of,
)
from tracectl.cli.summary import Summary, summary_of
from tracectl.errors import DeviceError
from tracectl.kernel.device import Device, Status
from tracectl.kernel.shapes import flight_label
from tracectl.kernel.stream import Stream
from tracectl.tables.table import load_tables


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

    def _finish(self, status: Status, reason: str) -> Summary:
        if self.plan.output is None:
            return super()._finish(status, reason)
        return _write(self._device, status, self.plan.output, reason, self.plan.compress)


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


def _write(device: Device, status: Status, path: Path, reason: str, compress: bool) -> Summary:
    config = Config(
        classes=int(status.classes),
        subbuf_bytes=status.subbuf_bytes,
        subbuf_count=status.subbuf_count,
        target_pid=status.target_pid,
        flags=int(status.flags),
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
            _copy(stream, writer, until.trace_ns)
        end = end_block(reason, until, counters)
        writer.write_end(end)
        return summary_of(path, end, writer.size_bytes)


def _copy(stream: Stream, writer: CaptureWriter, until_ns: int) -> None:
    """Sub-buffers that began before ``until_ns``: a busy CPU would go on forever."""
    while (subbuf := stream.get()) is not None:
        seq, view = subbuf
        with view:
            data = bytes(view)
        if not stream.put(seq):
            continue
        if SubbufHeader.parse(data).first_ns > until_ns:
            break
        writer.write_chunk(stream.cpu, seq, data)
