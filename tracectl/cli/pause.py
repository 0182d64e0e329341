"""tracectl pause"""

from __future__ import annotations

import argparse

from tracectl.cli.output import print_json, say
from tracectl.errors import EXIT_OK
from tracectl.kernel.device import Device

NAME = "pause"
HELP = "stop recording for a while: the probes stay, their gates close"
EXAMPLES = "  tracectl pause"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the new state as JSON")


def run(args: argparse.Namespace) -> int:
    with Device() as device:
        device.pause()
    if args.json:
        print_json({"state": "armed"})
    else:
        say("paused; 'tracectl resume' goes on")
    return EXIT_OK
