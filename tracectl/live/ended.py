"""Calls that have ended: what is counted once their result is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracectl.analysis.histogram import TIMED_BUCKETS, bucket_of
from tracectl.live.page import I64, OPEN_NS, Page
from tracectl.live.pairing import Pairs

_MAX_ERRNO = 4095
_TAKEN = ("slot", "tid", "tgid", "first", "path", "duration_ns", "result")


@dataclass(frozen=True, slots=True)
class Ended:
    """One row a call; columns as a Page's. ``buckets`` are those of the durations."""

    slot: I64
    tid: I64
    tgid: I64
    first: I64
    path: I64
    duration_ns: I64
    result: I64
    exit_ns: I64
    is_error: NDArray[np.bool_]
    buckets: I64

    def __len__(self) -> int:
        return len(self.slot)

    def take(self, rows: NDArray[np.intp]) -> Ended:
        return Ended(*(getattr(self, name)[rows] for name in Ended.__slots__))


def ended_in(pages: Sequence[Page], pairs: Pairs) -> Ended:
    """The calls of the new ``pages`` that ended near, and ``pairs``."""
    parts: list[dict[str, I64]] = []
    for page in pages:
        rows = np.flatnonzero(page.duration_ns != OPEN_NS)
        taken = {name: getattr(page, name)[rows].astype(np.int64) for name in _TAKEN}
        taken["exit_ns"] = page.time_ns[rows] + taken["duration_ns"]
        parts.append(taken)
    far = {name: getattr(pairs.entries, name) for name in ("slot", "tid", "tgid", "first", "path")}
    far["duration_ns"] = pairs.exit_ns - pairs.entries.time_ns
    parts.append(far | {"result": pairs.result, "exit_ns": pairs.exit_ns})
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[-1]}
    result, spent_ns = joined["result"], np.maximum(joined["duration_ns"], 0)
    return Ended(
        **joined,
        is_error=(result < 0) & (result >= -_MAX_ERRNO),
        buckets=np.minimum(bucket_of(spent_ns.astype(np.uint64)), TIMED_BUCKETS - 1),
    )


def tell_pages(pairs: Pairs, known: Mapping[int, Page]) -> None:
    """Gives ``pairs`` to those of their pages that are still ``known``."""
    for number in np.unique(pairs.entries.page).tolist():
        page = known.get(number)
        if page is not None:
            mine = np.flatnonzero(pairs.entries.page == number)
            index = pairs.entries.index[mine]
            page.duration_ns[index] = pairs.exit_ns[mine] - pairs.entries.time_ns[mine]
            page.result[index] = pairs.result[mine]
            page.version += 1
