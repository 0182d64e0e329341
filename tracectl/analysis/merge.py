"""The calls of a capture, in order of time."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

import numpy as np

from tracectl.analysis.calls import Calls, join_calls, sort_calls
from tracectl.analysis.halves import Halves, split_calls
from tracectl.analysis.pairing import Pairing
from tracectl.analysis.settled import iter_settled
from tracectl.capture.reader import Capture
from tracectl.decode.arguments import Shapes
from tracectl.decode.subbuffer import Records, decode_subbuffer
from tracectl.errors import DecodeError

_UNWRITTEN_NS = 1_000_000_000
"""More than a recorder leaves in the buffers of a quiet CPU: it flushes them ten times a second."""

MOST_HELD = 1 << 16
_BATCH = 1 << 15
"""So many calls, or halves of them, are given out at once."""


def pairing_of(capture: Capture, shapes: Shapes | None) -> Pairing:
    """What pairs the calls of ``capture``, with what its end says was lost."""
    if capture.end is not None:
        return Pairing(shapes, capture.end.cpus)
    return Pairing(shapes, None, _newest_ns(capture) - _UNWRITTEN_NS)


def _newest_ns(capture: Capture) -> int:
    """When the newest sub-buffer was handed over."""
    newest_ns = 0
    for places in capture.places_by_cpu().values():
        for place in reversed(places):
            known = len(capture.problems)
            chunk = capture.read_chunk(place)
            # It becomes a problem when it is its turn.
            del capture.problems[known:]
            if chunk is None:
                continue
            with suppress(DecodeError):
                newest_ns = max(newest_ns, decode_subbuffer(chunk.data).last_ns)
                break
    return newest_ns


class Done(NamedTuple):
    """Calls as they are known. Of those that are not given out yet none begins before
    ``horizon_ns``; ``settled_ns`` is how far all CPUs have come."""

    calls: Calls
    horizon_ns: int
    settled_ns: int


def iter_done(capture: Capture, tell: Callable[[Records], None] | None = None) -> Iterator[Done]:
    """The calls of ``capture``, in blocks. ``tell`` is told each sub-buffer before the calls of its
    time are given out in order."""
    shapes = capture.metadata.shapes
    pairing = pairing_of(capture, shapes)
    blocks: list[Calls] = []
    count = 0
    # Who looks at the first ones does not wait.
    batch = 1

    def split(records: Records) -> tuple[Calls, Halves]:
        parts = split_calls(records, shapes)
        if tell is not None:
            tell(records)
        return parts

    for one in iter_settled(capture, split, cores=1):
        whole, left = one.made
        pairing.add_halves(one.place, left)
        blocks.append(whole)
        count += len(whole) + len(left)
        if count >= batch:
            blocks.append(pairing.advance(one.settled_ns))
            yield Done(join_calls(blocks), pairing.horizon_ns, one.settled_ns)
            blocks, count = [], 0
            batch = min(2 * batch, _BATCH)
    yield Done(join_calls([*blocks, pairing.finish()]), pairing.horizon_ns, pairing.horizon_ns)


def iter_ordered(done: Iterable[Done], most_held: int | None = MOST_HELD) -> Iterator[Calls]:
    """The calls that iter_done() gives, in order of their beginning: what began after a call that
    is still open is held back until that one ends.

    Of more than ``most_held`` the older half is given out nevertheless, but none that began later
    than all CPUs have come, and the open call comes where it ends; with None that never happens.
    """
    held: list[tuple[int, int, Calls]] = []
    count = serial = 0
    for calls, horizon_ns, settled_ns in done:
        if len(calls):
            serial += 1
            ordered = sort_calls(calls)
            heapq.heappush(held, (int(ordered.first_ns[0]), serial, ordered))
            count += len(calls)
        until_ns = horizon_ns
        if most_held is not None and count > most_held:
            middle_ns = heapq.nsmallest(len(held) // 2 + 1, held)[-1][0] + 1
            until_ns = max(horizon_ns, min(middle_ns, settled_ns))
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
    return sort_calls(join_calls([done.calls for done in iter_done(capture)]))
