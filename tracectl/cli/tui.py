"""tracectl tui"""

from __future__ import annotations

import argparse
import os
import socket
import sys
from functools import partial
from pathlib import Path

from tracectl.capture.reader import open_capture
from tracectl.cli.extras import needs
from tracectl.cli.output import say
from tracectl.errors import EXIT_FAILED, EXIT_OK, UsageError

HELP = "see what the machine is doing, live or from a capture"
EXAMPLES = """\
  tracectl tui                  the session that runs; c starts one
  tracectl tui a.trace          the same screens on a capture
  tracectl tui --plain          the overview as text, every second
  tracectl tui --web a.trace    in a browser

? shows the keys. Reading takes nothing away from the recorder, and q leaves it running."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, nargs="?", help="a capture")
    parser.add_argument(
        "--plain", action="store_true", help="print the overview as text every second"
    )
    parser.add_argument(
        "--web", action="store_true", help="the same in a browser, on this machine's own address"
    )
    parser.add_argument(
        "--port", type=int, default=8321, help="of --web, on 127.0.0.1 (default 8321)"
    )


def run(args: argparse.Namespace) -> int:
    if args.plain:
        from tracectl.cli.plain import print_overview  # noqa: PLC0415 - numpy

        return print_overview(args.file)
    if args.web:
        return _serve(args)
    if not (sys.stdin.isatty() and sys.stdout.isatty()) and "TEXTUAL_DRIVER" not in os.environ:
        raise UsageError("this is no terminal; --plain prints the overview as text")
    with needs("view"):
        from tracectl.tui.app import ViewApp  # noqa: PLC0415 - textual
    from tracectl.live.capture import CaptureSource  # noqa: PLC0415 - numpy
    from tracectl.live.worker import Worker  # noqa: PLC0415

    # Before the screen is: what is wrong with a capture is said on the terminal.
    feed = None if args.file is None else Worker(partial(CaptureSource, args.file))
    app = ViewApp(args.file, feed=feed)
    try:
        app.run()
    finally:
        if app.has_lost_terminal:
            # Textual's thread that waits for keys would go on and on.
            os._exit(EXIT_FAILED)
    return app.return_code or EXIT_OK


def _serve(args: argparse.Namespace) -> int:
    """Until Ctrl-C. What the browser shows runs as a process of its own."""
    with needs("web"):
        from tracectl.tui.web import HOST, WebServer  # noqa: PLC0415 - aiohttp
    arguments = ["tui"]
    if args.file is not None:
        open_capture(args.file).close()
        arguments.append(str(args.file.absolute()))
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, args.port))
        except (OSError, OverflowError) as error:
            raise UsageError(f"port {args.port} of {HOST} cannot be used: {error}") from error
    server = WebServer(arguments, args.port)
    say(f"open {server.address} in a browser; Ctrl-C ends it")
    server.serve()
    return EXIT_OK
