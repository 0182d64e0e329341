"""``record`` in a guest: the command is traced there, the capture comes back."""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

from tracectl.capture.reader import open_capture
from tracectl.capture.writer import CaptureWriter
from tracectl.cli.output import exit_code, print_json, say, say_summary, summary_json
from tracectl.cli.plan import Plan
from tracectl.cli.summary import Summary, summary_of
from tracectl.cli.terms import OPTIONS
from tracectl.cli.vm import run_in_guest
from tracectl.errors import CaptureError, TracectlError
from tracectl.vm.guest import JOB, python_of
from tracectl.vm.kernel import fetch_kernel

_NAME = "capture.trace"


def record_in_guest(plan: Plan, args: argparse.Namespace) -> int:
    """Runs ``record`` with the same options in the guest. Answers the exit code."""
    with tempfile.TemporaryDirectory(prefix="tracectl-job-") as temporary:
        job = Path(temporary)
        kernel = fetch_kernel(args.kernel, say)
        argv = _guest_argv(python_of(kernel), plan, args)
        status = run_in_guest(args, kernel, argv, job, with_module=True)
        found = job / _NAME
        if not found.is_file():
            if status:
                # Its tracectl has said why.
                return status
            raise TracectlError("the guest brought no capture back")
        summary = _bring_back(found, plan)
    if plan.command and summary.reason == "the command ended":
        summary = replace(summary, command_status=status)
    if args.json:
        print_json(summary_json(summary))
    elif not args.quiet:
        say_summary(summary)
    return status or exit_code(summary.lost, strict=args.strict)


def _guest_argv(python: str, plan: Plan, args: argparse.Namespace) -> list[str]:
    """Compression is left to this side: in an emulated guest it would cost more than all else."""
    # -P: the directory that the command runs in is not searched for modules.
    argv = [python, "-P", "-m", "tracectl", "record", "--no-vm", "--quiet"]
    argv += ["--no-compress", "-o", str(JOB / _NAME), "--subbuf-size", str(plan.subbuf_bytes)]
    if args.subbuf_count is not None:
        argv += ["--subbuf-count", str(args.subbuf_count)]
    argv += ["--names" if args.names else "--no-names"]
    argv += ["--paths" if args.paths else "--no-paths"]
    argv += ["--argv" if args.argv else "--no-argv"]
    argv += ["--sockets" if args.sockets else "--no-sockets"]
    argv += ["--sched" if args.sched else "--no-sched"]
    argv += ["--files" if args.files else "--no-files"]
    argv += ["--open-how" if args.open_how else "--no-open-how"]
    for option in OPTIONS:
        if getattr(args, option) is not None:
            argv.append(f"--{option}={getattr(args, option)}")
    argv += ["--structs" if args.structs else "--no-structs", f"--payload={args.payload}"]
    if args.redact:
        argv.append(f"--redact={plan.redact}")
    if args.failed:
        argv.append("--failed")
    if args.detect_toctou:
        argv.append("--detect-toctou")
    if args.all:
        argv.append("--all")
    return [*argv, "--", *(plan.command or ())]


def _bring_back(found: Path, plan: Plan) -> Summary:
    """Writes the guest's capture anew to where it was asked for. CaptureError when it is torn."""
    output = plan.output
    assert output is not None, "only a flight recorder has no file"
    with (
        open_capture(found) as capture,
        CaptureWriter(output, capture.metadata, compress=plan.compress) as writer,
    ):
        for chunk in capture.iter_chunks():
            writer.write_chunk(chunk.cpu, chunk.seq, chunk.data)
        if capture.end is not None:
            writer.write_end(capture.end)
        for problem in capture.problems:
            say(f"{output}: {problem}")
        if capture.end is None:
            raise CaptureError(output, "the recorder in the guest did not end it")
        return summary_of(output, capture.end, writer.size_bytes)
