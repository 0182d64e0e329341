"""tracectl module"""

from __future__ import annotations

import argparse
from pathlib import Path

from tracectl.cli.output import say
from tracectl.errors import EXIT_OK, UsageError
from tracectl.kernel import module

NAME = "module"
HELP = "load or unload the kernel module"
EXAMPLES = """\
  tracectl module load                        the installed one
  tracectl module load --path ./tracectl.ko
  tracectl module unload"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("load", "unload"))
    parser.add_argument("--path", type=Path, metavar="FILE", help="load this module file")


def run(args: argparse.Namespace) -> int:
    if args.path and args.action != "load":
        raise UsageError("--path goes with load")
    if args.action == "load":
        changed = module.load(args.path)
        say("the module is loaded" if changed else "the module was loaded already")
    else:
        changed = module.unload()
        say("the module is unloaded" if changed else "the module was not loaded")
    return EXIT_OK
