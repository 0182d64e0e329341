"""Captures in order of time: the sub-buffers of all CPUs, and the calls in them."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from tracectl.analysis.calls import Calls, join_calls, sort_calls
from tracectl.analysis.pairing import Pairing
from tracectl.capture.reader import Capture
from tracectl.decode.subbuffer import Records, decode_subbuffer
from tracectl.errors import DecodeError

_UNWRITTEN_NS = 1_000_000_000
"""More than a recorder leaves in the buffers of a quiet CPU: it flushes them ten times a second."""

MOST_HELD = 1 << 16
_BATCH = 1 << 16
"""So many records are paired at once."""


def iter_settled(capture: Capture) -> Iterator[tuple[Records, int]]:
    """The sub-buffers of ``capture``, and after each how far all CPUs have come: whatever is older
    has been given out. Each CPU is at most one sub-buffer ahead of that.

    Damaged sub-buffers are left out and become problems of the capture.
    """
    queues = {cpu: iter(places) for cpu, places in capture.places_by_cpu().items()}
    behind = [(0, cpu) for cpu in sorted(queues)]
    while behind:
        last_ns, cpu = behind[0]
        records = _next_records(capture, queues[cpu], last_ns)
        if records is None:
            heapq.heappop(behind)
            continue
        heapq.heapreplace(behind, (records.last_ns, cpu))
        yield records, behind[0][0]


def _next_records(capture: Capture, places: Iterator[int], last_ns: int) -> Records | None:
    for place in places:
        chunk = capture.read_chunk(place)
        if chunk is None:
            continue
        try:
            records = decode_subbuffer(chunk.data)
            if (records.cpu, records.seq) != (chunk.cpu, chunk.seq):
                raise DecodeError(f"it says it is number {records.seq} of CPU {records.cpu}")
        except DecodeError as error:
            capture.problems.append(f"sub-buffer {chunk.seq} of CPU {chunk.cpu}: {error}")
            continue
        if records.first_ns < last_ns:
            capture.problems.append(
                f"sub-buffer {chunk.seq} of CPU {chunk.cpu} begins before the last one ended; it "
                "is read as if it had begun then"
            )
            return _not_before(records, last_ns)
        return records
    return None


def _not_before(records: Records, time_ns: int) -> Records:
    return replace(
        records,
        first_ns=time_ns,
        last_ns=max(records.last_ns, time_ns),
        time_ns=np.maximum(records.time_ns, np.uint64(time_ns)),
    )


def pairing_of(capture: Capture) -> Pairing:
    """What pairs the calls of ``capture``, with what its end says was lost."""
    shapes = capture.metadata.shapes
    if capture.end is not None:
        return Pairing(shapes, capture.end.cpus)
    return Pairing(shapes, None, _newest_ns(capture) - _UNWRITTEN_NS)


def _newest_ns(capture: Capture) -> int:
    """When the newest sub-buffer was handed over."""
    newest_ns = 0
    for places in capture.places_by_cpu().values():
        known = list(capture.problems)
        records = _next_records(capture, reversed(places), 0)
        capture.problems[:] = known
        newest_ns = max(newest_ns, 0 if records is None else records.last_ns)
    return newest_ns


def iter_done(capture: Capture) -> Iterator[tuple[Calls, int]]:
    """The calls of ``capture`` as they are known, in blocks; after each, the time before which none
    begins that was not given out."""
    pairing = pairing_of(capture)
    blocks: list[Calls] = []
    count = 0
    for records, settled_ns in iter_settled(capture):
        try:
            blocks.append(pairing.add(records))
        except DecodeError as error:
            capture.problems.append(f"sub-buffer {records.seq} of CPU {records.cpu}: {error}")
            continue
        count += len(records)
        if count >= _BATCH:
            yield join_calls([*blocks, pairing.advance(settled_ns)]), pairing.horizon_ns
            blocks, count = [], 0
    yield join_calls([*blocks, pairing.finish()]), pairing.horizon_ns


def iter_ordered(
    done: Iterable[tuple[Calls, int]], most_held: int | None = MOST_HELD
) -> Iterator[Calls]:
    """The calls that iter_done() gives, in order of their beginning: what began after a call that
    is still open is held back until that one ends.

    Of more than ``most_held`` the older half is given out nevertheless, and the open call comes
    where it ends; with None that never happens.
    """
    held: list[tuple[int, int, Calls]] = []
    count = serial = 0
    for calls, horizon_ns in done:
        if len(calls):
            serial += 1
            ordered = sort_calls(calls)
            heapq.heappush(held, (int(ordered.first_ns[0]), serial, ordered))
            count += len(calls)
        until_ns = horizon_ns
        if most_held is not None and count > most_held:
            until_ns = max(horizon_ns, heapq.nsmallest(len(held) // 2 + 1, held)[-1][0] + 1)
        ready = []
        while held and held[0][0] < until_ns:
            _, _, block = heapq.heappop(held)
            cut = int(np.searchsorted(block.first_ns, np.uint64(until_ns)))
            ready.append(block.between(0, cut))
            if cut < len(block):
                serial += 1
                rest = block.between(cut, len(block))
                heapq.heappush(held, (int(rest.first_ns[0]), serial, rest))
        if ready:
            count -= sum(map(len, ready))
            yield sort_calls(join_calls(ready))


def read_calls(capture: Capture) -> Calls:
    """All calls of ``capture`` in order of time, held in memory: about 150 bytes a call."""
    return sort_calls(join_calls([calls for calls, _ in iter_done(capture)]))
