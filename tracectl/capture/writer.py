"""Writing a capture: blocks appended, whole or not at all."""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from tracectl.abi.records import ABI_VERSION
from tracectl.capture.format import (
    FILE_HEADER,
    FORMAT_VERSION,
    INDEX_FOOTER,
    INDEX_MAGIC,
    INDEX_MAX_BYTES,
    MAGIC,
    MAX_BYTES,
    Block,
    BlockFlag,
    BlockType,
)
from tracectl.capture.metadata import EndBlock, Metadata
from tracectl.errors import CaptureError

Payload = bytes | memoryview

_END_BYTES = 4096
"""Room for what the end block has of a CPU that made calls of a hundred kinds."""
_KEEP_SIZE = 1  # linux/falloc.h
_libc = ctypes.CDLL(None, use_errno=True)


class CaptureWriter:
    """Writes ``path`` anew. CaptureError when the file cannot be written; it is then cut back to
    its last whole block and stays readable.

    ``size_bytes`` is what has been written, ``raw_bytes`` the chunks before compression;
    ``failure`` says in a few words what the last CaptureError was about.
    """

    def __init__(self, path: Path, metadata: Metadata, *, compress: bool = True) -> None:
        self.path = path
        self.size_bytes = 0
        self.raw_bytes = 0
        self.failure = ""
        self._compress = _compressor() if compress else None
        self._headers = bytearray()
        self._end_bytes = _END_BYTES * (metadata.cpus + 1)
        self._fd = _open(path)
        try:
            self._append(FILE_HEADER.pack(MAGIC, FORMAT_VERSION, ABI_VERSION, 0))
            self._write_block(BlockType.METADATA, metadata.to_bytes())
        except CaptureError as error:
            self.close()
            path.unlink(missing_ok=True)
            raise CaptureError(path, f"{self.failure} at its start; nothing was kept") from error

    def __enter__(self) -> CaptureWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """CaptureError when what was written did not get through, as NFS tells only now."""
        fd, self._fd = self._fd, -1
        if fd < 0:
            return
        try:
            # Gives back what was reserved.
            os.ftruncate(fd, self.size_bytes)
            os.close(fd)
        except OSError as error:
            raise CaptureError(self.path, f"was not written: {error.strerror}") from error

    def write_chunk(self, cpu: int, seq: int, data: Payload) -> None:
        """Appends one sub-buffer, number ``seq`` of ``cpu``."""
        self._write_block(BlockType.CHUNK, data, cpu, seq)
        self.raw_bytes += len(data)

    def write_end(self, end: EndBlock) -> None:
        """Appends the end block, and the index where there is room for it."""
        self._write_block(BlockType.END, end.to_bytes())
        footer = INDEX_FOOTER.pack(self.size_bytes, INDEX_MAGIC)
        if len(self._headers) + len(footer) <= INDEX_MAX_BYTES:
            failure, self._compress = self.failure, None
            with suppress(CaptureError):
                self._write_block(BlockType.INDEX, bytes(self._headers) + footer)
            self.failure = failure

    def _write_block(self, kind: BlockType, raw: Payload, cpu: int = 0, seq: int = 0) -> None:
        if len(raw) > MAX_BYTES[kind]:
            self.failure = f"a block of {len(raw)} bytes is more than a capture can hold"
            raise CaptureError(self.path, self.failure)
        payload, flags = raw, 0
        if self._compress is not None:
            packed = self._compress(raw)
            if len(packed) < len(raw):
                payload, flags = packed, int(BlockFlag.ZSTD)
        block = Block(kind, flags, len(payload), len(raw), zlib.crc32(payload), cpu, seq)
        # So that a full disk leaves room for the end block, which tells of it.
        reserve_bytes = 0 if kind in (BlockType.END, BlockType.INDEX) else self._end_bytes
        header = block.pack()
        self._append(header, payload, reserve_bytes=reserve_bytes)
        self._headers += header

    def _append(self, *parts: Payload, reserve_bytes: int = 0) -> None:
        try:
            if reserve_bytes:
                _allocate(self._fd, self.size_bytes, sum(map(len, parts)) + reserve_bytes)
            _write_all(self._fd, parts)
        except OSError as error:
            self._cut_back()
            # EFBIG: as full as RLIMIT_FSIZE or the file system lets a file be.
            full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
            self.failure = "disk full" if full else error.strerror or "not written"
            raise CaptureError(
                self.path,
                f"{self.failure} after {self.size_bytes} bytes ({error.strerror}); the file is "
                "readable up to there",
            ) from error
        self.size_bytes += sum(map(len, parts))

    def _cut_back(self) -> None:
        try:
            os.ftruncate(self._fd, self.size_bytes)
        except OSError:
            # A reader sees a torn block then, and says so.
            return
        os.lseek(self._fd, self.size_bytes, os.SEEK_SET)


def _open(path: Path) -> int:
    """For the owner only: a capture tells what every user of the machine opened."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        fd = os.open(path, flags, 0o600)
    except OSError as error:
        raise CaptureError(path, f"cannot be written: {error.strerror}") from error
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise CaptureError(path, "is no regular file; a capture cannot be cut back in it")
    os.ftruncate(fd, 0)
    return fd


def _allocate(fd: int, start: int, size_bytes: int) -> None:
    """Takes the blocks from ``start`` on, without changing the file's size. OSError ENOSPC; a file
    system that cannot do it is left alone."""
    if _libc.fallocate(fd, _KEEP_SIZE, ctypes.c_int64(start), ctypes.c_int64(size_bytes)):
        code = ctypes.get_errno()
        if code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise OSError(code, os.strerror(code))


def _write_all(fd: int, parts: tuple[Payload, ...]) -> None:
    views = [memoryview(part) for part in parts]
    while views:
        written = os.writev(fd, views)
        while views and written >= len(views[0]):
            written -= len(views.pop(0))
        if views:
            views[0] = views[0][written:]


def _compressor() -> Callable[[Payload], bytes]:
    import zstandard  # noqa: PLC0415 - not needed in a guest, where it costs half a second

    # Recordings are as small by it as by level 1, and decompressed twice as fast.
    return zstandard.ZstdCompressor(level=-1).compress
