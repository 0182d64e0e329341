"""A Perfetto trace: a track a thread, a slice a call, counters of rate and loss.

The messages are those of perfetto/trace/trace_packet.proto; a test parses them with Perfetto's own
classes. Times are the session's clock, which Perfetto is told is CLOCK_MONOTONIC, and what time of
day that was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import IO

import numpy as np

from tracectl.analysis.calls import Calls, State
from tracectl.capture.metadata import Metadata
from tracectl.export.columns import Source
from tracectl.export.protobuf import number, text
from tracectl.export.slices import SEQUENCE, BlockWriter, packet

_REALTIME, _MONOTONIC = 1, 3
_CLEARED = 1
_COUNTER = 4
_RATE_BIN_NS = 10_000_000
_RATE_UUID = 1
_LOSS_UUIDS = 2


def write_perfetto(
    file: IO[bytes], source: Source, metadata: Metadata, blocks: Iterable[Calls]
) -> None:
    """OSError."""
    file.write(_opening(source, metadata))
    writer = BlockWriter(source)
    rate: Counter[int] = Counter()
    for calls in blocks:
        for part in writer.iter_parts(calls):
            file.write(part)
        began = calls.entry_ns[calls.state != State.NO_ENTRY]
        bins, counts = np.unique(began // np.uint64(_RATE_BIN_NS), return_counts=True)
        rate.update(dict(zip(bins.tolist(), counts.tolist(), strict=True)))
    file.write(_rate_track(rate))
    file.write(_loss_tracks(source.losses))


def _opening(source: Source, metadata: Metadata) -> bytes:
    """Clocks, and what all packets of the sequence have in common."""
    trace_ns = metadata.clocks[0].trace_ns
    clocks = (_MONOTONIC, trace_ns), (_REALTIME, trace_ns + source.clock.offset_ns)
    snapshot = b"".join(text(1, number(1, clock) + number(2, at_ns)) for clock, at_ns in clocks)
    defaults = number(58, _MONOTONIC)
    return packet(text(6, snapshot + number(2, _MONOTONIC))) + packet(
        SEQUENCE + number(13, _CLEARED) + text(59, defaults)
    )


def _rate_track(rate: Counter[int]) -> bytes:
    """Calls that began, a second; a bin without any is told once."""
    values: dict[int, int] = {}
    for index, count in rate.items():
        values[index] = count * (1_000_000_000 // _RATE_BIN_NS)
        if index + 1 not in rate:
            values[index + 1] = 0
    points = [(index * _RATE_BIN_NS, value) for index, value in sorted(values.items())]
    return _counter_track(_RATE_UUID, "system calls", "calls/s", points)


def _loss_tracks(losses: Iterable[tuple[int, int, int]]) -> bytes:
    """Events lost so far, by CPU; only of CPUs that lost any."""
    points: dict[int, list[tuple[int, int]]] = {}
    for time_ns, cpu, lost in losses:
        points.setdefault(cpu, []).append((time_ns, lost))
    return b"".join(
        _counter_track(_LOSS_UUIDS + cpu, f"lost on CPU {cpu}", "events", mine)
        for cpu, mine in sorted(points.items())
        if mine[-1][1]
    )


def _counter_track(uuid: int, name: str, unit: str, points: list[tuple[int, int]]) -> bytes:
    track = number(1, uuid) + text(2, name) + text(8, text(6, unit))
    parts = [packet(SEQUENCE + text(60, track))]
    for time_ns, value in points:
        event = number(9, _COUNTER) + number(11, uuid) + number(30, value)
        parts.append(packet(number(8, time_ns) + SEQUENCE + number(13, 2) + text(11, event)))
    return b"".join(parts)
