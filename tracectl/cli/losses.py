"""What became of a capture's events, as the reporting commands tell it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from tracectl.abi.totals import Totals
from tracectl.capture.reader import Capture
from tracectl.errors import DecodeError

if TYPE_CHECKING:
    from tracectl.decode.subbuffer import Place

NULLS = "null is what only a missing end would tell; lost_at_least is known without"
"""What Losses.facts() answers, for the help of who prints it."""


@dataclass(frozen=True, slots=True)
class Losses:
    """``totals`` are as the module counted them. Where the capture has no end block, at least so
    many events were generated and lost, and nothing is known of others."""

    totals: Totals
    has_end: bool

    def describe(self) -> str:
        """Nothing where nothing was lost."""
        bound = "" if self.has_end else "at least "
        return f"{bound}{self.totals.lost:,} events were lost" if self.totals.lost else ""

    def facts(self) -> dict[str, int | None]:
        """For JSON."""
        facts = asdict(self.totals)
        told = facts if self.has_end else dict.fromkeys(facts)
        return {**told, "lost_at_least": self.totals.lost}


def losses_of(capture: Capture) -> Losses:
    """Of the end block; without one of the newest sub-buffer of each CPU, which are read for it."""
    if capture.end is not None:
        return Losses(Totals.of(capture.end.cpus), has_end=True)
    places = list(_iter_newest(capture))
    generated = sum(place.generated for place in places)
    return Losses(Totals(generated, sum(sum(place.lost) for place in places)), has_end=False)


def _iter_newest(capture: Capture) -> Iterator[Place]:
    """Of each CPU the last sub-buffer that can be decoded. What is wrong with later ones is told by
    whoever reads them all."""
    from tracectl.decode.subbuffer import decode_subbuffer  # noqa: PLC0415 - numpy

    for places in capture.places_by_cpu().values():
        for place in reversed(places):
            try:
                yield decode_subbuffer(capture.load_chunk(place).data).place
            except DecodeError:
                continue
            break
