"""tracectl monitor"""

from __future__ import annotations

import argparse
import json
import math
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

from tracectl.cli.output import say
from tracectl.errors import EXIT_OK, DeviceError, UnsupportedError
from tracectl.module.loading import is_loaded

if TYPE_CHECKING:
    from tracectl.kernel.events import Event

HELP = "device, session, loss and CPU events as they happen"
EXAMPLES = """\
  tracectl monitor
  tracectl monitor --json | jq 'select(.subject == "lost")'
  tracectl monitor --for 60

Begins with the state at that moment; Ctrl-C ends it."""
# poll() takes no more than 24 days.
_POLL_S = 86_400.0


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument(
        "--for", dest="seconds", type=_parse_seconds, metavar="S",
        help="end after S seconds; 0: once the state is printed",
    )  # fmt: skip


def _parse_seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if math.isnan(seconds) or seconds < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return seconds


def run(args: argparse.Namespace) -> int:
    from tracectl.kernel.events import EventMonitor, Subject  # noqa: PLC0415 - pyudev

    # First, so that nothing falls between it and the look at what is.
    monitor = EventMonitor()
    if monitor.source == "kernel":
        say("udevd does not run here; the kernel's own events are shown")
    end = time.monotonic() + args.seconds if args.seconds is not None else None
    _print(_now(), args)
    while end is None or time.monotonic() < end:
        rest = None if end is None else min(max(0.0, end - time.monotonic()), _POLL_S)
        for event in monitor.poll(rest):
            _print(event, args)
            if event.subject is Subject.MISSED:
                _print(_now(), args)
    return EXIT_OK


def _now() -> Event:
    from tracectl.kernel.device import Device  # noqa: PLC0415 - construct
    from tracectl.kernel.events import Event, Subject  # noqa: PLC0415

    if not is_loaded():
        return Event(Subject.MODULE, "unloaded")
    try:
        with Device() as device:
            return Event(Subject.STATE, device.status().state.name.lower())
    except (DeviceError, UnsupportedError):
        # It may be on its way out, or not for this user to open; events are for all.
        return Event(Subject.MODULE, "loaded")


def _print(event: Event, args: argparse.Namespace) -> None:
    now = time.time()
    if args.json:
        print(json.dumps({"time": round(now, 6), **asdict(event)}), flush=True)
        return
    clock = time.strftime("%H:%M:%S", time.localtime(now)) + f".{int(now % 1 * 1000):03}"
    print(f"{clock}  {_describe(event)}", flush=True)


def _describe(event: Event) -> str:
    if event.subject == "lost":
        return f"CPU {event.cpu} has lost {event.value:,} events of the session"
    if event.subject == "cpu":
        return f"CPU {event.cpu} is {event.value}"
    if event.subject == "missed":
        return "events came too fast and were missed; the state is now"
    return f"{event.subject} {event.value}"
