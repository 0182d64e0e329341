"""Everything that reads a capture, on bytes that need be none."""

from __future__ import annotations

import io
import zlib
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path

from tracectl.analysis.groups import GROUPS
from tracectl.capture.ending import read_end
from tracectl.capture.format import (
    BLOCK_HEADER,
    FILE_HEADER,
    INDEX_FOOTER,
    INDEX_MAGIC,
    Block,
    BlockType,
)
from tracectl.cli.main import main
from tracectl.errors import CaptureError

_FILE = "FILE"
COMMANDS = (
    ("verify", _FILE),
    *(("report", "--by", by, _FILE) for by in GROUPS),
    ("report", "--from", "0.001", "--comm", "sh", "--json", _FILE),
    ("report", "--time", _FILE),
    ("print", "-tt", "-T", _FILE),
    ("print", "-y", _FILE),
    ("print", "--json", "--failed", _FILE),
    ("export", "--to", "jsonl", "-o", "-", _FILE),
    ("diff", _FILE, _FILE),
    ("query", _FILE, "SELECT * FROM files, events"),
)
_EXIT_CODES = frozenset({0, 1, 2, 3})


def read_with_all(path: Path) -> None:
    for command in COMMANDS:
        read_with(command, path)


def read_with(command: tuple[str, ...], path: Path) -> None:
    """Runs the command on ``path``. Whatever is wrong with it, it says so and ends."""
    with suppress(CaptureError):
        read_end(path)
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        code = main([str(path) if word == _FILE else word for word in command])
    if code not in _EXIT_CODES or "Traceback" in said.getvalue():
        raise AssertionError(f"{command} exits with {code}: {said.getvalue()[-500:]}")


def blocks_of(data: bytes) -> list[tuple[Block, bytes]]:
    """The blocks of a capture that is whole, with their payloads."""
    blocks, offset = [], FILE_HEADER.size
    while offset < len(data):
        start = offset + BLOCK_HEADER.size
        block = Block.unpack(data[offset:start], start)
        assert block is not None
        offset = start + block.stored_bytes
        blocks.append((block, data[start:offset]))
    return blocks


def join_blocks(header: bytes, blocks: list[tuple[Block, bytes]]) -> bytes:
    """A capture of ``blocks``, whose lengths and checksums are made right, and an index: so that
    what is wrong in a payload comes to who reads it."""
    parts = [header]
    for block, told in blocks:
        payload = told
        if block.type == BlockType.INDEX:
            footer = INDEX_FOOTER.pack(sum(map(len, parts)), INDEX_MAGIC)
            payload = b"".join(parts[1::2]) + footer
        size = len(payload)
        fitting = Block(block.type, 0, size, size, zlib.crc32(payload), block.cpu, block.seq)
        parts += [fitting.pack(), payload]
    return b"".join(parts)
