"""Captures as the reporting commands read them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tracectl.abi.records import OTHER_SLOT, SHAPES
from tracectl.capture.reader import Capture
from tracectl.capture.tables import tables_in
from tracectl.errors import DecodeError, UsageError
from tracectl.tables.table import SyscallTable

if TYPE_CHECKING:
    from tracectl.analysis.descriptors import Descriptors
    from tracectl.decode.subbuffer import Records


def iter_records(capture: Capture) -> Iterator[Records]:
    """The sub-buffers of ``capture``; one that cannot be decoded becomes a problem of it."""
    from tracectl.decode.subbuffer import decode_subbuffer  # noqa: PLC0415 - numpy

    for chunk in capture.iter_chunks():
        try:
            yield decode_subbuffer(chunk.data)
        except DecodeError as error:
            capture.problems.append(f"sub-buffer {chunk.seq} of CPU {chunk.cpu}: {error}")


def spare_capture(capture: Capture, output: Path) -> None:
    """UsageError where ``output`` would be written over the capture."""
    if output.exists() and output.samefile(capture.path):
        raise UsageError(f"{output} is the capture itself")


def descriptors_of(capture: Capture) -> Descriptors:
    """What was behind the descriptors when ``capture`` began; whoever reads on tells it the
    records and the calls."""
    from tracectl.analysis.descriptors import Descriptors  # noqa: PLC0415 - numpy

    # What was open when the snapshot was made is of no use: it is the end.
    return Descriptors([] if capture.metadata.config.is_flight else capture.metadata.opened)


def tables_of(capture: Capture) -> list[SyscallTable]:
    """The capture's own tables, by ABI."""
    return tables_in(capture.metadata, capture.path)


def name_of_slot(tables: list[SyscallTable], slot: int) -> str:
    """The system call that a counter is of."""
    abi, nr = divmod(slot, SHAPES)
    return "other" if slot == OTHER_SLOT else tables[abi].name(nr)
