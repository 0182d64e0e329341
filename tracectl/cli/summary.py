"""What became of a recording."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tracectl.abi.totals import Totals

if TYPE_CHECKING:
    from tracectl.capture.metadata import EndBlock
    from tracectl.kernel.device import Status


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts are events; ``reason`` says what ended the recording. ``own`` is what of ``filtered``
    tracectl did itself. ``command_status`` is the exit code of the command that was started for it,
    128 and the signal if one ended it."""

    path: str
    reason: str
    generated: int
    lost: int
    filtered: int
    size_bytes: int
    command_status: int | None = None
    own: int = 0


def summary_of(
    path: Path, end: EndBlock, size_bytes: int, command_status: int | None = None
) -> Summary:
    totals = Totals.of(end.cpus)
    return Summary(
        path=str(path),
        reason=end.reason,
        generated=totals.generated,
        lost=totals.lost,
        filtered=totals.filtered,
        size_bytes=size_bytes,
        command_status=command_status,
        own=totals.own,
    )


def summary_of_status(status: Status, reason: str) -> Summary:
    """Of a session without a file, which has ended."""
    return Summary(
        path="",
        reason=reason,
        generated=status.generated,
        lost=status.lost,
        filtered=status.filtered,
        size_bytes=0,
        own=status.own,
    )
