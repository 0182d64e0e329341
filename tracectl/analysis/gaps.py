"""Spans of time in which some CPU lost events."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from tracectl.abi.totals import CpuTotals
from tracectl.decode.subbuffer import Place

FOREVER_NS = (1 << 63) - 1

_U64 = NDArray[np.uint64]


class Gaps:
    """What is missing between the sub-buffers of each CPU, as far as they have been seen.

    After a CPU's newest sub-buffer everything counts as missing, until the next one comes or
    ``totals``, those of an end block, say that there is none. Without totals that is so from
    ``doubt_ns`` on.
    """

    def __init__(
        self, totals: Iterable[CpuTotals] | None = None, doubt_ns: int = FOREVER_NS
    ) -> None:
        self._has_totals = totals is not None
        self._doubt_ns = doubt_ns
        self._ends = {
            total.cpu: (sum(total.lost_by_cause), total.subbufs - 1) for total in totals or ()
        }
        self._newest: dict[int, tuple[int, int, int]] = {
            cpu: (0, -1, 0) for cpu, end in self._ends.items() if end != (0, -1)
        }
        self._spans: list[tuple[int, int]] = []
        self._starts = self._stops = np.zeros(0, np.uint64)
        self._is_stale = True

    def add(self, place: Place) -> int:
        """The next sub-buffer of its CPU; answers until when the one before it lasted."""
        lost, seq, last_ns = self._newest.get(place.cpu, (0, -1, 0))
        if sum(place.lost) != lost or place.seq != seq + 1:
            self._spans.append((last_ns, max(place.first_ns, last_ns)))
        self._newest[place.cpu] = (sum(place.lost), place.seq, max(place.last_ns, last_ns))
        self._is_stale = True
        return last_ns

    def forget(self, before_ns: int) -> None:
        """Drops those that ended by then: nothing older will be asked for."""
        self._spans = [span for span in self._spans if span[1] > before_ns]
        self._is_stale = True

    def between(self, from_ns: _U64, to_ns: _U64) -> NDArray[np.bool_]:
        """Whether a gap overlaps each span."""
        if self._is_stale:
            self._join()
        if not len(self._starts):
            return np.zeros(len(from_ns), np.bool_)
        first = np.searchsorted(self._stops, from_ns, side="right")
        starts = self._starts[np.minimum(first, len(self._starts) - 1)]
        overlaps: NDArray[np.bool_] = (first < len(self._starts)) & (starts < to_ns)
        return overlaps

    def _join(self) -> None:
        joined: list[tuple[int, int]] = []
        for start, end in sorted(self._spans + self._open_spans()):
            if joined and start <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(joined[-1][1], end))
            else:
                joined.append((start, end))
        self._starts, self._stops = np.array(joined, np.uint64).reshape(-1, 2).T
        self._is_stale = False

    def _open_spans(self) -> list[tuple[int, int]]:
        spans = []
        for cpu, (lost, seq, last_ns) in self._newest.items():
            if not self._has_totals:
                spans.append((max(last_ns, self._doubt_ns), FOREVER_NS))
            elif self._ends.get(cpu) not in (None, (lost, seq)):
                spans.append((last_ns, FOREVER_NS))
        return spans
