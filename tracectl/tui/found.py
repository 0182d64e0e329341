"""The calls that get through a sieve, in order of time, without a copy of them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from tracectl.live.book import Block
from tracectl.live.model import View
from tracectl.live.page import Page
from tracectl.live.source import Facts
from tracectl.tui.grid import Cell
from tracectl.tui.lines import Lines
from tracectl.tui.sieve import Sieve

_Rows = NDArray[np.intp]


class Search:
    """Finds them again and again as the view moves on: what was found in a block is kept as long as
    its pages are what they were."""

    def __init__(self, facts: Facts, sieve: Sieve) -> None:
        self.sieve = sieve
        self._facts = facts
        self._found: dict[int, tuple[Block, tuple[int, ...], _Rows]] = {}

    def find(self, view: View) -> list[tuple[Block, _Rows | None]]:
        """The rows of each block, None for all of them."""
        if self.sieve.is_open:
            return [(block, None) for block in view.shelf.blocks]
        masks: dict[int, NDArray[np.bool_]] = {}
        kept: dict[int, tuple[Block, tuple[int, ...], _Rows]] = {}
        found: list[tuple[Block, _Rows | None]] = []
        for block in view.shelf.blocks:
            versions = tuple(view.shelf.pages[number].version for number in block.numbers)
            known = self._found.get(id(block))
            if known is None or known[1] != versions:
                known = (block, versions, self._rows_of(block, view, masks))
            kept[id(block)] = known
            if len(known[2]):
                found.append((block, known[2]))
        self._found = kept
        return found

    def _rows_of(self, block: Block, view: View, masks: dict[int, NDArray[np.bool_]]) -> _Rows:
        kept = np.zeros(len(block), np.bool_)
        for number in block.numbers:
            page = view.shelf.pages[number]
            if number not in masks:
                masks[number] = self.sieve.mask(page, view, self._facts.tables)
            rows = np.flatnonzero(block.page == number)
            kept[rows] = masks[number][block.index[rows]]
        return np.flatnonzero(kept)


class FoundRows:
    """Rows of a grid: time, process, thread, call, time spent."""

    def __init__(self, view: View, found: list[tuple[Block, _Rows | None]], lines: Lines) -> None:
        self._view = view
        self._lines = lines
        self._found = found
        lengths = (len(block if rows is None else rows) for block, rows in found)
        self._ends = list(accumulate(lengths))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def count_before(self, times_ns: NDArray[np.int64]) -> NDArray[np.intp]:
        """How many calls were entered before each of ``times_ns``."""
        count = np.zeros(len(times_ns), np.intp)
        if len(times_ns):
            for block, rows in self._found:
                entered_ns = block.time_ns if rows is None else block.time_ns[rows]
                count += np.searchsorted(entered_ns, times_ns)
        return count

    def at(self, place: int) -> tuple[Page, int]:
        """The page and the index in it."""
        which = bisect_right(self._ends, place)
        block, rows = self._found[which]
        inside = place - (self._ends[which - 1] if which else 0)
        row = inside if rows is None else int(rows[inside])
        return self._view.shelf.pages[int(block.page[row])], int(block.index[row])

    def cells(self, place: int, widths: Sequence[int]) -> Sequence[Cell]:
        page, index = self.at(place)
        line = self._lines.line(page, index)
        text: Cell = (line.text, "bad") if line.is_failed else line.text
        tgid = int(page.tgid[index])
        return (
            (self._lines.clock_of(int(page.time_ns[index])), "dim"),
            self._view.who_is(tgid).comm or "?",
            (str(int(page.tid[index])), "dim"),
            text,
            (line.took, "warn") if int(page.duration_ns[index]) >= _SLOW_NS else line.took,
        )

    def key(self, place: int) -> Hashable:
        page, index = self.at(place)
        return int(page.time_ns[index]), page.number, index

    def find(self, key: Hashable) -> int | None:
        if not isinstance(key, tuple):
            return None
        time_ns, number, index = key
        for which, (block, rows) in enumerate(self._found):
            if len(block) and int(block.time_ns[0]) <= time_ns <= int(block.time_ns[-1]):
                start = self._ends[which - 1] if which else 0
                mine = (block.page == number) & (block.index == index)
                at = np.flatnonzero(mine if rows is None else mine[rows])
                if len(at):
                    return start + int(at[0])
        return None


_SLOW_NS = 10_000_000
