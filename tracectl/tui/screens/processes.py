"""Processes by what they do, as a tree or flat."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from tracectl.analysis.containers import container_of
from tracectl.live.model import View
from tracectl.live.processes import Process
from tracectl.live.ranking import Table
from tracectl.live.source import Facts
from tracectl.tui import cells
from tracectl.tui.grid import Cell, Column, Rows
from tracectl.tui.ranked import CellOf, RankedRows, order_of, rates_of, sort_values
from tracectl.tui.screens.ranked import RankedScreen
from tracectl.tui.screens.syscalls import SyscallsScreen

_COMM_WIDTH = 24


class ProcessesScreen(RankedScreen):
    tab = 3
    crumb = "Processes"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("t", "toggle_tree", "Tree")]
    columns: Sequence[Column] = (
        Column("process", 0, is_left=True, least=12), Column("pid", 7), cells.RATE, cells.CALLS,
        cells.ERRORS, cells.TIME,
    )  # fmt: skip
    is_tree = True
    has_containers = False

    def table(self, view: View) -> Table:
        return view.processes

    def rows(self, view: View, facts: Facts) -> Rows:
        if not self.has_containers and any(container_of(one.cgroup) for one in view.who.values()):
            self.has_containers = True
            self.columns = [*self.columns, Column("container", 13, is_left=True)]
        if not self.is_tree:
            return process_rows(view, self.sort, facts, self.app.span_s, self.columns)
        return TreeRows(view, self.sort, facts, self.app.span_s, self.columns)

    def action_toggle_tree(self) -> None:
        self.is_tree = not self.is_tree
        self.app.show_now()

    def open(self, key: Hashable) -> None:
        assert isinstance(key, int)
        view = self.app.view
        assert view is not None
        self.app.push_screen(SyscallsScreen(key, view.who_is(key).comm))


def process_rows(
    view: View, sort: str, facts: Facts, span_s: float, columns: Sequence[Column]
) -> RankedRows:
    table = view.processes
    made = _cells(table, view, facts, span_s)
    return RankedRows(table, order_of(table, sort), [made[column.title] for column in columns])


def _cells(table: Table, view: View, facts: Facts, span_s: float) -> dict[str, CellOf]:
    made = cells.count_cells(table, rates_of(table, span_s, facts.is_live))

    def name(index: int, width: int) -> Cell:
        return name_of_process(view.who_is(int(table.key[index])), width)

    made["process"] = name
    made["container"] = lambda index, _: (
        container_of(view.who_is(int(table.key[index])).cgroup),
        "dim",
    )
    made["pid"] = lambda index, _: (str(int(table.key[index])), "dim")
    return made


def name_of_process(process: Process, width: int) -> Cell:
    name = process.comm or "?"
    if process.exit_code is None:
        return name
    return (f"{name} (ended)" if width > _COMM_WIDTH else name), "dim"


class TreeRows:
    """Those that did anything and who started them; branches with the greatest sums first."""

    def __init__(
        self, view: View, sort: str, facts: Facts, span_s: float, columns: Sequence[Column]
    ) -> None:
        table = view.processes
        made = _cells(table, view, facts, span_s)
        self._view = view
        self._cells = [made[column.title] for column in columns]
        self._index = {key: index for index, key in enumerate(table.key.tolist())}
        values = dict(zip(self._index, sort_values(table, sort).tolist(), strict=True))
        self._rows = _walk(view, values)
        self._places = {tgid: place for place, (tgid, _) in enumerate(self._rows)}

    def __len__(self) -> int:
        return len(self._rows)

    def cells(self, place: int, widths: Sequence[int]) -> Sequence[Cell]:
        tgid, branch = self._rows[place]
        name = name_of_process(self._view.who_is(tgid), widths[0])
        text, kind = name if isinstance(name, tuple) else (name, "")
        first: Cell = (branch + text, kind)
        if tgid not in self._index:
            return first, (str(tgid), "dim"), *("" for _ in self._cells[2:])
        index = self._index[tgid]
        rest = zip(self._cells[1:], widths[1:], strict=True)
        return first, *(cell(index, width) for cell, width in rest)

    def key(self, place: int) -> Hashable:
        return self._rows[place][0]

    def find(self, key: Hashable) -> int | None:
        return self._places.get(key) if isinstance(key, int) else None


def _walk(view: View, values: dict[int, float]) -> list[tuple[int, str]]:
    """Ids in the order of the tree, each with what is drawn before its name."""
    parents: dict[int, int] = {}
    sums = dict(values)
    for tgid, value in values.items():
        at, seen = tgid, {tgid}
        while (parent := view.who_is(at).ppid) and parent not in seen:
            parents[at] = parent
            sums[parent] = sums.get(parent, 0.0) + value
            at = parent
            seen.add(at)
    children: dict[int, list[int]] = {}
    for child, parent in parents.items():
        children.setdefault(parent, []).append(child)
    roots = [tgid for tgid in sums if tgid not in parents]
    rows: list[tuple[int, str]] = []
    stack = [(root, "", "") for root in sorted(roots, key=lambda one: (sums[one], -one))]
    while stack:
        tgid, branch, indent = stack.pop()
        rows.append((tgid, branch))
        mine = sorted(children.get(tgid, ()), key=lambda one: (sums[one], -one))
        for place, child in enumerate(mine):
            is_last = place == 0
            stack.append(
                (child, indent + ("└ " if is_last else "├ "), indent + ("  " if is_last else "│ "))
            )
    return rows
