"""Which calls of a capture to look at: the options that ``report`` and ``print`` share."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from tracectl.abi.control import EventClass
from tracectl.abi.records import COMM_BYTES
from tracectl.analysis.containers import cgroups_wanted, is_within
from tracectl.capture.reader import Capture
from tracectl.errors import CaptureError, UsageError
from tracectl.kernel.choice import slots_in
from tracectl.kernel.words import (
    TRACE,
    add_words,
    cpus_of,
    duration_of,
    errnos_of,
    prefix_of,
    uid_of,
)
from tracectl.tables.table import SyscallTable

if TYPE_CHECKING:
    from tracectl.analysis.selection import Selection, Wanted

_OF_LIVES = ("comm", "uid", "cgroup", "container")
_SECOND_NS = 1_000_000_000


def add_selection(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("which calls; all of them have to hold")
    add_words(
        group,
        trace=(*TRACE, "--syscalls"),
        comm="only processes while they have this name",
        cpus="only calls that began on these CPUs: 0-3,8",
    )
    group.add_argument("-p", "--pid", type=int, help="only this process")
    group.add_argument("--tid", type=int, help="only this thread")
    group.add_argument(
        "--from", dest="from_", metavar="TIME",
        help="only calls that began at TIME or later: seconds from the first event on, or a time "
        "of day, 2026-01-31T12:34:56.789",
    )  # fmt: skip
    group.add_argument("--to", metavar="TIME", help="only calls that began before TIME")


def needs_capture(args: argparse.Namespace) -> bool:
    """Something is asked that only all of a capture can tell."""
    return any(getattr(args, word) is not None for word in (*_OF_LIVES, "from_", "to"))


def selection_of(
    args: argparse.Namespace, capture: Capture | None, tables: Sequence[SyscallTable]
) -> Selection:
    """UsageError for what there is not, CaptureError for what ``capture`` cannot tell. Without one
    nothing is asked that needs it."""
    from tracectl.analysis.selection import Selection  # noqa: PLC0415 - numpy

    processes, threads = None, None
    from_ns, to_ns = None, None
    if capture is not None:
        _check_paths(args, capture)
        processes, threads = _lives_wanted(args, capture)
        from_ns, to_ns = _time_ns(args.from_, capture), _time_ns(args.to, capture)
    return Selection(
        slots=None if args.trace is None else slots_in(args.trace, tables),
        pid=args.pid,
        tid=args.tid,
        processes=processes,
        threads=threads,
        cpus=None if args.cpus is None else cpus_of(args.cpus),
        is_failed=args.failed,
        errnos=None if args.errno is None else errnos_of(args.errno),
        slower_ns=None if args.slower is None else duration_of(args.slower, "--slower"),
        path=None if args.path is None else prefix_of(args.path),
        from_ns=from_ns,
        to_ns=to_ns,
    )


def _check_paths(args: argparse.Namespace, capture: Capture) -> None:
    names = EventClass.OPEN_NAME | EventClass.PATH
    if args.path is not None and not capture.metadata.config.classes & names:
        raise CaptureError(
            capture.path,
            "was recorded with --no-names and --no-paths; nothing in it is for --path to look at",
        )


def _lives_wanted(
    args: argparse.Namespace, capture: Capture
) -> tuple[Wanted | None, Wanted | None]:
    """Of processes and of threads. All of the capture is read for them, so only when asked."""
    if all(getattr(args, word) is None for word in _OF_LIVES):
        return None, None
    from tracectl.analysis.selection import Wanted  # noqa: PLC0415 - numpy
    from tracectl.analysis.tasks import Processes, Threads  # noqa: PLC0415
    from tracectl.cli.sources import lives_in  # noqa: PLC0415

    uid = None if args.uid is None else uid_of(args.uid)
    lives = lives_in(capture)
    known = {*capture.metadata.cgroups.values(), *(life.cgroup for life in lives)} - {""}
    tops = cgroups_wanted(args.cgroup, args.container, known)
    processes = threads = None
    if args.comm is not None:
        # The kernel keeps so much of a name.
        comm = args.comm[: COMM_BYTES - 1]
        processes = Wanted(Processes(lives), lambda life: life.comm == comm)
    if uid is not None or tops is not None:
        threads = Wanted(
            Threads(lives),
            lambda life: (
                (uid is None or life.uid == uid) and (tops is None or is_within(life.cgroup, tops))
            ),
        )
    return processes, threads


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
