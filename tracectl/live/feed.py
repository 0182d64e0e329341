"""What a screen shows: views of a source that are renewed while it goes on."""

from __future__ import annotations

from functools import partial
from typing import Protocol

from tracectl.live.counting import CountingWorker
from tracectl.live.model import View
from tracectl.live.situation import Situation, open_running
from tracectl.live.source import Facts
from tracectl.live.worker import Progress, Worker


class Feed(Protocol):
    """``view`` and ``progress`` are replaced as a whole, so that any thread may take them;
    ``published`` counts how often."""

    facts: Facts
    view: View
    progress: Progress
    published: int

    @property
    def whole_ns(self) -> tuple[int, int] | None:
        """From where to where a capture goes; None of what goes on."""

    def start(self) -> Feed: ...

    def select(self, span_ns: tuple[int, int] | None) -> None:
        """Only this part of a capture from now on."""

    def give_way(self) -> None:
        """To who has a key to answer."""

    def close(self) -> None: ...


def open_feed(situation: Situation) -> Feed:
    """Of the session that runs. TracectlError when it cannot be read."""
    if situation.is_counting:
        return CountingWorker()
    return Worker(partial(open_running, situation))
