"""tracectl verify"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracectl.capture.reader import Capture, open_capture
from tracectl.cli.losses import NULLS, losses_of
from tracectl.cli.output import exit_code, print_json
from tracectl.cli.reading import name_of_slot, tables_of
from tracectl.errors import EXIT_FAILED
from tracectl.render.strings import printable

if TYPE_CHECKING:
    from tracectl.analysis.balance import CpuBalance

HELP = "prove that a capture is whole: recorded + lost = generated"
EXAMPLES = """\
  tracectl verify a.trace
  tracectl verify --strict a.trace    also fail when events were lost"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="the capture")
    parser.add_argument("--strict", action="store_true", help="exit with 4 when events were lost")
    parser.add_argument("--json", action="store_true", help=f"print JSON; {NULLS}")


def run(args: argparse.Namespace) -> int:
    from tracectl.analysis import balance  # noqa: PLC0415 - numpy
    from tracectl.analysis.settled import iter_settled  # noqa: PLC0415

    with open_capture(args.file) as capture:
        settled = iter_settled(capture, balance.count_of, is_compiled=True)
        counts = (one.made for one in settled)
        counted = balance.count_records(counts)
        losses = losses_of(capture)
        generated, lost = losses.totals.generated, losses.totals.lost
        recorded = generated - lost
        faults = list(capture.problems)
        faults += balance.find_strangers(counted, capture.metadata.session_id)
        is_flight = capture.metadata.config.is_flight
        if is_flight or capture.end is None:
            recorded = sum(span.recorded for cpu in counted.values() for span in cpu.spans)
        if capture.end is None and lost:
            faults.append(losses.describe())
        if is_flight:
            faults += balance.find_flight_faults(counted)
        elif capture.end is not None:
            faults += balance.find_faults(counted, capture.end.cpus)
        calls = list(_iter_calls(capture, counted)) if args.json else []
    name = printable(str(args.file))
    if args.json:
        told = {"recorded": recorded, "faults": faults, "calls": calls}
        print_json({"whole": not faults, **losses.facts(), **told})
    elif faults:
        print(f"{name} is not whole:")
        print("\n".join(f"  {fault}" for fault in faults))
    elif is_flight:
        print(
            f"{name} is whole: the newest {recorded:,} of {generated:,} events, without a gap "
            f"on any CPU, {lost:,} lost"
        )
    else:
        print(
            f"{name} is whole: {generated - lost:,} recorded + {lost:,} lost = "
            f"{generated:,} generated, on every CPU and for every kind and system call; "
            f"{losses.totals.filtered:,} more were filtered out"
        )
    return EXIT_FAILED if faults else exit_code(lost, strict=args.strict)


def _iter_calls(capture: Capture, counted: dict[int, CpuBalance]) -> Iterator[dict[str, Any]]:
    """By CPU and system call, what became of the calls that were made: of a flight recorder the
    file does not tell, and without an end neither does the module."""
    from tracectl.analysis.balance import iter_call_balances  # noqa: PLC0415 - numpy

    if capture.end is None or capture.metadata.config.is_flight:
        return
    tables = tables_of(capture)
    for one in iter_call_balances(counted, capture.end.cpus):
        yield {
            "cpu": one.cpu,
            "syscall": name_of_slot(tables, one.slot),
            "made": one.made,
            "recorded": one.recorded,
            "lost": one.lost,
            "filtered": one.filtered,
        }
