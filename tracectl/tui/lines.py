"""Calls as text: one line each, as strace writes them."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from tracectl.abi.records import EXIT_KINDS, SHAPES, Kind
from tracectl.analysis.wallclock import WallClock
from tracectl.decode.arguments import arguments_of
from tracectl.decode.copies import COPY_KINDS, copies_of
from tracectl.decode.subbuffer import Records
from tracectl.kernel.choice import slot_name
from tracectl.live.page import OPEN_NS, Page
from tracectl.live.source import Facts
from tracectl.render.answers import format_answer
from tracectl.render.arguments import format_arguments
from tracectl.render.results import ends_nowhere, format_result
from tracectl.tui.cells import short_duration

_KEPT_RECORDS = 8
_KEPT_LINES = 4096


@dataclass(frozen=True, slots=True)
class Line:
    """``text`` is the call with its arguments and result; ``is_failed`` that it is an error."""

    text: str
    took: str
    is_failed: bool


class Lines:
    """Formats calls; the pages and lines that were needed last are kept."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._clock = WallClock(facts.moments)
        self._records: OrderedDict[int, Records] = OrderedDict()
        self._lines: OrderedDict[tuple[int, int, int], Line] = OrderedDict()

    def records_of(self, page: Page) -> Records:
        if page.number not in self._records:
            self._records[page.number] = page.decode()
            if len(self._records) > _KEPT_RECORDS:
                self._records.popitem(last=False)
        self._records.move_to_end(page.number)
        return self._records[page.number]

    def line(self, page: Page, index: int) -> Line:
        key = (page.number, index, int(page.duration_ns[index]))
        if key not in self._lines:
            self._lines[key] = self._format(page, index)
            if len(self._lines) > _KEPT_LINES:
                self._lines.popitem(last=False)
        return self._lines[key]

    def clock_of(self, time_ns: int) -> str:
        """HH:MM:SS.µµµµµµ, UTC."""
        real_ns = int(self._clock.real_ns(np.array([time_ns], np.uint64))[0])
        seconds, rest_ns = divmod(real_ns, 1_000_000_000)
        minutes, second = divmod(seconds, 60)
        hours, minute = divmod(minutes, 60)
        return f"{hours % 24:02}:{minute:02}:{second:02}.{rest_ns // 1000:06}"

    def rows_of(self, page: Page, index: int) -> list[int]:
        """The records of a call in its own sub-buffer: its entry, the copies, and an exit."""
        records = self.records_of(page)
        first = int(page.row[index])
        if first in records.whole:
            return [first, *self._copies_before(page, index, records)]
        mine = np.flatnonzero(records.tid[first:] == page.tid[index]) + first
        found = [first]
        for row in mine[1:].tolist():
            kind = int(records.kind[row])
            if kind == Kind.ENTRY:
                break
            if kind not in (Kind.TASK, Kind.TIME):
                found.append(row)
            if kind in EXIT_KINDS:
                break
        return found

    @staticmethod
    def _copies_before(page: Page, index: int, records: Records) -> list[int]:
        """Those of a call that was told as a whole, when it had ended."""
        entry_ns, spent_ns = int(page.time_ns[index]), int(page.duration_ns[index])
        times = records.time_ns.astype(np.int64)
        during = (times >= entry_ns) & (times <= entry_ns + spent_ns)
        mine = during & (records.tid == page.tid[index]) & np.isin(records.kind, list(COPY_KINDS))
        found: list[int] = np.flatnonzero(mine).tolist()
        return found

    def _format(self, page: Page, index: int) -> Line:
        records = self.records_of(page)
        slot = int(page.slot[index])
        abi, number = divmod(slot, SHAPES)
        row = np.array([page.row[index]], np.intp)
        arguments = arguments_of(records, row, self._facts.shapes)[0].tolist()
        rows = np.array(self.rows_of(page, index)[1:], np.intp)
        rows = rows[np.isin(records.kind[rows], list(COPY_KINDS))]
        call = self._facts.tables[abi].get(number)
        name = slot_name(slot, self._facts.tables)
        copies = copies_of(records, rows)
        text = format_arguments(call, arguments, copies)
        spent_ns, result = int(page.duration_ns[index]), int(page.result[index])
        if spent_ns == OPEN_NS:
            ended = "?" if ends_nowhere(name) else "? <unfinished>"
            return Line(f"{name}({text}) = {ended}", "", is_failed=False)
        answer = "" if call is None else format_answer(call, arguments, result, copies)
        return Line(
            f"{name}({text}) = {format_result(name, result)}{answer}",
            short_duration(spent_ns),
            is_failed=-4095 <= result < 0,
        )
