"""How a recording is getting on, on a terminal."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING

from tracectl.render.table import format_size

if TYPE_CHECKING:
    from rich.live import Live

    from tracectl.cli.flight import Flight
    from tracectl.cli.recording import Recording

_PERIOD_S = 0.5


class Progress:
    """One line on stderr that is drawn anew twice a second; nothing when that is no terminal."""

    def __init__(self, recording: Recording | Flight, *, is_wanted: bool) -> None:
        self._recording = recording
        self._live = _open_live() if is_wanted and sys.stderr.isatty() else None
        self._next_s = 0.0

    def __enter__(self) -> Progress:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def tick(self) -> None:
        """To be called often."""
        now_s = time.monotonic()
        if self._live is None or now_s < self._next_s:
            return
        self._next_s = now_s + _PERIOD_S
        status = self._recording.status()
        self._live.update(
            f"{status.generated - status.lost:,} events, {status.lost:,} lost, "
            f"{format_size(self._recording.size_bytes)}",
            refresh=True,
        )


def _open_live() -> Live:
    from rich.console import Console  # noqa: PLC0415 - 50 ms that only a terminal is worth
    from rich.live import Live  # noqa: PLC0415

    # No thread of its own: this process reads the buffers.
    return Live(console=Console(stderr=True), auto_refresh=False, transient=True)
