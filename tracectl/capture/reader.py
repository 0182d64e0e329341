"""Reading a capture. No length in the file is trusted, and damage ends in a sentence."""

from __future__ import annotations

import os
import stat
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from tracectl.abi.records import ABI_VERSION
from tracectl.capture.format import (
    BLOCK_HEADER,
    FILE_HEADER,
    FORMAT_VERSION,
    INDEX_FOOTER,
    INDEX_MAGIC,
    MAGIC,
    Block,
    BlockFlag,
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
        self._fd = _open(path)
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
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

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
            data = self._read(block)
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
        if os.fstat(self._fd).st_size < self._next_offset:
            raise CaptureError(self.path, "has become shorter while it was read")
        problems = len(self.problems)
        blocks = self._scan(self._next_offset)
        # What is not whole yet will be.
        del self.problems[problems:]
        if not len(blocks):
            header = self._pread(BLOCK_HEADER.size, self._next_offset)
            if len(header) == BLOCK_HEADER.size and not any(header):
                raise CaptureError(self.path, "was cut while it was read, and has a hole now")
            return
        self._next_offset = blocks.end
        self._chunks += blocks.of(BlockType.CHUNK)
        if len(blocks.of(BlockType.END)):
            self.end = self._read_end(blocks)

    def _check_header(self) -> None:
        data = self._pread(FILE_HEADER.size, 0)
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

        size = os.fstat(self._fd).st_size
        footer = self._pread(INDEX_FOOTER.size, max(size - INDEX_FOOTER.size, 0))
        start, magic = INDEX_FOOTER.unpack(footer.rjust(INDEX_FOOTER.size))
        if magic != INDEX_MAGIC or start + BLOCK_HEADER.size + INDEX_FOOTER.size > size:
            return None
        header = self._pread(BLOCK_HEADER.size, start)
        block = Block.unpack(header, start + BLOCK_HEADER.size)
        if block is None or block.type != BlockType.INDEX:
            return None
        try:
            return Blocks.in_index(self._read(block), FILE_HEADER.size, start)
        except DecodeError:
            return None

    def _scan(self, start: int) -> Blocks:
        """All block headers up to the first that is none, or whose block is not whole."""
        from tracectl.capture.blocks import Blocks  # noqa: PLC0415 - numpy

        size = os.fstat(self._fd).st_size
        headers, offset = [], start
        while offset < size:
            data = self._pread(BLOCK_HEADER.size, offset)
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
            return Metadata.from_bytes(self._read(blocks[0]))
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
            return EndBlock.from_bytes(self._read(ends[-1]))
        except DecodeError as error:
            self.problems.append(f"the end block is damaged: {error}")
            return None

    def _read(self, block: Block) -> bytes:
        """The block's payload, decompressed. DecodeError when it is damaged."""
        start = block.offset - BLOCK_HEADER.size
        whole = memoryview(self._pread(BLOCK_HEADER.size + block.stored_bytes, start))
        header, stored = whole[: BLOCK_HEADER.size], whole[BLOCK_HEADER.size :]
        if header != block.pack():
            raise DecodeError("its header is not what the index has")
        if len(stored) != block.stored_bytes or zlib.crc32(stored) != block.crc32:
            raise DecodeError("its checksum is wrong")
        is_compressed = block.flags & BlockFlag.ZSTD
        data = _decompress(stored, block.raw_bytes) if is_compressed else bytes(stored)
        if len(data) != block.raw_bytes:
            raise DecodeError("its length is wrong")
        return data

    def _pread(self, count: int, offset: int) -> bytes:
        """``count`` bytes, or fewer where the file ends."""
        data = os.pread(self._fd, count, offset)
        while len(data) < count:
            more = os.pread(self._fd, count - len(data), offset + len(data))
            if not more:
                break
            data += more
        return data


def open_capture(path: Path) -> Capture:
    """Opens ``path``. CaptureError when it is no capture that this tracectl can read."""
    return Capture(path)


def _open(path: Path) -> int:
    try:
        # A pipe would be waited for.
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise CaptureError(path, f"cannot be read: {error.strerror}") from error
    mode = os.fstat(fd).st_mode
    if not stat.S_ISREG(mode):
        os.close(fd)
        kind = "a directory" if stat.S_ISDIR(mode) else "no regular file"
        raise CaptureError(path, f"is {kind}, not a capture")
    return fd


def _decompress(data: memoryview, raw_bytes: int) -> bytes:
    import zstandard  # noqa: PLC0415 - not every capture is compressed

    try:
        # What it says of itself is what it would allocate.
        if zstandard.frame_content_size(data) != raw_bytes:
            raise DecodeError("its length is wrong")
        return zstandard.ZstdDecompressor().decompress(data, max_output_size=raw_bytes)
    except zstandard.ZstdError as error:
        raise DecodeError(f"it cannot be decompressed ({error})") from error
