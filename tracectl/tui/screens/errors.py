"""Errors by errno and system call."""

from __future__ import annotations

import os
from collections.abc import Hashable, Sequence

from tracectl.kernel.choice import slot_name
from tracectl.live.counting import OTHER_ERRORS
from tracectl.live.model import View
from tracectl.live.ranking import Table
from tracectl.live.source import Facts
from tracectl.render.results import error_name
from tracectl.tui import cells
from tracectl.tui.grid import Cell, Column, Rows
from tracectl.tui.ranked import RankedRows, order_of, rates_of
from tracectl.tui.screens.ranked import RankedScreen
from tracectl.tui.screens.syscalls import SLOT_MASK
from tracectl.tui.sieve import Sieve


class ErrorsScreen(RankedScreen):
    tab = 5
    crumb = "Errors"
    sort = "calls"
    empty_text = "no call has failed"
    columns: Sequence[Column] = (
        Column("error", 15, is_left=True), Column("syscall", 17, is_left=True), cells.RATE,
        cells.CALLS, cells.TIME, Column("meaning", 0, is_left=True, least=6),
    )  # fmt: skip

    def table(self, view: View) -> Table:
        return view.errors

    def rows(self, view: View, facts: Facts) -> Rows:
        return error_rows(view, self.sort, facts, self.app.span_s, self.columns)

    def open(self, key: Hashable) -> None:
        assert isinstance(key, int)
        facts = self.app.facts
        assert facts is not None
        number, slot = key >> 11, key & SLOT_MASK
        label = f"{error_name(number)} of {slot_name(slot, facts.tables)}"
        self.app.open_events(
            Sieve(label=label, errnos=frozenset({number}), slots=frozenset({slot}))
        )


def error_rows(
    view: View, sort: str, facts: Facts, span_s: float, columns: Sequence[Column]
) -> RankedRows:
    table = view.errors
    made = cells.count_cells(table, rates_of(table, span_s, facts.is_live))

    def error(index: int, _: int) -> Cell:
        number = int(table.key[index]) >> 11
        return "others" if number == OTHER_ERRORS else error_name(number), "bad"

    def call(index: int, _: int) -> Cell:
        return slot_name(int(table.key[index]) & SLOT_MASK, facts.tables)

    def meaning(index: int, _: int) -> Cell:
        number = int(table.key[index]) >> 11
        if number == OTHER_ERRORS:
            return "the counters tell them not apart", "dim"
        return os.strerror(number), "dim"

    made |= {"error": error, "syscall": call, "meaning": meaning}
    return RankedRows(table, order_of(table, sort), [made[column.title] for column in columns])
