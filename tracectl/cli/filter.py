"""tracectl filter"""

from __future__ import annotations

import argparse

from tracectl.cli.output import say
from tracectl.errors import EXIT_OK
from tracectl.kernel.device import Device

HELP = "change what the running session records, without a break"
EXAMPLES = """\
  tracectl filter -e %file --uid www-data
  tracectl filter                    everything again

Replaces the terms that the session was started with, but for its process tree. What both the old
and the new ones let through is not missed."""


def configure(parser: argparse.ArgumentParser) -> None:
    from tracectl.cli.terms import add_terms  # noqa: PLC0415 - the tables

    add_terms(parser)


def run(args: argparse.Namespace) -> int:
    from tracectl.cli.terms import terms_from  # noqa: PLC0415 - the tables

    terms = terms_from(args)
    with Device() as device:
        device.set_filter(terms)
    say("the session records what these terms let through from now on")
    return EXIT_OK
