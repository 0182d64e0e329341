"""The newest calls, in order of time: for scrolling back, within a fixed memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracectl.analysis.codes import codes_of
from tracectl.live.page import I64, Page

_BLOCK = 1 << 14


@dataclass(frozen=True, slots=True)
class Block:
    """Calls of several pages in order of time: ``page`` is the number of each one's, ``index`` its
    place in there; ``numbers`` are the pages' together."""

    time_ns: I64
    page: NDArray[np.int32]
    index: NDArray[np.int32]
    numbers: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.time_ns)


@dataclass(frozen=True, slots=True)
class Shelf:
    """What a book held at one time; it stays as it is, but for the ends of calls."""

    pages: dict[int, Page]
    blocks: tuple[Block, ...]
    dropped: int = 0


class Book:
    """``capacity_bytes`` are of sub-buffers; the columns take about as much again. ``dropped`` are
    calls that are in no page any more."""

    def __init__(self, capacity_bytes: int) -> None:
        self.capacity_bytes = capacity_bytes
        self.dropped = 0
        self._pages: dict[int, Page] = {}
        self._blocks: list[Block] = []
        self._size_bytes = 0

    @property
    def pages(self) -> dict[int, Page]:
        return self._pages

    @property
    def first_ns(self) -> int:
        """When its oldest call was entered; 0 without any."""
        return int(self._blocks[0].time_ns[0]) if self._blocks else 0

    def shelf(self) -> Shelf:
        return Shelf(dict(self._pages), tuple(self._blocks), self.dropped)

    def add(self, pages: Sequence[Page]) -> None:
        for page in pages:
            self._pages[page.number] = page
            self._size_bytes += len(page.data)
        self._merge([_block_of(page) for page in pages if len(page)])
        while self._size_bytes > self.capacity_bytes and len(self._pages) > 1:
            self._drop_oldest()

    def _merge(self, fresh: list[Block]) -> None:
        """CPUs hand over at different times, so that newer calls may be here already."""
        if not fresh:
            return
        first_ns = min(int(block.time_ns[0]) for block in fresh)
        while self._blocks and (
            len(self._blocks[-1]) < _BLOCK // 2 or int(self._blocks[-1].time_ns[-1]) > first_ns
        ):
            fresh.append(self._blocks.pop())
        time_ns = np.concatenate([block.time_ns for block in fresh])
        page = np.concatenate([block.page for block in fresh])
        index = np.concatenate([block.index for block in fresh])
        order = np.argsort(time_ns, kind="stable")
        for start in range(0, len(order), _BLOCK):
            rows = order[start : start + _BLOCK]
            self._blocks.append(_block(time_ns[rows], page[rows], index[rows]))

    def _drop_oldest(self) -> None:
        number = next(iter(self._pages))
        page = self._pages.pop(number)
        self._size_bytes -= len(page.data)
        self.dropped += len(page)
        last_ns = int(page.time_ns.max(initial=0))
        kept = []
        while self._blocks and int(self._blocks[0].time_ns[0]) <= last_ns:
            block = self._blocks.pop(0)
            rows = np.flatnonzero(block.page != number)
            if len(rows):
                kept.append(_block(block.time_ns[rows], block.page[rows], block.index[rows]))
        self._blocks[:0] = kept


def _block_of(page: Page) -> Block:
    # Calls that were told as a whole when they ended may begin before those that stand before them.
    order = np.argsort(page.time_ns, kind="stable")
    return Block(
        page.time_ns[order],
        np.full(len(page), page.number, np.int32),
        order.astype(np.int32),
        (page.number,),
    )


def _block(time_ns: I64, page: NDArray[np.int32], index: NDArray[np.int32]) -> Block:
    return Block(time_ns, page, index, tuple(codes_of(page)[1]))
