"""When calls began, and how long they took: what a rate over time and a heat map are drawn of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracectl.analysis.calls import Calls, State
from tracectl.analysis.histogram import BUCKETS, bucket_of, value_of

COLUMNS = 200
_MERGED = 16
ROWS = BUCKETS // _MERGED + 1
"""Four for each factor of two."""


@dataclass(frozen=True, slots=True)
class Heat:
    """From ``first_ns`` to before ``last_ns`` in COLUMNS of time."""

    first_ns: int
    last_ns: int

    @property
    def column_ns(self) -> float:
        return max(self.last_ns - self.first_ns, 1) / COLUMNS

    def count(self, calls: Calls) -> NDArray[np.int64]:
        """Shape (COLUMNS, ROWS + 2): calls by their duration, then those that did not end, then
        those of all that failed."""
        began = calls.state != State.NO_ENTRY
        since_ns = calls.entry_ns.astype(np.int64) - self.first_ns
        column = np.clip(since_ns // max(self.column_ns, 1), 0, COLUMNS - 1).astype(np.int64)
        row = np.where(calls.state == State.PAIRED, bucket_of(calls.duration_ns) // _MERGED, ROWS)
        width = ROWS + 2
        counts = np.bincount((column * width + row)[began], minlength=COLUMNS * width)
        failed = began & (calls.result < 0) & (calls.result >= -4095)
        counts += np.bincount((column * width + ROWS + 1)[failed], minlength=COLUMNS * width)
        return counts.reshape(COLUMNS, width)


def durations_ns() -> NDArray[np.int64]:
    """What stands for each of the ROWS."""
    return value_of(np.minimum(np.arange(ROWS) * _MERGED + _MERGED // 2, BUCKETS - 1))
