"""A bounded sample of calls, of parts in any order."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

MOST = 1 << 15
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)

_U64 = NDArray[np.uint64]


@dataclass(slots=True)
class Sample:
    """All calls that were added, or of more than MOST between a half of it and MOST. Which ones is
    of their times alone, spread evenly: every n-th call would be the same one of a loop."""

    _level: int = 0
    _began_ns: list[_U64] = field(default_factory=list)
    _spent_ns: list[_U64] = field(default_factory=list)
    _count: int = 0

    def add(self, began_ns: _U64, spent_ns: _U64) -> None:
        kept = self._find(began_ns)
        self._began_ns.append(began_ns[kept])
        self._spent_ns.append(spent_ns[kept])
        self._count += len(kept)
        while self._count > MOST:
            self._level += 1
            began, spent = np.concatenate(self._began_ns), np.concatenate(self._spent_ns)
            kept = self._find(began)
            self._began_ns, self._spent_ns = [began[kept]], [spent[kept]]
            if len(kept) == self._count:
                # All at the same time, which only a damaged file has.
                self._began_ns, self._spent_ns = [began[:MOST]], [spent[:MOST]]
            self._count = len(self._began_ns[0])

    def spent_ns(self) -> _U64:
        """How long they took, in order of their beginning."""
        if not self._began_ns:
            return np.zeros(0, np.uint64)
        order = np.argsort(np.concatenate(self._began_ns), kind="stable")
        spent: _U64 = np.concatenate(self._spent_ns)[order]
        return spent

    def _find(self, began_ns: _U64) -> NDArray[np.intp]:
        if not self._level:
            return np.arange(len(began_ns))
        with np.errstate(over="ignore"):
            return np.flatnonzero((began_ns * _GOLDEN) >> np.uint64(64 - self._level) == 0)
