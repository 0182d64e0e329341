"""How a recording or a conversion is getting on, on a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

from tracectl.render.table import format_size

if TYPE_CHECKING:
    from rich.live import Live
    from rich.progress import Progress as Bar

    from tracectl.cli.held import Held
    from tracectl.cli.recording import Recording

_PERIOD_S = 0.5


class Progress:
    """One line on stderr that is drawn anew twice a second; nothing when that is no terminal."""

    def __init__(self, recording: Recording | Held, *, is_wanted: bool) -> None:
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


class Conversion:
    """A bar on stderr for ``total`` steps, with the size of what is written, ``size_bytes()``, and
    what it will be at the end; nothing when that is no terminal. ``total`` 0: not known."""

    def __init__(self, total: int, size_bytes: Callable[[], int]) -> None:
        self._total = total
        self._size_bytes = size_bytes
        self._done = 0
        self._bar = _open_bar() if sys.stderr.isatty() else None

    def __enter__(self) -> Conversion:
        if self._bar is not None:
            self._bar.add_task("", total=self._total or None)
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def advance(self, steps: int) -> None:
        self._done += steps
        if self._bar is None:
            return
        size = self._size_bytes()
        text = format_size(size)
        if self._done < self._total:
            text += f" of about {format_size(estimate_size(size, self._done, self._total))}"
        self._bar.update(self._bar.task_ids[0], completed=self._done, description=text)
        self._bar.refresh()


def estimate_size(size_bytes: int, done: int, total: int) -> float:
    """What ``total`` steps will take when ``done`` took ``size_bytes``."""
    return size_bytes * total / done if done else 0.0


def _open_bar() -> Bar:
    from rich.console import Console  # noqa: PLC0415 - 50 ms that only a terminal is worth
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn  # noqa: PLC0415

    return Progress(
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.description}"),
        console=Console(stderr=True),
        auto_refresh=False,
        transient=True,
    )


def _open_live() -> Live:
    from rich.console import Console  # noqa: PLC0415 - 50 ms that only a terminal is worth
    from rich.live import Live  # noqa: PLC0415

    # No thread of its own: this process reads the buffers.
    return Live(console=Console(stderr=True), auto_refresh=False, transient=True)
