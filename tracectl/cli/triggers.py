"""What makes a flight recorder write a snapshot by itself: the options that ``start`` and
``record`` share."""

from __future__ import annotations

import argparse
import errno
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tracectl.cli.terms import slots_of
from tracectl.errors import CaptureError, UsageError
from tracectl.kernel.times import parse_ns

if TYPE_CHECKING:
    from tracectl.analysis.triggers import Trigger

_ON_REQUEST = "usr1"


@dataclass(frozen=True, slots=True)
class TriggerPlan:
    """``words`` are as the command line has them. A snapshot has what is not older than
    ``before_ns`` when it is triggered (0: all that there is) and what comes in ``after_ns`` more;
    after one there is none for ``every_ns``. They go to ``directory``, which is absolute."""

    words: tuple[str, ...]
    before_ns: int
    after_ns: int
    every_ns: int
    directory: Path

    @property
    def is_on_request(self) -> bool:
        """SIGUSR1 is one of them."""
        return _ON_REQUEST in self.words

    def triggers(self) -> list[Trigger]:
        """UsageError for a word that is none."""
        return [trigger_of(word) for word in self.words if word != _ON_REQUEST]


def add_triggers(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("triggers of a flight recorder, which write snapshots")
    group.add_argument(
        "--trigger", action="append", default=[], metavar="WHAT",
        help="slower=TIME or slower=SYSCALLS:TIME, a call that took so long; errno=ERRNO:PREFIX, "
        "one that failed so on a path that begins so; signal or signal=SIGNAL, a process that one "
        "ended; rate=N or rate=SYSCALLS:N, more calls a second; usr1, SIGUSR1 to the recorder. "
        "Again for more",
    )  # fmt: skip
    group.add_argument(
        "--before", type=parse_ns, default=0, metavar="TIME",
        help="only what was recorded so long before the trigger (default: all that is held)",
    )  # fmt: skip
    group.add_argument(
        "--after", type=parse_ns, default=0, metavar="TIME",
        help="write the snapshot so long after the trigger (default: at once)",
    )  # fmt: skip
    group.add_argument(
        "--every", type=parse_ns, default=parse_ns("60s"), metavar="TIME",
        help="at most one snapshot in this time (default 60s)",
    )  # fmt: skip
    group.add_argument(
        "--snapshots", type=Path, metavar="DIRECTORY",
        help="where they are written, named by their time (default: here)",
    )  # fmt: skip


def triggers_from(args: argparse.Namespace) -> TriggerPlan | None:
    """None without any. UsageError, or CaptureError when there is no such directory."""
    if not args.trigger:
        if args.before or args.after or args.snapshots is not None:
            raise UsageError("--before, --after and --snapshots go with --trigger")
        return None
    if args.flight is None:
        raise UsageError("--trigger goes with --flight")
    directory = (args.snapshots or Path()).absolute()
    if not directory.is_dir():
        raise CaptureError(directory, "is no directory that snapshots could be written to")
    plan = TriggerPlan(tuple(args.trigger), args.before, args.after, args.every, directory)
    plan.triggers()
    return plan


def trigger_of(word: str) -> Trigger:
    """UsageError when it is none."""
    from tracectl.analysis import triggers  # noqa: PLC0415 - numpy

    name, _, value = word.partition("=")
    calls, _, last = value.rpartition(":")
    slots = slots_of(calls) if calls and name in ("slower", "rate") else None
    if name == "slower" and value:
        try:
            return triggers.Slower(parse_ns(last), slots)
        except argparse.ArgumentTypeError as error:
            raise UsageError(f"--trigger {word}: {error}") from error
    if name == "rate" and last.isdecimal():
        return triggers.Faster(int(last), slots)
    if name == "errno" and ":" in value:
        code, _, prefix = value.partition(":")
        if not hasattr(errno, code):
            raise UsageError(f"--trigger {word}: there is no error {code!r}")
        return triggers.Failed(getattr(errno, code), os.fsencode(prefix))
    if name == "signal":
        return triggers.Killed(_signal_of(word, value) if value else 0)
    raise UsageError(
        f"--trigger {word} is none of slower=[SYSCALLS:]TIME, errno=ERRNO:PREFIX, "
        "signal[=SIGNAL], rate=[SYSCALLS:]N and usr1"
    )


def _signal_of(word: str, name: str) -> int:
    try:
        return int(signal.Signals[name if name.startswith("SIG") else f"SIG{name}"])
    except KeyError as error:
        raise UsageError(f"--trigger {word}: there is no signal {name!r}") from error
