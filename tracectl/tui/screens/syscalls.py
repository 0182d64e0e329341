"""System calls by count, errors and time: of all, or of one process."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace

import numpy as np

from tracectl.kernel.choice import slot_name
from tracectl.live.model import View
from tracectl.live.ranking import Table
from tracectl.live.source import Facts
from tracectl.tui import cells
from tracectl.tui.grid import Cell, Column, Rows
from tracectl.tui.ranked import RankedRows, order_of, rates_of
from tracectl.tui.screens.ranked import RankedScreen
from tracectl.tui.sieve import Sieve

_PERCENTILES = (cells.P50, cells.P95, cells.P99)
SLOT_MASK = (1 << 11) - 1


class SyscallsScreen(RankedScreen):
    """``tgid`` None: of all processes."""

    tab = 2
    columns: Sequence[Column] = (
        Column("syscall", 17, is_left=True), cells.RATE, cells.CALLS, cells.ERRORS, cells.TIME,
        cells.P50, cells.P95, cells.P99, cells.TREND,
    )  # fmt: skip

    def __init__(self, tgid: int | None = None, comm: str = "") -> None:
        super().__init__()
        if tgid is not None:
            # Histograms are not kept by process.
            self.columns = [one for one in self.columns if one not in _PERCENTILES]
        self._tgid = tgid
        self._comm = comm
        self.crumb = "Syscalls" if tgid is None else f"{comm or '?'} {tgid}"
        self.tab = 2 if tgid is None else 3

    def table(self, view: View) -> Table:
        return view.syscalls if self._tgid is None else calls_of(view, self._tgid)

    def rows(self, view: View, facts: Facts) -> Rows:
        return syscall_rows(self.table(view), self.sort, facts, self.app.span_s, self.columns)

    def open(self, key: Hashable) -> None:
        assert isinstance(key, int)
        facts = self.app.facts
        assert facts is not None
        name = slot_name(key, facts.tables)
        self.app.open_events(Sieve(label=name, slots=frozenset({key}), pid=self._tgid))


def calls_of(view: View, tgid: int) -> Table:
    """The rows of one process, by slot; without histograms."""
    table = view.process_syscalls
    mine = table.take(np.flatnonzero(table.key >> 11 == tgid))
    return replace(mine, key=mine.key & SLOT_MASK)


def syscall_rows(
    table: Table, sort: str, facts: Facts, span_s: float, columns: Sequence[Column]
) -> RankedRows:
    made = cells.count_cells(table, rates_of(table, span_s, facts.is_live))

    def name(index: int, _: int) -> Cell:
        return slot_name(int(table.key[index]), facts.tables)

    made["syscall"] = name
    return RankedRows(table, order_of(table, sort), [made[column.title] for column in columns])
