"""tracectl verify"""

from __future__ import annotations

import argparse
from pathlib import Path

from tracectl.capture.reader import open_capture
from tracectl.cli.output import exit_code, print_json
from tracectl.cli.reading import filtered_of, lost_of
from tracectl.errors import EXIT_FAILED

HELP = "prove that a capture is whole: recorded + lost = generated"
EXAMPLES = """\
  tracectl verify a.trace
  tracectl verify --strict a.trace    also fail when events were lost"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="the capture")
    parser.add_argument("--strict", action="store_true", help="exit with 4 when events were lost")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    from tracectl.analysis import balance  # noqa: PLC0415 - numpy
    from tracectl.analysis.settled import iter_settled  # noqa: PLC0415

    with open_capture(args.file) as capture:
        counts = (one.made for one in iter_settled(capture, balance.count_of))
        counted = balance.count_records(counts)
        generated, lost = lost_of(capture)
        filtered, _ = filtered_of(capture)
        recorded = generated - lost
        faults = list(capture.problems)
        faults += balance.find_strangers(counted, capture.metadata.session_id)
        is_flight = capture.metadata.config.is_flight
        if is_flight:
            recorded = sum(span.recorded for cpu in counted.values() for span in cpu.spans)
            faults += balance.find_flight_faults(counted)
        elif capture.end is not None:
            faults += balance.find_faults(counted, capture.end.cpus)
    if args.json:
        facts = {"generated": generated, "lost": lost, "recorded": recorded, "filtered": filtered}
        print_json({"whole": not faults, **facts, "faults": faults})
    elif faults:
        print(f"{args.file} is not whole:")
        print("\n".join(f"  {fault}" for fault in faults))
    elif is_flight:
        print(
            f"{args.file} is whole: the newest {recorded:,} of {generated:,} events, without a gap "
            f"on any CPU, {lost:,} lost"
        )
    else:
        print(
            f"{args.file} is whole: {generated - lost:,} recorded + {lost:,} lost = "
            f"{generated:,} generated, on every CPU and for every kind and system call; "
            f"{filtered:,} more were filtered out"
        )
    return EXIT_FAILED if faults else exit_code(lost, strict=args.strict)
