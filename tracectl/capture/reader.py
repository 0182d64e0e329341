"""Reading a capture. No length in the file is trusted, and damage ends in a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from tracectl.abi.records import ABI_VERSION
from tracectl.capture.blockfile import BlockFile
from tracectl.capture.format import (
    BLOCK_HEADER,
    FILE_HEADER,
    FORMAT_VERSION,
    MAGIC,
    Block,
    BlockType,
)
from tracectl.capture.metadata import EndBlock, Metadata
from tracectl.errors import CaptureError, DecodeError

if TYPE_CHECKING:
    from tracectl.capture.blocks import Blocks


@dataclass(frozen=True, slots=True)
class Chunk:
    """One sub-buffer, ``used_bytes`` long; ``offset`` is where its block's payload starts."""

    cpu: int
    seq: int
    data: bytes
    offset: int


class Capture:
    """An open capture.

    ``end`` is None when the recorder did not end the file. ``problems`` are sentences about damage;
    those about single chunks come as they are read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[str] = []
        self._next_offset = 0
        self._file = BlockFile(path)
        try:
            self._check_header()
            blocks = self._read_index() or self._scan(FILE_HEADER.size)
            self.metadata = self._read_metadata(blocks)
            self.end = self._read_end(blocks)
        except OSError as error:
            self.close()
            raise CaptureError(path, f"cannot be read: {error.strerror}") from error
        except CaptureError:
            self.close()
            raise
        self._chunks = blocks.of(BlockType.CHUNK)
        self._next_offset = blocks.end
        if self.metadata.config.is_flight:
            self.problems += self._chunks.find_repeated()
        else:
            self.problems += self._chunks.find_missing(self.end)

    def __enter__(self) -> Capture:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()

    def __len__(self) -> int:
        """How many chunks there are."""
        return len(self._chunks)

    def places_by_cpu(self) -> dict[int, list[int]]:
        """Where each CPU's chunks are in file order, by their numbers, each number once: which is
        that order, but in a damaged file."""
        return self._chunks.places_by_cpu()

    @property
    def raw_bytes(self) -> int:
        """Bytes of all chunks, not compressed."""
        return self._chunks.raw_bytes

    def iter_chunks(self) -> Iterator[Chunk]:
        """The chunks in file order, which is each CPU's own order; damaged ones are left out and
        become problems. CaptureError when the disk refuses."""
        for place in range(len(self._chunks)):
            chunk = self.read_chunk(place)
            if chunk is not None:
                yield chunk

    def read_chunk(self, place: int) -> Chunk | None:
        """The chunk at ``place`` in file order; None when it is damaged, which becomes a problem.
        CaptureError when the disk refuses."""
        try:
            return self.load_chunk(place)
        except DecodeError as error:
            self.problems.append(str(error))
            return None

    def load_chunk(self, place: int) -> Chunk:
        """As read_chunk(), from any thread; DecodeError with the problem when it is damaged."""
        block = self._chunks[place]
        try:
            data = self._file.read(block)
        except DecodeError as error:
            raise DecodeError(
                f"sub-buffer {block.seq} of CPU {block.cpu} is damaged: {error}"
            ) from error
        return Chunk(block.cpu, block.seq, data, block.offset)

    def rescan(self) -> None:
        """Finds what the recorder has appended since; ``end`` is set once that is there.

        CaptureError when the file has become shorter: its recorder goes on where it was, so that
        there may be a hole now where the next block was.
        """
        if self._file.size_bytes() < self._next_offset:
            raise CaptureError(self.path, "has become shorter while it was read")
        problems = len(self.problems)
        blocks = self._scan(self._next_offset)
        # What is not whole yet will be.
        del self.problems[problems:]
        if not len(blocks):
            header = self._file.pread(BLOCK_HEADER.size, self._next_offset)
            if len(header) == BLOCK_HEADER.size and not any(header):
                raise CaptureError(self.path, "was cut while it was read, and has a hole now")
            return
        self._next_offset = blocks.end
        self._chunks += blocks.of(BlockType.CHUNK)
        if len(blocks.of(BlockType.END)):
            self.end = self._read_end(blocks)

    def _check_header(self) -> None:
        data = self._file.pread(FILE_HEADER.size, 0)
        if not data:
            raise CaptureError(self.path, "is empty")
        if len(data) < FILE_HEADER.size or not data.startswith(MAGIC):
            raise CaptureError(self.path, "is no tracectl capture")
        _, version, abi, _ = FILE_HEADER.unpack(data)
        if version != FORMAT_VERSION:
            raise CaptureError(
                self.path,
                f"has capture format {version}; this tracectl reads format {FORMAT_VERSION}",
            )
        if abi != ABI_VERSION:
            age = "an older" if abi < ABI_VERSION else "a newer"
            raise CaptureError(
                self.path,
                f"has ABI version {abi}; this tracectl reads version {ABI_VERSION}: read it with "
                f"{age} tracectl, the one that recorded it",
            )

    def _read_index(self) -> Blocks | None:
        """All block headers, where the file ends with its index and that is sound."""
        from tracectl.capture.blocks import Blocks  # noqa: PLC0415 - numpy

        index = self._file.find_index()
        if index is None:
            return None
        try:
            payload = self._file.read(index)
        except DecodeError:
            return None
        return Blocks.in_index(payload, FILE_HEADER.size, index.offset - BLOCK_HEADER.size)

    def _scan(self, start: int) -> Blocks:
        """All block headers up to the first that is none, or whose block is not whole."""
        from tracectl.capture.blocks import Blocks  # noqa: PLC0415 - numpy

        size = self._file.size_bytes()
        headers, offset = [], start
        while offset < size:
            data = self._file.pread(BLOCK_HEADER.size, offset)
            payload = offset + BLOCK_HEADER.size
            block = Block.unpack(data, payload) if len(data) == BLOCK_HEADER.size else None
            if block is None or payload + block.stored_bytes > size:
                self.problems.append(
                    f"the last {size - offset} bytes are no whole block and are ignored"
                )
                break
            headers.append(data)
            offset = payload + block.stored_bytes
        return Blocks.following(b"".join(headers), start)

    def _read_metadata(self, blocks: Blocks) -> Metadata:
        if not len(blocks) or blocks[0].type != BlockType.METADATA:
            raise CaptureError(self.path, "ends before its metadata; nothing in it can be read")
        try:
            return Metadata.from_bytes(self._file.read(blocks[0]))
        except DecodeError as error:
            raise CaptureError(
                self.path, f"its metadata is damaged ({error}); nothing in it can be read"
            ) from error

    def _read_end(self, blocks: Blocks) -> EndBlock | None:
        ends = blocks.of(BlockType.END)
        if not len(ends):
            self.problems.append(
                "the end is missing: the recorder was killed, is still at work, or the file was cut"
            )
            return None
        try:
            return EndBlock.from_bytes(self._file.read(ends[-1]))
        except DecodeError as error:
            self.problems.append(f"the end block is damaged: {error}")
            return None


def open_capture(path: Path) -> Capture:
    """Opens ``path``. CaptureError when it is no capture that this tracectl can read."""
    return Capture(path)
