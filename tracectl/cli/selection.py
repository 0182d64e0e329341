"""Which calls of a capture to look at: the options that ``report`` and ``print`` share."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from tracectl.abi.records import COMM_BYTES
from tracectl.capture.reader import Capture
from tracectl.errors import UsageError
from tracectl.kernel.choice import slots_in
from tracectl.tables.table import SyscallTable

if TYPE_CHECKING:
    from tracectl.analysis.selection import Selection

_SECOND_NS = 1_000_000_000


def add_selection(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("which calls; all of them have to hold")
    group.add_argument(
        "-e", "--trace", "--syscalls", metavar="SYSCALLS",
        help="only these system calls: names and %%file, %%desc, %%process, %%network, %%signal, "
        "%%memory, with commas between; all others with ! before the first",
    )  # fmt: skip
    group.add_argument("-p", "--pid", type=int, help="only this process")
    group.add_argument("--tid", type=int, help="only this thread")
    group.add_argument("--comm", metavar="NAME", help="only processes while they have this name")
    group.add_argument("--failed", action="store_true", help="only calls that failed")
    group.add_argument(
        "--from", dest="from_", metavar="TIME",
        help="only calls that began at TIME or later: seconds from the first event on, or a time "
        "of day, 2026-01-31T12:34:56.789",
    )  # fmt: skip
    group.add_argument("--to", metavar="TIME", help="only calls that began before TIME")


def selection_of(
    args: argparse.Namespace, capture: Capture | None, tables: Sequence[SyscallTable]
) -> Selection:
    """UsageError for what there is not. Without ``capture`` neither names nor times are asked."""
    from tracectl.analysis.selection import Selection  # noqa: PLC0415 - numpy

    processes, from_ns, to_ns = None, None, None
    if capture is not None and args.comm is not None:
        from tracectl.analysis.tasks import Processes  # noqa: PLC0415
        from tracectl.cli.sources import lives_in  # noqa: PLC0415

        processes = Processes(lives_in(capture))
    if capture is not None:
        from_ns, to_ns = _time_ns(args.from_, capture), _time_ns(args.to, capture)
    return Selection(
        slots=None if args.trace is None else slots_in(args.trace, tables),
        pid=args.pid,
        tid=args.tid,
        # The kernel keeps so much of a name.
        comm=None if args.comm is None else args.comm[: COMM_BYTES - 1],
        processes=processes,
        is_failed=args.failed,
        from_ns=from_ns,
        to_ns=to_ns,
    )


def _time_ns(text: str | None, capture: Capture) -> int | None:
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        moment = capture.metadata.clocks[0]
        return max(_day_time_ns(text) - moment.real_ns + moment.trace_ns, 0)
    if not math.isfinite(seconds):
        raise UsageError(f"{text!r} is no time")
    from tracectl.live.capture import span_of  # noqa: PLC0415 - numpy
    from tracectl.live.source import FOREVER_NS  # noqa: PLC0415

    time_ns = span_of(capture)[0] + round(seconds * _SECOND_NS)
    # What a damaged file says may be any number.
    return min(max(time_ns, 0), FOREVER_NS)


def _day_time_ns(text: str) -> int:
    """ns since 1970; without a zone the time is local."""
    try:
        time = datetime.fromisoformat(text).astimezone()
    except ValueError as error:
        raise UsageError(
            f"{text!r} is no time: seconds, or a time of day such as 2026-01-31T12:34:56.789"
        ) from error
    whole = time.replace(microsecond=0)
    return int(whole.timestamp()) * _SECOND_NS + time.microsecond * 1000
