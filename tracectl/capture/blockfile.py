"""A capture as a file of blocks: opened, its index found, payloads read and checked."""

from __future__ import annotations

import os
import stat
import zlib
from pathlib import Path

from tracectl.capture.format import (
    BLOCK_HEADER,
    INDEX_FOOTER,
    INDEX_MAGIC,
    Block,
    BlockFlag,
    BlockType,
)
from tracectl.errors import CaptureError, DecodeError


class BlockFile:
    """CaptureError when ``path`` cannot be opened, or is no regular file."""

    def __init__(self, path: Path) -> None:
        self._fd = _open(path)

    def __enter__(self) -> BlockFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def size_bytes(self) -> int:
        return os.fstat(self._fd).st_size

    def find_index(self) -> Block | None:
        """The header of the index that the file ends with; None where it does not."""
        size = self.size_bytes()
        footer = self.pread(INDEX_FOOTER.size, max(size - INDEX_FOOTER.size, 0))
        start, magic = INDEX_FOOTER.unpack(footer.rjust(INDEX_FOOTER.size))
        if magic != INDEX_MAGIC or start + BLOCK_HEADER.size + INDEX_FOOTER.size > size:
            return None
        header = self.pread(BLOCK_HEADER.size, start)
        block = Block.unpack(header, start + BLOCK_HEADER.size)
        return block if block is not None and block.type == BlockType.INDEX else None

    def read(self, block: Block) -> bytes:
        """The block's payload, decompressed. DecodeError when it is damaged."""
        start = block.offset - BLOCK_HEADER.size
        whole = memoryview(self.pread(BLOCK_HEADER.size + block.stored_bytes, start))
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

    def pread(self, count: int, offset: int) -> bytes:
        """``count`` bytes, or fewer where the file ends."""
        data = os.pread(self._fd, count, offset)
        while len(data) < count:
            more = os.pread(self._fd, count - len(data), offset + len(data))
            if not more:
                break
            data += more
        return data


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
