"""The headers of a capture's blocks, as many as there are chunks in a day's recording."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracectl.capture.format import (
    BLOCK_HEADER,
    BLOCK_MAGIC,
    INDEX_FOOTER,
    MAX_BYTES,
    Block,
    BlockFlag,
    BlockType,
)
from tracectl.capture.metadata import EndBlock

_HEADER = np.dtype(
    [
        ("magic", "<u4"), ("type", "u1"), ("flags", "u1"), ("zero", "<u2"), ("stored_bytes", "<u4"),
        ("raw_bytes", "<u4"), ("crc32", "<u4"), ("cpu", "<u4"), ("seq", "<u8"),
    ]
)  # fmt: skip
_MOST_BYTES = np.zeros(256, np.int64)
_MOST_BYTES[list(MAX_BYTES)] = list(MAX_BYTES.values())


@dataclass(frozen=True, slots=True)
class Blocks:
    """``headers`` are as in the file, ``offsets`` where their payloads start."""

    headers: NDArray[Any]
    offsets: NDArray[np.int64]

    @classmethod
    def following(cls, headers: bytes, start: int) -> Blocks:
        """Those of blocks that follow each other, of which the first is at ``start``."""
        table = np.frombuffer(headers, _HEADER)
        ends = start + np.cumsum(table["stored_bytes"] + np.int64(BLOCK_HEADER.size))
        return cls(table, ends - table["stored_bytes"])

    @classmethod
    def in_index(cls, payload: bytes, start: int, end: int) -> Blocks | None:
        """Those that an index tells of, from ``start`` to ``end``, where it stands itself; None
        when it contradicts itself or the format."""
        headers = payload[: -INDEX_FOOTER.size]
        if not headers or len(headers) % BLOCK_HEADER.size:
            return None
        blocks = cls.following(headers, start)
        table = blocks.headers
        is_sound = (
            (table["magic"] == BLOCK_MAGIC)
            & (table["zero"] == 0)
            & (table["flags"] & ~np.uint8(BlockFlag.ZSTD) == 0)
            & (np.maximum(table["stored_bytes"], table["raw_bytes"]) <= _MOST_BYTES[table["type"]])
        )
        types = [BlockType.METADATA, *[BlockType.CHUNK] * (len(table) - 2), BlockType.END]
        is_whole = blocks.end == end and np.array_equal(table["type"], types)
        return blocks if is_whole and bool(is_sound.all()) else None

    def __len__(self) -> int:
        return len(self.headers)

    def __getitem__(self, place: int) -> Block:
        _, kind, flags, _, stored, raw, crc32, cpu, seq = self.headers[place].tolist()
        return Block(kind, flags, stored, raw, crc32, cpu, seq, int(self.offsets[place]))

    def __add__(self, others: Blocks) -> Blocks:
        return Blocks(
            np.concatenate((self.headers, others.headers)),
            np.concatenate((self.offsets, others.offsets)),
        )

    @property
    def end(self) -> int:
        """Where the last one ends."""
        last = self[-1]
        return last.offset + last.stored_bytes

    @property
    def raw_bytes(self) -> int:
        return int(self.headers["raw_bytes"].sum(dtype=np.int64))

    def of(self, kind: BlockType) -> Blocks:
        which = self.headers["type"] == kind
        return Blocks(self.headers[which], self.offsets[which])

    def places_by_cpu(self) -> dict[int, list[int]]:
        """Where each CPU's chunks are, by their numbers, each number once."""
        found = {}
        for cpu, places in self._iter_cpus():
            _, first = np.unique(self.headers["seq"][places], return_index=True)
            found[cpu] = places[first].tolist()
        return found

    def find_repeated(self) -> list[str]:
        """A sentence for every CPU whose sub-buffers are not in order, each once."""
        faults = {}
        for cpu, places in self._iter_cpus():
            seqs = self.headers["seq"][places]
            if len(wrong := np.flatnonzero(seqs[1:] <= seqs[:-1])):
                at = int(wrong[0])
                text = f"CPU {cpu}: sub-buffer {seqs[at + 1]} comes after {seqs[at]}"
                faults[int(places[at + 1])] = text
        return [faults[place] for place in sorted(faults)]

    def find_missing(self, end: EndBlock | None) -> list[str]:
        """A sentence for every CPU whose sub-buffers are not all there."""
        faults, counts, told = {}, dict[int, int](), set[int]()
        for cpu, places in self._iter_cpus():
            seqs = self.headers["seq"][places]
            wanted = np.concatenate((np.zeros(1, np.uint64), seqs[:-1] + np.uint64(1)))
            counts[cpu] = len(places)
            if len(wrong := np.flatnonzero(seqs != wanted)):
                at = int(wrong[0])
                text = f"CPU {cpu}: sub-buffer {seqs[at]} is where {wanted[at]} is expected"
                faults[int(places[at])] = text
                told.add(cpu)
        broken = [faults[place] for place in sorted(faults)]
        for totals in end.cpus if end else ():
            missing = totals.subbufs - counts.get(totals.cpu, 0)
            if missing > 0 and totals.cpu not in told:
                broken.append(
                    f"CPU {totals.cpu}: the last {missing} sub-buffers were never written"
                )
        return broken

    def _iter_cpus(self) -> Iterator[tuple[int, NDArray[np.intp]]]:
        """In the order of their first chunks."""
        cpus, first = np.unique(self.headers["cpu"], return_index=True)
        for cpu in cpus[np.argsort(first)].tolist():
            yield cpu, np.flatnonzero(self.headers["cpu"] == cpu)
