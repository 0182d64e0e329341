"""The session's clock to the time of day."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tracectl.capture.metadata import Moment


class WallClock:
    """Between the moments at which both clocks were read, their difference is taken as a line:
    CLOCK_REALTIME is slewed, and may be set. Before the first and after the last it is constant.

    ``offset_ns`` is the difference at the first."""

    def __init__(self, moments: Sequence[Moment]) -> None:
        ordered = sorted(moments, key=lambda moment: moment.trace_ns)
        # Differences of differences: a float does not hold the ns since 1970.
        self.offset_ns = ordered[0].real_ns - ordered[0].trace_ns
        self._at_ns = [moment.trace_ns for moment in ordered]
        self._drift_ns = [moment.real_ns - moment.trace_ns - self.offset_ns for moment in ordered]

    def real_ns(self, trace_ns: NDArray[np.uint64]) -> NDArray[np.int64]:
        """ns since 1970, UTC."""
        drift_ns = np.interp(trace_ns.astype(np.float64), self._at_ns, self._drift_ns)
        return trace_ns.astype(np.int64) + self.offset_ns + np.rint(drift_ns).astype(np.int64)
