"""tracectl tui"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

from tracectl.errors import EXIT_OK, UnsupportedError, UsageError

HELP = "see what the machine is doing, live or from a capture"
EXAMPLES = """\
  tracectl tui                  the session that runs; c starts one
  tracectl tui a.trace          the same screens on a capture
  tracectl tui --plain          the overview as text, every second

? shows the keys. Reading takes nothing away from the recorder, and q leaves it running."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, nargs="?", help="a capture")
    parser.add_argument(
        "--plain", action="store_true", help="print the overview as text every second"
    )


def run(args: argparse.Namespace) -> int:
    if args.plain:
        from tracectl.cli.plain import print_overview  # noqa: PLC0415 - numpy

        return print_overview(args.file)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("this is no terminal; --plain prints the overview as text")
    try:
        from tracectl.tui.app import ViewApp  # noqa: PLC0415 - textual
    except ImportError as error:
        # Debian's package does without what Debian does not have.
        raise UnsupportedError(
            f"{error.name} is not installed, which the view is made with: pip install textual"
        ) from error
    from tracectl.live.capture import CaptureSource  # noqa: PLC0415 - numpy
    from tracectl.live.worker import Worker  # noqa: PLC0415

    # Before the screen is: what is wrong with a capture is said on the terminal.
    worker = None if args.file is None else Worker(partial(CaptureSource, args.file))
    ViewApp(args.file, worker=worker).run()
    return EXIT_OK
