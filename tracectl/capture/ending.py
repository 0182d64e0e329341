"""How a capture ended, without all that a reader of its chunks needs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tracectl.capture.blockfile import BlockFile
from tracectl.capture.format import BLOCK_HEADER, FILE_HEADER, INDEX_FOOTER, Block, BlockType
from tracectl.capture.metadata import EndBlock
from tracectl.errors import CaptureError, DecodeError


def read_end(path: Path) -> EndBlock | None:
    """The end block of a file that has an index; None of one that has none, or is damaged.
    CaptureError when it cannot be read at all."""
    try:
        with BlockFile(path) as file:
            return _read_end(file)
    except DecodeError:
        return None
    except OSError as error:
        raise CaptureError(path, f"cannot be read: {error.strerror}") from error


def find_end(path: Path) -> tuple[EndBlock | None, list[str]]:
    """Also that of a file without an index, which is very large, or whose disk was full; and what
    is wrong with the file. CaptureError when it is no capture."""
    end = read_end(path)
    if end is not None:
        return end, []
    from tracectl.capture.reader import open_capture  # noqa: PLC0415 - numpy

    with open_capture(path) as capture:
        return capture.end, capture.problems


def _read_end(file: BlockFile) -> EndBlock | None:
    index = file.find_index()
    if index is None:
        return None
    # Before the index comes the end block, whose header is the index's last.
    last = file.read(index)[: -INDEX_FOOTER.size][-BLOCK_HEADER.size :]
    end = Block.unpack(last, 0) if len(last) == BLOCK_HEADER.size else None
    if end is None or end.type != BlockType.END:
        return None
    offset = index.offset - BLOCK_HEADER.size - end.stored_bytes
    if offset < FILE_HEADER.size + BLOCK_HEADER.size:
        return None
    return EndBlock.from_bytes(file.read(replace(end, offset=offset)))
