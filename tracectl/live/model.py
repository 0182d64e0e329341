"""Rolling aggregates of a source, in fixed memory, and the newest calls themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tracectl.abi.records import Kind
from tracectl.analysis.tasks import iter_task_events
from tracectl.capture.reader import Chunk
from tracectl.decode.subbuffer import Records, decode_subbuffer
from tracectl.errors import DecodeError
from tracectl.live.book import Book, Shelf
from tracectl.live.ended import ended_in, tell_pages
from tracectl.live.files import Files
from tracectl.live.history import LENGTH, Course, History
from tracectl.live.page import Page, far_of, page_of
from tracectl.live.pairing import Pairing
from tracectl.live.past import Past
from tracectl.live.paths import Paths
from tracectl.live.processes import Process, Processes
from tracectl.live.ranking import HISTORY, Ranking, Table
from tracectl.live.source import Facts

LIVE_BUCKET_NS = 1_000_000_000
BOOK_BYTES = 32 << 20
_SLOTS = 2048
_PROCESSES = 1 << 13
_PROCESS_SYSCALLS = 1 << 14
_BUCKETS_NS = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class View:
    """The model at one time. Nothing in it changes but the ends of the calls in ``shelf``, and
    ``past``, which knows more of the same and has forgotten threads of which ``shelf`` has nothing.

    ``syscalls`` is by slot, ``processes`` by tgid, ``process_syscalls`` by tgid << 11 | slot,
    ``files`` by number of ``paths``, ``errors`` by errno << 11 | slot. ``missed`` are sub-buffers
    that a flight recorder overwrote before they were read here, ``skipped`` records in them and in
    those that could not be decoded are not in any count.
    """

    syscalls: Table
    processes: Table
    process_syscalls: Table
    files: Table
    errors: Table
    course: Course
    who: dict[int, Process]
    past: Past
    paths: Paths
    shelf: Shelf
    records: int
    calls: int
    lost: dict[int, int]
    missed: int
    orphans: int
    waiting: int
    problems: tuple[str, ...]
    last_ns: int

    def who_is(self, tgid: int) -> Process:
        """One without a name where nothing told of it."""
        return self.who.get(tgid) or Process(tgid, 0, "")

    def path(self, number: int) -> str:
        return self.paths.text(number)


class Model:
    """``add`` and ``view`` are called by one thread."""

    def __init__(
        self,
        facts: Facts,
        *,
        book_bytes: int = BOOK_BYTES,
        span_ns: tuple[int, int] | None = None,
        processes: Processes | None = None,
    ) -> None:
        """With ``span_ns`` only calls that were entered between these two times are counted.
        ``processes`` are those that are known, by default of the start."""
        self.facts = facts
        self._span_ns = span_ns
        length_ns = facts.span_ns if span_ns is None else span_ns[1] - span_ns[0]
        self.width_ns = bucket_of(length_ns) if length_ns else LIVE_BUCKET_NS
        # Of a capture a trend is all of it; of what goes on the last minute.
        self._trend_ns = self.width_ns * (LENGTH // HISTORY if length_ns else 1)
        self.processes = processes or Processes(facts.tasks, facts.cgroups)
        self._files = Files(facts.tables)
        self._pairing = Pairing()
        self._book = Book(book_bytes)
        self._history = History(facts.cpus, self.width_ns)
        self._syscalls = Ranking(_SLOTS, with_histograms=True)
        self._by_process = Ranking(_PROCESSES)
        self._process_syscalls = Ranking(_PROCESS_SYSCALLS)
        self._errors = Ranking(_PROCESS_SYSCALLS)
        self._number = 0
        self._records = self._calls = 0
        self._lost: dict[int, int] = {}
        self._seqs: dict[int, int] = {}
        self._missed: Counter[int] = Counter()
        self._last_ns = 0
        self.problems: list[str] = []

    def add(self, chunks: Sequence[Chunk], settled_ns: int) -> None:
        """The next sub-buffers of their CPUs, of which all that is older than ``settled_ns`` has
        come with them."""
        pages, fars = [], []
        for chunk in chunks:
            try:
                records = decode_subbuffer(chunk.data)
                page = page_of(self._number, chunk.data, records)
            except DecodeError as error:
                self.problems.append(f"sub-buffer {chunk.seq} of CPU {chunk.cpu}: {error}")
                continue
            self._number += 1
            self._note(records)
            # Names after a part would be those of its last calls.
            self._files.name(page, records)
            if self._span_ns is not None:
                page = page.cut(*self._span_ns)
            fars.append(far_of(page, records))
            self._count_calls(page)
            if self._span_ns is None or len(page):
                pages.append(page)
        self._book.add(pages)
        self.processes.past.forget(self._book.first_ns if self.facts.is_live else 0)
        pairs = self._pairing.add(fars, settled_ns)
        # Before the pages are told, which would count the pairs a second time.
        ended = ended_in(pages, pairs)
        tell_pages(pairs, self._book.pages)
        self._history.add_ends(ended)
        self._files.add_ends(ended)
        self._syscalls.add_ends(ended.slot, ended)
        self._by_process.add_ends(ended.tgid, ended)
        self._process_syscalls.add_ends(ended.tgid << 11 | ended.slot, ended)
        failed = ended.take(np.flatnonzero(ended.is_error))
        keys = -failed.result << 11 | failed.slot
        self._errors.add_calls(keys, failed.exit_ns // self._trend_ns)
        self._errors.add_ends(keys, failed)

    def advance(self, now_ns: int) -> None:
        """The session's clock is at ``now_ns``: what is quiet becomes the past."""
        self._history.advance(now_ns // self.width_ns)
        for ranking in self._rankings():
            ranking.advance(now_ns // self._trend_ns)

    def busiest(self, count: int) -> list[int]:
        """The processes with the most calls lately."""
        table = self._by_process.table()
        return [int(table.key[at]) for at in np.argsort(-table.recent)[:count].tolist()]

    def view(self) -> View:
        newest = self._history.newest * self.width_ns // self._trend_ns
        for ranking in self._rankings():
            ranking.advance(newest)
        return View(
            syscalls=self._syscalls.table(),
            processes=self._by_process.table(),
            process_syscalls=self._process_syscalls.table(),
            files=self._files.ranking.table(),
            errors=self._errors.table(),
            course=self._history.course(),
            who=self.processes.copy(),
            past=self.processes.past,
            paths=self._files.paths,
            shelf=self._book.shelf(),
            records=self._records,
            calls=self._calls,
            lost=dict(self._lost),
            missed=self._missed.total(),
            orphans=self._pairing.orphans,
            waiting=self._pairing.waiting,
            problems=tuple(self.problems),
            last_ns=self._last_ns,
        )

    def _rankings(self) -> tuple[Ranking, ...]:
        return (
            self._syscalls,
            self._by_process,
            self._process_syscalls,
            self._files.ranking,
            self._errors,
        )

    def _note(self, records: Records) -> None:
        """What a sub-buffer tells besides its calls."""
        self._records += len(records)
        self._lost[records.cpu] = sum(records.lost)
        self._last_ns = max(self._last_ns, records.last_ns)
        expected = self._seqs.get(records.cpu, records.seq)
        self._missed[records.cpu] += max(records.seq - expected, 0)
        self._seqs[records.cpu] = records.seq + 1
        self._pairing.note(records)
        self._history.add_records(records, self._span_ns)
        for event in iter_task_events(records):
            self.processes.add(event)
            if event.kind == Kind.FORK:
                self._pairing.bear(event.other_tid)
            if event.kind == Kind.EXEC and event.other_tid != event.tid:
                self._pairing.rename(event.time_ns, event.other_tid, event.tid)

    def _count_calls(self, page: Page) -> None:
        self._calls += len(page)
        buckets = page.time_ns // self._trend_ns
        slot, tgid = page.slot.astype(np.int64), page.tgid.astype(np.int64)
        self._syscalls.add_calls(slot, buckets)
        self._by_process.add_calls(tgid, buckets)
        self._process_syscalls.add_calls(tgid << 11 | slot, buckets)
        self._files.add_calls(page, buckets)


def bucket_of(span_ns: int) -> int:
    """The width of a bucket of time, 1, 2 or 5 times a power of ten ns, so that ``span_ns`` has
    room in LENGTH of them."""
    power = 1
    while True:
        for step in _BUCKETS_NS:
            if step * power * (LENGTH - 1) >= span_ns:
                return step * power
        power *= 10
