"""The capture file, byte by byte. Integers are little-endian.

A file is a header of 16 bytes, then blocks to the end::

    file header   8 bytes  magic "TRACECTL"
                  u16      format version
                  u16      ABI version of the sub-buffers
                  u32      0
    block header  u32      magic "TCBK"
                  u8       type: 1 metadata, 2 chunk, 3 end, 4 index
                  u8       flags: 1 the payload is compressed with zstd
                  u16      0
                  u32      bytes that follow this header
                  u32      bytes of the payload when not compressed
                  u32      crc32 of the bytes that follow
                  u32      chunk: CPU; else 0
                  u64      chunk: sequence number of the sub-buffer on its CPU; else 0
    payload

The first block is the metadata (JSON), then come chunks, then the end block (JSON); a file without
it was not ended by its recorder. A chunk is one sub-buffer, as ``kmod/uapi/tracectl.h`` describes
it, and ``used_bytes`` long. A payload that zstd would not make smaller is stored as it is. Blocks
are only ever appended, so a torn file is readable up to its last whole block.

The last block is the index, so that a reader need not look for headers all over the file: it holds
those of all blocks before it, is not compressed, and ends with a u64, where its own header starts,
and "TRACEIDX". A file without it is as good.

No block is larger than its limit below, stored or not, so a reader knows what it has to hold before
it reads any of it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum, IntFlag

MAGIC = b"TRACECTL"
FORMAT_VERSION = 1
BLOCK_MAGIC = 0x4B424354

CHUNK_MAX_BYTES = 16 << 20
JSON_MAX_BYTES = 64 << 20
INDEX_MAX_BYTES = 64 << 20
"""Two million chunks, which are a terabyte or two; of more there is no index."""

FILE_HEADER = struct.Struct("<8sHHI")
BLOCK_HEADER = struct.Struct("<IBBHIIIIQ")
INDEX_FOOTER = struct.Struct("<Q8s")
INDEX_MAGIC = b"TRACEIDX"


class BlockType(IntEnum):
    METADATA = 1
    CHUNK = 2
    END = 3
    INDEX = 4


class BlockFlag(IntFlag):
    ZSTD = 1


MAX_BYTES = {
    BlockType.METADATA: JSON_MAX_BYTES,
    BlockType.CHUNK: CHUNK_MAX_BYTES,
    BlockType.END: JSON_MAX_BYTES,
    BlockType.INDEX: INDEX_MAX_BYTES,
}
"""The most a payload of each type may have."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block header; ``offset`` is where its payload starts in the file."""

    type: int
    flags: int
    stored_bytes: int
    raw_bytes: int
    crc32: int
    cpu: int
    seq: int
    offset: int = 0

    def pack(self) -> bytes:
        return BLOCK_HEADER.pack(
            BLOCK_MAGIC,
            self.type,
            self.flags,
            0,
            self.stored_bytes,
            self.raw_bytes,
            self.crc32,
            self.cpu,
            self.seq,
        )

    @classmethod
    def unpack(cls, data: bytes, offset: int) -> Block | None:
        """The header in ``data``, or None if these bytes are none of this format version."""
        magic, kind, flags, zero, stored, raw, crc32, cpu, seq = BLOCK_HEADER.unpack(data)
        if magic != BLOCK_MAGIC or zero or kind not in MAX_BYTES or flags & ~BlockFlag.ZSTD:
            return None
        if max(stored, raw) > MAX_BYTES[kind]:
            return None
        return cls(kind, flags, stored, raw, crc32, cpu, seq, offset)
