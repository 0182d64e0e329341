"""All calls of a capture, worked on by all cores: for answers that need no order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from tracectl.analysis.calls import Calls
from tracectl.analysis.halves import Halves, split_calls
from tracectl.analysis.merge import pairing_of
from tracectl.analysis.settled import iter_settled
from tracectl.capture.reader import Capture
from tracectl.decode.arguments import Shapes
from tracectl.decode.subbuffer import Records

_T = TypeVar("_T")

_BATCH = 1 << 16
"""So many halves are paired at once."""


def scan_calls(
    capture: Capture,
    work: Callable[[Calls], _T],
    shapes: Shapes | None,
    cores: int | None = None,
) -> Iterator[_T]:
    """``work`` done on every call of ``capture``, in blocks and in no order; ``cores`` as in
    iter_settled(). Without ``shapes`` the calls have neither arguments nor copies."""
    pairing = pairing_of(capture, shapes)
    waiting = 0
    is_compiled = shapes is None
    for one in iter_settled(capture, _Work(work, shapes), cores, is_compiled=is_compiled):
        made, left = one.made
        yield made
        pairing.add_halves(one.place, left)
        waiting += len(left)
        if waiting > _BATCH:
            yield work(pairing.advance(one.settled_ns))
            waiting = 0
    yield work(pairing.finish())


@dataclass(frozen=True, slots=True)
class _Work(Generic[_T]):
    """What is done to a sub-buffer."""

    work: Callable[[Calls], _T]
    shapes: Shapes | None

    def __call__(self, records: Records) -> tuple[_T, Halves]:
        whole, left = split_calls(records, self.shapes)
        return self.work(whole), left
