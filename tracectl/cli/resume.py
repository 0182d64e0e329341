"""tracectl resume"""

from __future__ import annotations

import argparse

from tracectl.cli.output import print_json, say
from tracectl.errors import EXIT_OK
from tracectl.kernel.device import Device

NAME = "resume"
HELP = "go on recording after a pause"
EXAMPLES = "  tracectl resume"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the new state as JSON")


def run(args: argparse.Namespace) -> int:
    with Device() as device:
        device.resume()
    if args.json:
        print_json({"state": "tracing"})
    else:
        say("tracing")
    return EXIT_OK
