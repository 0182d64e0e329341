"""tracectl start"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys

from tracectl.cli.flight import open_recording
from tracectl.cli.output import print_json, say
from tracectl.cli.plan import Plan, add_options, plan_counting, plan_from
from tracectl.errors import EXIT_FAILED, EXIT_OK, CaptureError, TracectlError
from tracectl.kernel.device import Device
from tracectl.kernel.tasks import comm_of

NAME = "start"
HELP = "record in the background until 'tracectl stop'"
EXAMPLES = """\
  tracectl start -o all.trace        the whole machine
  tracectl start -p 1234             a process and what it forks
  tracectl start --flight 256M       the newest records, in memory: see 'tracectl snapshot'
  tracectl start --counters-only     no records: 'tracectl report' shows what was counted"""


def configure(parser: argparse.ArgumentParser) -> None:
    add_options(parser)
    parser.add_argument(
        "--counters-only", action="store_true",
        help="record nothing: count and time calls, for 'tracectl report' and 'tracectl stop'",
    )  # fmt: skip
    parser.add_argument("--paused", action="store_true", help="arm only; 'tracectl resume' begins")
    parser.add_argument(
        "--json", action="store_true", help="print the recorder's pid and file as JSON"
    )


def run(args: argparse.Namespace) -> int:
    name = comm_of(args.pid) or str(args.pid) if args.pid else os.uname().nodename
    plan = plan_counting(args) if args.counters_only else plan_from(args, name)
    read_end, write_end = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os.close(read_end)
        _daemonize(write_end)
        return _record(plan, paused=args.paused)
    os.close(write_end)
    os.waitpid(child, 0)
    with os.fdopen(read_end, errors="replace") as pipe:
        said = pipe.read()
    return _report(said, as_json=args.json, counts_only=args.counters_only)


def _report(said: str, *, as_json: bool, counts_only: bool) -> int:
    """``said`` is the recorder's one line of JSON; anything else was its death."""
    try:
        answer = json.loads(said)
    except ValueError:
        reason = (said.strip().splitlines() or ["it said nothing"])[-1]
        raise TracectlError(f"the recorder died: {reason}") from None
    if "error" in answer:
        say(answer["error"])
        return int(answer["exit_code"])
    if as_json:
        print_json(answer)
    else:
        what = "counting" if counts_only else f"recording into {answer['file'] or 'memory'}"
        say(f"{what} (pid {answer['pid']}); 'tracectl stop' ends it")
    return EXIT_OK


def _daemonize(answer_fd: int) -> None:
    """Goes on in a session of its own, detached from the terminal. Until the recording runs, stderr
    is the pipe that the command waits on."""
    os.setsid()
    if os.fork():
        os._exit(EXIT_OK)
    os.chdir("/")
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1):
        os.dup2(null, fd)
    os.dup2(answer_fd, 2)
    os.close(null)
    os.close(answer_fd)


def _record(plan: Plan, *, paused: bool) -> int:
    """The background recorder. What goes wrong before it records is answered."""
    ended: list[int] = []
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, lambda caught, _: ended.append(caught))
    try:
        with Device() as device, open_recording(device, plan) as recording:
            if not paused:
                recording.resume()
            _answer({"pid": os.getpid(), "file": str(plan.output) if plan.output else None})
            try:
                recording.run(lambda: bool(ended), "interrupted")
            except CaptureError:
                # Nobody is there to be told; the end block and 'status' tell it.
                return EXIT_FAILED
    except TracectlError as error:
        _answer({"error": str(error), "exit_code": error.exit_code})
        return error.exit_code
    return EXIT_OK


def _answer(answer: dict[str, object]) -> None:
    """Once: the pipe is closed, and what comes later is lost."""
    os.write(2, json.dumps(answer).encode())
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 2)
    os.close(null)
