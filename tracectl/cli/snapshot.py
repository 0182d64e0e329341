"""tracectl snapshot"""

from __future__ import annotations

import argparse
from pathlib import Path

from tracectl.cli.output import exit_code, print_json, say_summary, summary_json
from tracectl.kernel.device import Device

HELP = "write what the flight recorder holds; it goes on"
EXAMPLES = """\
  tracectl snapshot before-the-crash.trace
  tracectl report before-the-crash.trace

'tracectl start --flight 256M' starts one."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="the capture to write")
    parser.add_argument("--no-compress", action="store_true", help="write chunks uncompressed")
    parser.add_argument("--strict", action="store_true", help="exit with 4 when events were lost")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")


def run(args: argparse.Namespace) -> int:
    from tracectl.cli.flight import write_snapshot  # noqa: PLC0415 - the tables

    with Device() as device:
        summary = write_snapshot(device, args.file.absolute(), compress=not args.no_compress)
    if args.json:
        print_json(summary_json(summary))
    else:
        say_summary(summary)
    return exit_code(summary.lost, strict=args.strict)
