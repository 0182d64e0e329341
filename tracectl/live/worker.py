"""The thread that reads a source and keeps its model, so that a screen never waits for either."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tracectl.capture.reader import Chunk
from tracectl.errors import TracectlError
from tracectl.kernel.tasks import comm_of
from tracectl.live.capture import CaptureSource
from tracectl.live.model import BOOK_BYTES, Model, View
from tracectl.live.processes import Processes
from tracectl.live.source import Losses, Source

PERIOD_S = 0.07
WAY_S = 0.06
_READS = 2.0
"""Reading has at least so many times what publishing takes."""
_LEAST_S = 0.02
_LEARN = 10
_NAMED = 20
_PART_BYTES = 256 << 10
_CAPTURE_BOOK_BYTES = 8 * BOOK_BYTES


@dataclass(frozen=True, slots=True)
class Progress:
    """``error`` is why nothing more comes; ``part`` how much of a capture has been read."""

    losses: Losses
    part: float
    has_ended: bool
    error: str | None = None


class Worker:
    """Reads from start() to close(). ``view`` and ``progress`` are replaced as a whole, so that any
    thread may take them; ``span_ns`` is the part of a capture that is shown."""

    def __init__(self, open_source: Callable[[], Source], *, book_bytes: int | None = None) -> None:
        """TracectlError when the source cannot be opened."""
        self.source = open_source()
        self.facts = self.source.facts
        self._book_bytes = book_bytes or (BOOK_BYTES if self.facts.is_live else _CAPTURE_BOOK_BYTES)
        self.span_ns: tuple[int, int] | None = None
        self._model = self._new_model()
        self.view: View = self._model.view()
        self.progress = Progress(Losses(), 0.0, has_ended=False)
        self.published = 0
        self._offset_ns = _offset_ns(self.source)
        self._wake = threading.Condition()
        self._is_closing = False
        self._way_s = 0.0
        self._wanted: tuple[tuple[int, int] | None] | None = None
        self._thread = threading.Thread(target=self._run, name="tracectl-reader", daemon=True)

    @property
    def whole_ns(self) -> tuple[int, int] | None:
        """From where to where a capture goes; None of what goes on."""
        return self.source.span_ns if isinstance(self.source, CaptureSource) else None

    def start(self) -> Worker:
        self._thread.start()
        return self

    def close(self) -> None:
        with self._wake:
            self._is_closing = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join()
        self.source.close()

    def select(self, span_ns: tuple[int, int] | None) -> None:
        """Counts anew, only what is of ``span_ns``; a live source has no such thing."""
        if isinstance(self.source, CaptureSource):
            with self._wake:
                self._wanted = (span_ns,)
                self._wake.notify()

    def give_way(self) -> None:
        """To who has a key to answer: the interpreter is for one thread at a time. Not all of it,
        where keys come one after the other."""
        now_s = time.monotonic()
        if now_s > self._way_s + WAY_S:
            self._way_s = now_s + WAY_S

    def _run(self) -> None:
        error = None
        period_s = PERIOD_S
        try:
            while not self._is_closing:
                self._take_wish()
                self._read_for(period_s)
                began_s, before_s = time.monotonic(), time.thread_time()
                self._learn_names()
                self._publish(None)
                took_s, spent_s = time.monotonic() - began_s, time.thread_time() - before_s
                # On a slow machine publishing would be all that is done.
                period_s = max(PERIOD_S - took_s, spent_s * _READS, _LEAST_S)
                self._rest()
        except TracectlError as failure:
            error = str(failure)
        except OSError as failure:
            error = f"{self.facts.title}: {failure.strerror}"
        if error is not None:
            self._publish(error)
            self._release()

    def _read_for(self, period_s: float) -> None:
        deadline_s = time.monotonic() + period_s
        while (rest_s := deadline_s - time.monotonic()) > 0 and not self.source.has_ended():
            chunks = self.source.read(rest_s)
            parts = _parts_of(chunks)
            for part in parts[:-1]:
                self._model.add(part, 0)
                self._stand_by()
            self._stand_by()
            if chunks or self.source.has_ended():
                self._model.add(parts[-1], self.source.settled_ns)
        if self.facts.is_live and not self.source.has_ended():
            self._model.advance(time.monotonic_ns() + self._offset_ns)

    def _stand_by(self) -> None:
        rest_s = self._way_s - time.monotonic()
        if rest_s > 0 and self.facts.is_live:
            time.sleep(rest_s)

    def _rest(self) -> None:
        """Once all has been read, until something is wished for."""
        if self.source.has_ended():
            self._release()
        with self._wake:
            self._wake.wait_for(
                lambda: self._is_closing or self._wanted is not None or not self.source.has_ended()
            )

    def _release(self) -> None:
        """An open device would keep the module from being unloaded."""
        if not isinstance(self.source, CaptureSource):
            self.source.close()

    def _take_wish(self) -> None:
        with self._wake:
            wanted, self._wanted = self._wanted, None
        if wanted is not None and isinstance(self.source, CaptureSource):
            self.source.restart(wanted[0])
            self.span_ns = wanted[0]
            # Who was forked before the part that is shown is known from there only.
            self._model = self._new_model(self._model.processes)

    def _learn_names(self) -> None:
        """Of the busiest processes, where an exec may have been in what was not seen."""
        if self.facts.is_here and self.published % _LEARN == 0:
            for tgid in self._model.busiest(_NAMED):
                comm = comm_of(tgid)
                if comm is not None:
                    self._model.processes.learn(tgid, comm)

    def _new_model(self, processes: Processes | None = None) -> Model:
        return Model(
            self.facts, book_bytes=self._book_bytes, span_ns=self.span_ns, processes=processes
        )

    def _publish(self, error: str | None) -> None:
        self._model.problems[:0] = self.source.problems
        self.source.problems.clear()
        self.view = self._model.view()
        losses = self.progress.losses if error else self.source.losses()
        self.progress = Progress(
            losses, self.source.progress(), has_ended=self.source.has_ended(), error=error
        )
        self.published += 1


def _parts_of(chunks: Sequence[Chunk]) -> list[list[Chunk]]:
    """At least one, each no larger than one sub-buffer can be anyway: numpy keeps the interpreter
    for as long as an array is worked on, and a call of it has a cost of its own."""
    parts: list[list[Chunk]] = [[]]
    size_bytes = 0
    for chunk in chunks:
        size_bytes += len(chunk.data)
        if size_bytes > _PART_BYTES and parts[-1]:
            parts.append([])
            size_bytes = len(chunk.data)
        parts[-1].append(chunk)
    return parts


def _offset_ns(source: Source) -> int:
    """From CLOCK_MONOTONIC to the session's clock, which is never set."""
    moment = source.facts.moments[0]
    return moment.trace_ns - moment.mono_ns
