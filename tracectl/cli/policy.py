"""tracectl policy"""

from __future__ import annotations

import argparse
from pathlib import Path

from tracectl import __version__
from tracectl.capture.reader import Capture, open_capture
from tracectl.cli.output import print_json, say
from tracectl.cli.sources import iter_calls, source_of
from tracectl.errors import EXIT_OK, TracectlError
from tracectl.render.policy import seccomp_profile, systemd_unit
from tracectl.render.strings import printable
from tracectl.tables.table import abi_name

HELP = "the smallest allow-list for a process, from a capture"
EXAMPLES = """\
  tracectl policy seccomp --process nginx a.trace > nginx.json
  podman run --security-opt seccomp=nginx.json ...
  tracectl policy systemd --process nginx a.trace > /etc/systemd/system/nginx.service.d/calls.conf

The list has what the process and all it started called while it was traced: trace what it does in
all its life, its errors and its end included. If events were lost that may have been calls of it
that are not in the list, nothing is printed; --force prints the list, and what may be missing.
Trace without --uid, --comm, --cgroup, --container, --cpus and 'tracectl filter': what they leave
out leaves no trace of itself, so a list of such a capture is incomplete, too."""

FORMATS = ("seccomp", "systemd")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("format", choices=FORMATS, help="for a container runtime, or for a unit")
    parser.add_argument("file", type=Path, help="the capture")
    parser.add_argument(
        "--process", metavar="PROCESS", required=True, help="its name, or its process id"
    )
    parser.add_argument(
        "--force", action="store_true", help="print a list that may be incomplete, and say so in it"
    )


def run(args: argparse.Namespace) -> int:
    from tracectl.analysis.allowlist import AllowList, Members  # noqa: PLC0415 - numpy

    with open_capture(args.file) as capture:
        source = source_of(capture)
        members = Members(source.lives, args.process)
        found = AllowList()
        for calls in iter_calls(capture):
            found.add(calls, members, source.tables)
        found.find_gaps(capture.metadata, capture.end, source.tables)
        found.find_others(capture.metadata.config, source.lives, members)
        found.gaps += [f"the capture is damaged: {problem}" for problem in _damage(capture)]
    if not found.calls:
        raise TracectlError(f"{args.file}: no process {args.process} made a system call in it")
    if found.gaps and not args.force:
        raise TracectlError(
            f"{args.file}: the list would be incomplete: {'; '.join(found.gaps)}. Trace it again, "
            "without filters and with larger buffers, or use --force"
        )
    if found.unknown:
        numbers = ", ".join(map(str, sorted(found.unknown)))
        say(f"left out, since no table has them: system calls {numbers}")
    names = {
        abi_name(source.tables, abi): sorted(source.tables[abi].name(nr) for nr in numbers)
        for abi, numbers in sorted(found.calls.items())
    }
    notes = [f"INCOMPLETE: {gap}" for gap in found.gaps]
    if args.format == "seccomp":
        print_json(seccomp_profile(names, notes))
    else:
        made = f"Made by tracectl {__version__} of process {printable(args.process)}."
        print(systemd_unit(names, [made, *notes]))
    for note in notes:
        say(note)
    return EXIT_OK


def _damage(capture: Capture) -> list[str]:
    """Without what the end block's absence says a second time."""
    return capture.problems if capture.end is not None else []
