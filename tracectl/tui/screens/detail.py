"""One call, with every field of its records beside the bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from rich.text import Text
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from tracectl.abi.records import (
    BODIES,
    EXIT_KINDS,
    STRING_KINDS,
    Kind,
    NameFlag,
    Record,
    Site,
    Source,
)
from tracectl.decode.arguments import arguments_of
from tracectl.kernel.choice import slot_name
from tracectl.live.model import View
from tracectl.live.page import OPEN_NS, Page
from tracectl.live.source import Facts
from tracectl.render.strings import printable
from tracectl.render.table import format_duration
from tracectl.tui.lines import Lines
from tracectl.tui.screens.base import ViewScreen

_BYTES_A_LINE = 8
_CALL_GRANULES = BODIES[Kind.CALL].sizeof() // 8 - 1
_HEX_WIDTH = 3 * _BYTES_A_LINE + 7


class DetailScreen(ViewScreen):
    tab = 7
    CSS = "DetailScreen VerticalScroll { padding: 0 1; }"

    def __init__(self, page: Page, index: int) -> None:
        super().__init__()
        self._page = page
        self._index = index
        self._text: Text | None = None
        self.crumb = "Call"

    def body(self) -> Iterable[Widget]:
        with VerticalScroll(id="detail"):
            yield Static("", id="text")

    def show(self, view: View, facts: Facts) -> None:
        lines = self.app.lines
        if lines is not None and self._text is None:
            self._text = Text("\n").join(_describe(self._page, self._index, view, facts, lines))
            self.query_one("#text", Static).update(self._text)
            self.query_one("#detail").focus()

    def seen(self) -> tuple[list[str], list[list[str]]]:
        lines = self._text.plain.splitlines() if self._text is not None else []
        return ["call"], [[line] for line in lines]


def _describe(page: Page, index: int, view: View, facts: Facts, lines: Lines) -> Iterator[Text]:
    line = lines.line(page, index)
    slot, tgid = int(page.slot[index]), int(page.tgid[index])
    spent_ns = int(page.duration_ns[index])
    yield Text(printable(line.text), style="bold")
    yield Text("")
    process = view.who_is(tgid)
    yield _fact("system call", f"{slot_name(slot, facts.tables)}, number {slot % 512}")
    yield _fact("process", f"{process.comm or '?'} {tgid}, thread {int(page.tid[index])}")
    if process.path:
        yield _fact("image", process.path)
    yield _fact("entered", f"{lines.clock_of(int(page.time_ns[index]))} UTC on CPU {page.cpu}")
    took = "not known: its exit has not come" if spent_ns == OPEN_NS else format_duration(spent_ns)
    yield _fact("took", took)
    yield from _arguments(page, index, facts, lines)
    records = lines.records_of(page)
    rows = lines.rows_of(page, index)
    for row in rows:
        yield Text("")
        yield from _record(records, row)
    has_exit = rows[0] in records.whole or int(records.kind[rows[-1]]) in EXIT_KINDS
    if spent_ns != OPEN_NS and not has_exit:
        yield Text("")
        yield from _far_exit(page, index, view, lines)


def _far_exit(page: Page, index: int, view: View, lines: Lines) -> Iterator[Text]:
    """The exit that another sub-buffer has, or the CPU where the thread went on."""
    exit_ns = int(page.time_ns[index]) + int(page.duration_ns[index])
    for other in view.shelf.pages.values():
        if other.first_ns <= exit_ns <= other.last_ns:
            records = lines.records_of(other)
            is_it = (records.time_ns == exit_ns) & (records.kind == Kind.EXIT)
            for row in np.flatnonzero(is_it & (records.tid == page.tid[index])).tolist():
                yield Text(f"on CPU {other.cpu}", style="dim")
                yield from _record(records, row)
                return
    yield Text("its exit is in a sub-buffer that is no longer kept", style="dim")


def _arguments(page: Page, index: int, facts: Facts, lines: Lines) -> Iterator[Text]:
    slot = int(page.slot[index])
    call = facts.tables[slot // 512].get(slot % 512)
    row = np.array([page.row[index]], np.intp)
    values = arguments_of(lines.records_of(page), row, facts.shapes)[0].tolist()
    for argument, value in zip(call.args if call else (), values, strict=False):
        yield _fact(argument.name, f"{value:#x}  ({argument.ctype})")


def _fact(name: str, value: str) -> Text:
    text = Text(f"{name:<12} ", style="dim", no_wrap=True)
    text.append(printable(value), style="not dim")
    return text


def _record(records: Any, row: int) -> Iterator[Text]:
    """Its head, then its bytes with the fields that construct finds in them."""
    kind, granules = Kind(int(records.kind[row])), int(records.granules[row])
    start = int(records.granule[row]) * 8
    if row in records.whole:
        # It stands here as the entry that it has in it.
        kind, granules = Kind.CALL, granules + _CALL_GRANULES
        start -= 8 * _CALL_GRANULES
    size = 8 + 8 * granules
    data = records.words.view(np.uint8).data
    string = b""
    if kind in STRING_KINDS:
        length = int(records.id[row])
        string = bytes(data[start + size : start + size + length])
        size += (length + 8) // 8 * 8
    raw = bytes(data[start : start + size])
    yield Text(
        f"{kind.name} at byte {start:#x} of sub-buffer {records.seq}", style="bold underline"
    )
    fields = [f"{name} = {value}" for name, value in _fields(kind, raw)]
    if kind in STRING_KINDS:
        fields += [f"string = {string!r}", *_provenance(kind, raw)]
    for place in range(max(-(-len(raw) // _BYTES_A_LINE), len(fields))):
        part = raw[place * _BYTES_A_LINE : (place + 1) * _BYTES_A_LINE]
        left = f"{start + place * _BYTES_A_LINE:#06x} {part.hex(' ')}" if part else ""
        text = Text(left.ljust(_HEX_WIDTH) + " ", style="dim")
        text.append(printable(fields[place]) if place < len(fields) else "", style="not dim")
        yield text


def _fields(kind: Kind, raw: bytes) -> Iterator[tuple[str, Any]]:
    body = BODIES.get(kind)
    parsed = body.parse(raw) if body is not None else {"head": Record.parse(raw)}
    for name, value in parsed.items():
        if name == "head":
            yield from ((inner, value[inner]) for inner in value if inner != "_io")
        elif name != "_io":
            yield name, value
    if kind in (Kind.ENTRY, Kind.CALL):
        for at in range(8 if body is None else body.sizeof(), len(raw), 8):
            yield f"payload[{at - 8}]", f"{int.from_bytes(raw[at : at + 8], 'little'):#x}"


def _provenance(kind: Kind, raw: bytes) -> list[str]:
    """Where the string of a record comes from, as far as its fields tell."""
    if kind == Kind.DIVERGENCE:
        return ["from user memory at the entry, then what the kernel acted on"]
    fields = BODIES[kind].parse(raw)
    from_user = "source" in fields and fields.source == Source.USER_COPY
    notes = ["from user memory" if from_user else "the kernel's own copy"]
    if kind == Kind.NAME:
        notes = [f"{notes[0]}, at site {Site(fields.site).name.lower()}"]
        if fields.flags & NameFlag.TRUNCATED:
            notes.append("cut: it was longer")
    return notes
