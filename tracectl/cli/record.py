"""tracectl record"""

from __future__ import annotations

import argparse
import os
import signal
from dataclasses import replace
from pathlib import Path
from select import POLLIN, poll

from tracectl.cli import vm
from tracectl.cli.child import Child
from tracectl.cli.flight import open_recording
from tracectl.cli.output import exit_code, print_json, say, say_summary, summary_json
from tracectl.cli.plan import Plan, add_options, plan_from
from tracectl.cli.progress import Progress
from tracectl.cli.summary import Summary
from tracectl.errors import DeviceError, UsageError
from tracectl.kernel.device import Device
from tracectl.kernel.tasks import comm_of
from tracectl.module.loading import is_loaded

NAME = "record"
HELP = "record a command, a process or the whole machine into a capture"
EXAMPLES = """\
  tracectl record -o ls.trace -- ls -l /etc    a command and what it forks
  tracectl record -p 1234 -o app.trace         a process, until it ends or Ctrl-C
  tracectl record -o all.trace                 the whole machine, until Ctrl-C
  tracectl record --flight 64M -o end.trace    the newest 64 MiB of it
  tracectl record --vm -o ls.trace -- ls /etc  in a guest, where no module can be loaded

A recording of a command ends with the command; what it left running is recorded until then.
Exits with the command's own exit code when that is not 0, and with 128 and the signal's number
when a signal ended it."""


def configure(parser: argparse.ArgumentParser) -> None:
    add_options(parser)
    parser.add_argument("--all", action="store_true", help="with a command: trace every process")
    parser.add_argument(
        "--vm",
        action=argparse.BooleanOptionalAction,
        help="run the command in a guest and trace it there (default: where no module is loaded)",
    )
    vm.add_options(parser)
    parser.add_argument("--strict", action="store_true", help="exit with 4 when events were lost")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")
    parser.add_argument("-q", "--quiet", action="store_true", help="no summary, no progress")
    parser.add_argument("argv", nargs="*", metavar="-- CMD", help="the command and its arguments")


def run(args: argparse.Namespace) -> int:
    if args.pid and args.argv:
        raise UsageError("a command or --pid, not both")
    if args.vm and not args.argv:
        raise UsageError("--vm needs a command: -- CMD")
    if args.vm and args.flight is not None:
        raise UsageError("--flight keeps records of this machine, not of a guest")
    if args.all and not args.argv:
        raise UsageError("--all goes with a command; without one every process is traced anyway")
    plan = plan_from(args, _name_of(args), args.argv)
    if args.vm or (args.argv and args.vm is None and not is_loaded()):
        if not args.vm:
            say("the tracectl module is not loaded here; using a guest")
        return _record_in_guest(plan, args)
    with Device() as device:
        if args.argv:
            return _record_command(device, plan, args)
        return _report(_record_until_signal(device, plan, args), args)


def _name_of(args: argparse.Namespace) -> str:
    """For a capture that the user gives no name."""
    if args.argv:
        return Path(args.argv[0]).name
    return comm_of(args.pid) or str(args.pid) if args.pid else os.uname().nodename


def _record_in_guest(plan: Plan, args: argparse.Namespace) -> int:
    from tracectl.cli.guest_record import record_in_guest  # noqa: PLC0415 - not needed otherwise

    return record_in_guest(plan, args)


def _record_command(device: Device, plan: Plan, args: argparse.Namespace) -> int:
    child = Child(args.argv)
    for signum in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, lambda caught, _: child.kill(caught))
    # Ctrl-C goes to the command too; the recording ends when it does.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    target = 0 if args.all else child.pid
    try:
        recording = open_recording(device, replace(plan, target_pid=target))
    except BaseException:
        child.abandon()
        raise
    with recording:
        recording.resume()
        failure = child.release()
        try:
            summary = recording.run(child.has_ended, "the command ended", child.pidfd)
            if summary.reason == "stopped" and not child.has_ended():
                say("the session was stopped; the command goes on")
        finally:
            status = child.wait()
    if failure is not None:
        raise failure
    code = _report(replace(summary, command_status=status), args)
    return status or code


def _record_until_signal(device: Device, plan: Plan, args: argparse.Namespace) -> Summary:
    ended: list[int] = []
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, lambda caught, _: ended.append(caught))
    pidfd = _open_process(args.pid) if args.pid else None
    process = poll()
    if pidfd is not None:
        process.register(pidfd, POLLIN)
    with open_recording(device, plan) as recording:

        def is_done() -> bool:
            progress.tick()
            return bool(ended) or bool(process.poll(0))

        recording.resume()
        if not args.quiet:
            where = plan.output or "memory"
            say(f"recording into {where}; Ctrl-C ends it")
        with Progress(recording, is_wanted=not args.quiet) as progress:
            return recording.run(is_done, "interrupted", pidfd)


def _open_process(pid: int) -> int:
    try:
        return os.pidfd_open(pid)
    except OSError as error:
        raise DeviceError(
            f"there is no process {pid} to trace: {error.strerror}", error.errno or 0
        ) from error


def _report(summary: Summary, args: argparse.Namespace) -> int:
    if args.json:
        print_json(summary_json(summary))
    elif not args.quiet:
        say_summary(summary)
    return exit_code(summary.lost, strict=args.strict)
