"""The calls of what is being recorded, as they come."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tracectl.abi.control import ConfigFlag, State
from tracectl.analysis.calls import Calls, join_calls
from tracectl.analysis.merge import Done, iter_ordered
from tracectl.analysis.pairing import Pairing
from tracectl.decode.subbuffer import decode_subbuffer
from tracectl.errors import DecodeError, DeviceError
from tracectl.kernel.device import Device
from tracectl.live.capture import GrowingSource
from tracectl.live.flight import FlightSource

Live = GrowingSource | FlightSource

_LOOK_S = 0.2
_HOLD_NS = 300_000_000
"""For so long an open call holds up those that began after it."""


def open_source(path: Path | None) -> Live:
    """Of the recording that writes ``path``, or of the one on this machine. DeviceError when there
    is none, CaptureError when ``path`` is no capture."""
    if path is not None:
        return GrowingSource(path)
    with Device() as device:
        status = device.status()
    if status.state == State.IDLE:
        raise DeviceError("nothing is being recorded; name a capture, or 'tracectl start'")
    if status.flags & ConfigFlag.OVERWRITE:
        return FlightSource()
    return GrowingSource(Path(status.label))


def iter_followed(source: Live) -> Iterator[Calls]:
    """In order of their beginning; a call that is open for too long comes where it ends."""
    return iter_ordered(_iter_done(source), None)


def _iter_done(source: Live) -> Iterator[Done]:
    pairing = Pairing(source.facts.shapes)
    while not source.has_ended():
        blocks = []
        for chunk in source.read(_LOOK_S):
            try:
                blocks.append(pairing.add(decode_subbuffer(chunk.data)))
            except DecodeError as error:
                source.problems.append(f"sub-buffer {chunk.seq} of CPU {chunk.cpu}: {error}")
        if blocks:
            blocks.append(pairing.advance(source.settled_ns))
            horizon_ns = max(pairing.horizon_ns, source.settled_ns - _HOLD_NS)
            yield Done(join_calls(blocks), horizon_ns, source.settled_ns)
    yield Done(pairing.finish(), pairing.horizon_ns, pairing.horizon_ns)
