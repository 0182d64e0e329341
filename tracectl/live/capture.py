"""A capture as a source: one that is complete, or one that its recorder is still writing."""

from __future__ import annotations

import heapq
import time
from collections import deque
from pathlib import Path

from tracectl.abi.records import SubbufHeader
from tracectl.capture.reader import Capture, Chunk, open_capture
from tracectl.capture.tables import tables_in
from tracectl.live.source import FOREVER_NS, Facts, Losses, Settling, losses_on

_BATCH_BYTES = 4 << 20
_LOOK_S = 0.05
_FLUSH_NS = 1_000_000_000
"""A recorder has written what a CPU did before it; it asks ten times a second."""


class CaptureSource:
    """Gives the chunks of ``path`` as far as all CPUs have come, each CPU's in order."""

    def __init__(self, path: Path) -> None:
        self._capture = open_capture(path)
        try:
            self.span_ns = span_of(self._capture)
            self.facts = facts_of(self._capture, self.span_ns[1] - self.span_ns[0])
        except BaseException:
            self._capture.close()
            raise
        self.problems = self._capture.problems
        self._spans: dict[int, tuple[int, int]] = {}
        self.restart(None)

    def restart(self, span_ns: tuple[int, int] | None) -> None:
        """From the beginning, only sub-buffers that have some of ``span_ns``."""
        self._wanted = span_ns
        self._queues = {cpu: deque(places) for cpu, places in self._capture.places_by_cpu().items()}
        self._behind = [(0, cpu) for cpu in sorted(self._queues)]
        self._left = self._count = len(self._capture)
        self._has_all = len(self._spans) == self._count

    @property
    def settled_ns(self) -> int:
        return self._behind[0][0] if self._behind else FOREVER_NS

    def read(self, timeout_s: float) -> list[Chunk]:
        """Never waits."""
        chunks: list[Chunk] = []
        size_bytes = 0
        while self._behind and size_bytes < _BATCH_BYTES:
            last_ns, cpu = self._behind[0]
            if not self._queues[cpu]:
                heapq.heappop(self._behind)
                continue
            place = self._queues[cpu].popleft()
            self._left -= 1
            if self._is_outside(place):
                continue
            chunk = self._capture.read_chunk(place)
            if chunk is None:
                continue
            self._spans[place] = times_of(chunk)
            heapq.heapreplace(self._behind, (max(last_ns, self._spans[place][1]), cpu))
            if not self._is_outside(place):
                chunks.append(chunk)
                size_bytes += len(chunk.data)
        return chunks

    def has_ended(self) -> bool:
        return not self._behind

    def losses(self) -> Losses:
        return losses_of(self._capture)

    def progress(self) -> float:
        return 1 - self._left / max(self._count, 1)

    def close(self) -> None:
        self._capture.close()

    def _is_outside(self, place: int) -> bool:
        # What tells who is who is anywhere: all is given once.
        if self._wanted is None or not self._has_all:
            return False
        first_ns, last_ns = self._spans[place]
        return last_ns < self._wanted[0] or first_ns >= self._wanted[1]


class GrowingSource:
    """Gives the chunks of ``path`` as its recorder appends them, until the end block."""

    def __init__(self, path: Path) -> None:
        self._capture = open_capture(path)
        try:
            self.facts = facts_of(self._capture, 0)
        except BaseException:
            self._capture.close()
            raise
        self.problems = self._capture.problems
        # That it has no end is no damage.
        self.problems.clear()
        self._next = 0
        self._settling = Settling(self.facts.cpus, _FLUSH_NS)

    @property
    def settled_ns(self) -> int:
        return FOREVER_NS if self.has_ended() else self._settling.settled_ns

    def read(self, timeout_s: float) -> list[Chunk]:
        if self._next == len(self._capture):
            self._await_more(timeout_s)
        chunks: list[Chunk] = []
        size_bytes = 0
        while self._next < len(self._capture) and size_bytes < _BATCH_BYTES:
            chunk = self._capture.read_chunk(self._next)
            self._next += 1
            if chunk is not None:
                self._settling.add(chunk.cpu, times_of(chunk)[1])
                chunks.append(chunk)
                size_bytes += len(chunk.data)
        return chunks

    def has_ended(self) -> bool:
        return self._capture.end is not None and self._next == len(self._capture)

    def losses(self) -> Losses:
        return losses_of(self._capture)

    def progress(self) -> float:
        return 1.0

    def close(self) -> None:
        self._capture.close()

    def _await_more(self, timeout_s: float) -> None:
        """The recorder hands nothing over: inotify would tell no sooner than a look at the size."""
        deadline_s = time.monotonic() + timeout_s
        while True:
            self._capture.rescan()
            rest_s = deadline_s - time.monotonic()
            if self._next < len(self._capture) or self._capture.end or rest_s <= 0:
                return
            time.sleep(min(_LOOK_S, rest_s))


def losses_of(capture: Capture) -> Losses:
    """Of the end block; nothing is known without."""
    return Losses() if capture.end is None else losses_on(capture.end.cpus)


def facts_of(capture: Capture, span_ns: int) -> Facts:
    """``span_ns`` is 0 of one that goes on."""
    metadata = capture.metadata
    return Facts(
        title=capture.path.name,
        host=metadata.host.name,
        machine=metadata.host.machine,
        cpus=metadata.cpus,
        tables=tables_in(metadata, capture.path),
        shapes=metadata.shapes,
        moments=[*metadata.clocks, *(capture.end.clocks if capture.end else ())],
        is_live=not span_ns,
        tasks=metadata.tasks,
        cgroups=metadata.cgroups,
        span_ns=span_ns,
    )


def span_of(capture: Capture) -> tuple[int, int]:
    """From the first event to the last, on the session's clock: each CPU's chunks are in order."""
    ends = {
        place for places in capture.places_by_cpu().values() for place in (places[0], places[-1])
    }
    times = [times_of(chunk) for place in ends if (chunk := capture.read_chunk(place)) is not None]
    if not times:
        return 0, 1
    return min(first for first, _ in times), max(last for _, last in times) + 1


def times_of(chunk: Chunk) -> tuple[int, int]:
    """When its first record was written, and when it was handed over."""
    if len(chunk.data) < SubbufHeader.sizeof():
        return 0, 0
    header = SubbufHeader.parse(chunk.data)
    return header.first_ns, header.last_ns
