"""The sub-buffers of a capture in order of time, worked on by all cores."""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from tracectl import walk
from tracectl.capture.reader import Capture
from tracectl.decode.subbuffer import Place, Records, decode_subbuffer
from tracectl.errors import DecodeError, TracectlError

if TYPE_CHECKING:
    from concurrent.futures import Executor

_T = TypeVar("_T")

_ALONE_BYTES = 16 << 20
"""Of less, it would take longer to start processes."""
_AHEAD = 3
"""Sub-buffers of a CPU that are worked on before they are asked for."""


@dataclass(frozen=True, slots=True)
class Settled(Generic[_T]):
    """What was made of one sub-buffer. ``settled_ns`` is how far all CPUs have come with it:
    whatever is older has been given out."""

    place: Place
    made: _T
    settled_ns: int


def iter_settled(
    capture: Capture,
    work: Callable[[Records], _T],
    cores: int | None = None,
    *,
    is_compiled: bool = False,
) -> Iterator[Settled[_T]]:
    """``work`` done on each sub-buffer: the next one is always of the CPU that is furthest behind.
    With ``cores`` (by default as many as there are, for a large capture) other processes do it;
    what it makes has to be small then, and to be pickled. Threads do work that ``is_compiled``,
    where it is: it takes most of its time outside of Python, which only one thread is in.

    Damaged sub-buffers, and those of which ``work`` raises DecodeError, are left out and become
    problems of the capture.
    """
    if cores is None:
        is_large = capture.raw_bytes > _ALONE_BYTES
        cores = len(os.sched_getaffinity(0)) if is_large else 1
    places = capture.places_by_cpu()
    if walk.compiled is not None:
        walk.compiled.keep_memory()
    with ExitStack() as stack:
        worker = _Worker(capture, work)
        if cores == 1:
            lines = {cpu: worker.iter_made(mine) for cpu, mine in places.items()}
        else:
            executor, make = _start(
                cores, worker, is_compiled=is_compiled and walk.compiled is not None
            )
            stack.callback(executor.shutdown, cancel_futures=True)
            lines = {cpu: _iter_made(executor, make, mine) for cpu, mine in places.items()}
        reached = dict.fromkeys(sorted(lines), 0)
        while reached:
            cpu = min(reached, key=reached.__getitem__)
            made = next(lines[cpu], None)
            if made is None:
                del reached[cpu]
                continue
            capture.problems += made.problems
            if made.place is None:
                continue
            if made.place.first_ns < reached[cpu]:
                capture.problems.append(
                    f"sub-buffer {made.place.seq} of CPU {cpu} begins before the last one ended"
                )
            reached[cpu] = max(made.place.last_ns, reached[cpu])
            yield Settled(made.place, made.result, min(reached.values()))


@dataclass(frozen=True, slots=True)
class _Made:
    place: Place | None
    result: Any
    problems: list[str]


@dataclass(frozen=True, slots=True)
class _Worker:
    capture: Capture
    work: Callable[[Records], Any]

    def make(self, place: int) -> _Made:
        try:
            chunk = self.capture.load_chunk(place)
        except DecodeError as error:
            return _Made(None, None, [str(error)])
        try:
            records = decode_subbuffer(chunk.data)
            if (records.cpu, records.seq) != (chunk.cpu, chunk.seq):
                raise DecodeError(f"it says it is number {records.seq} of CPU {records.cpu}")
            return _Made(records.place, self.work(records), [])
        except DecodeError as error:
            return _Made(None, None, [f"sub-buffer {chunk.seq} of CPU {chunk.cpu}: {error}"])

    def iter_made(self, places: list[int]) -> Iterator[_Made]:
        return map(self.make, places)


_Make = Callable[[int], _Made]


def _start(cores: int, worker: _Worker, *, is_compiled: bool) -> tuple[Executor, _Make]:
    """What works, and what it is to do."""
    if is_compiled:
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

        return ThreadPoolExecutor(cores), worker.make
    import multiprocessing  # noqa: PLC0415 - takes a while, and is seldom needed
    from concurrent.futures import ProcessPoolExecutor  # noqa: PLC0415

    # fork: what is open and imported goes along.
    context = multiprocessing.get_context("fork")
    return ProcessPoolExecutor(cores, context, _begin, (worker,)), _make


_worker: _Worker | None = None
"""Of a process that works."""


def _begin(worker: _Worker) -> None:
    global _worker  # noqa: PLW0603 - the one thing that a process of a pool can hold
    _worker = worker
    # Ctrl-C is for the process that waits for this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _make(place: int) -> _Made:
    assert _worker is not None
    return _worker.make(place)


def _iter_made(executor: Executor, make: _Make, places: list[int]) -> Iterator[_Made]:
    from concurrent.futures import BrokenExecutor  # noqa: PLC0415

    waiting = deque(places)
    begun: deque[Callable[[], _Made]] = deque()
    while waiting or begun:
        while waiting and len(begun) < _AHEAD:
            begun.append(executor.submit(make, waiting.popleft()).result)
        try:
            made = begun.popleft()()
        except BrokenExecutor as error:
            raise TracectlError(
                "a process that read the capture was killed; is there too little memory?"
            ) from error
        yield made
