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
    from tracectl.decode.subbuffer import Place, Records


NULLS = "null is what only a missing end would tell; lost_at_least is known without"
"""What loss_json() answers, for the help of who prints it."""


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


def lost_of(capture: Capture) -> tuple[int, int]:
    """Events generated and lost, as the module counted them; without an end block at least so many,
    as the newest sub-buffer of each CPU tells."""
    if capture.end is None:
        places = list(_iter_newest(capture))
        return sum(place.generated for place in places), sum(sum(place.lost) for place in places)
    cpus = capture.end.cpus
    return sum(sum(cpu.generated) for cpu in cpus), sum(sum(cpu.lost) for cpu in cpus)


def describe_loss(capture: Capture) -> str:
    """Nothing where nothing was lost."""
    _, lost = lost_of(capture)
    bound = "at least " if capture.end is None else ""
    return f"{bound}{lost:,} events were lost" if lost else ""


def loss_json(capture: Capture) -> dict[str, int | None]:
    """None is what only the end block would tell."""
    generated, lost = lost_of(capture)
    filtered, own = filtered_of(capture)
    facts = {"generated": generated, "lost": lost, "filtered": filtered, "own": own}
    told = facts if capture.end is not None else dict.fromkeys(facts)
    return {**told, "lost_at_least": lost}


def _iter_newest(capture: Capture) -> Iterator[Place]:
    """Of each CPU the last sub-buffer that can be decoded. What is wrong with later ones is told by
    whoever reads them all."""
    from tracectl.decode.subbuffer import decode_subbuffer  # noqa: PLC0415 - numpy

    for places in capture.places_by_cpu().values():
        for place in reversed(places):
            try:
                yield decode_subbuffer(capture.load_chunk(place).data).place
            except DecodeError:
                continue
            break


def filtered_of(capture: Capture) -> tuple[int, int]:
    """Events that were filtered out, and how many of them by tracectl itself."""
    cpus = [] if capture.end is None else capture.end.cpus
    return sum(cpu.filtered for cpu in cpus), sum(cpu.own for cpu in cpus)
