"""tracectl stop"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from select import POLLIN, poll

from tracectl.abi.control import ConfigFlag, State
from tracectl.abi.totals import CpuTotals
from tracectl.capture.ending import find_end, read_end
from tracectl.cli.output import exit_code, print_json, say_summary, summary_json
from tracectl.cli.summary import Summary, summary_of, summary_of_status
from tracectl.errors import CaptureError, DeviceError, TracectlError
from tracectl.kernel.device import Device, Status

NAME = "stop"
HELP = "end the recording and wait until its file is complete"
EXAMPLES = """\
  tracectl stop
  tracectl stop --json
  sudo tracectl stop --force         another user's recording

Of a session that only counted, what it counted is printed."""

_PATIENCE_S = 60
"""Of a recorder that writes nothing meanwhile: what a slow disk still takes may be much."""
_LOOK_MS = 300


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--force", action="store_true", help="as root: also the recording of another user"
    )
    parser.add_argument("--strict", action="store_true", help="exit with 4 when events were lost")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")


def run(args: argparse.Namespace) -> int:
    with Device() as device:
        status = device.status()
        if status.state == State.IDLE:
            raise DeviceError("nothing is being traced that could be stopped")
        _check_owner(status, force=args.force)
        counters = _final_counters(device) if status.flags & ConfigFlag.COUNTERS else None
        # Before it can end: its pid may be another's afterwards.
        recorder = _open_process(status.owner_pid)
        device.stop()
        ended = device.status()
    if status.flags & (ConfigFlag.OVERWRITE | ConfigFlag.COUNTERS):
        summary = _await_held(ended, recorder)
    else:
        summary = _await_summary(Path(status.label), recorder)
    if summary is None:
        raise TracectlError(
            f"the session is stopped, but its recorder (pid {status.owner_pid}) has not finished "
            f"{status.label}, and wrote nothing for {_PATIENCE_S} s"
        )
    if counters is not None:
        from tracectl.cli.counts import show  # noqa: PLC0415 - the tables

        show(counters, as_json=args.json)
    elif args.json:
        print_json(summary_json(summary))
    else:
        say_summary(summary)
    return exit_code(summary.lost, strict=args.strict)


def _check_owner(status: Status, *, force: bool) -> None:
    """The module lets root stop any session; that is seldom what root wants to do by accident."""
    if not force and os.geteuid() == 0 and status.owner_uid != 0:
        raise DeviceError(
            f"the session is that of {status.owner_comm} (pid {status.owner_pid}, uid "
            f"{status.owner_uid}); --force stops it"
        )


def _final_counters(device: Device) -> list[CpuTotals]:
    """Nobody but its owner is told them once the session has ended."""
    device.pause()
    return device.counters()


def _await_held(ended: Status, recorder: int | None) -> Summary | None:
    """A flight recorder may have a file to write. None when waiting for it takes too long."""
    process = poll()
    if recorder is not None:
        process.register(recorder, POLLIN)
        if not process.poll(_PATIENCE_S * 1000):
            return None
    return summary_of_status(ended, "stopped")


def _await_summary(path: Path, recorder: int | None) -> Summary | None:
    """What the end block tells. The recorder may outlive it: ``record`` waits for its command.

    CaptureError when the recorder ended without an end block. None when it does not go on.
    """
    process = poll()
    if recorder is not None:
        process.register(recorder, POLLIN)
    seen_bytes, deadline_s = -1, 0.0
    while True:
        has_ended = bool(process.poll(_LOOK_MS))
        size_bytes = _size_bytes(path)
        is_stuck = size_bytes == seen_bytes and time.monotonic() > deadline_s
        if size_bytes == seen_bytes and not (has_ended or is_stuck):
            continue
        end = read_end(path)
        if end is None and (has_ended or is_stuck):
            end, problems = find_end(path)
            if end is None and has_ended:
                raise CaptureError(path, "; ".join(problems))
        if end is not None:
            return summary_of(path, end, size_bytes)
        if is_stuck:
            return None
        seen_bytes, deadline_s = size_bytes, time.monotonic() + _PATIENCE_S


def _size_bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise CaptureError(path, f"cannot be read: {error.strerror}") from error


def _open_process(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except OSError:
        # It has ended, or lives in another pid namespace.
        return None
