"""Where the instructions go: ``python -m bench.profile [OPTION OF tracectl start]...``.

Runs the mix of bench.kernel in a guest under instruction counting, without a session and in one,
and prints how many instructions of which function each system call had more, those of the program
that takes the events among them.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import tempfile
from pathlib import Path

from bench.profile import measure
from tracectl.errors import EXIT_FAILED, EXIT_OK, TracectlError
from tracectl.vm.kernel import fetch_kernel


def say(message: str) -> None:
    print(f"bench.profile: {message}", file=sys.stderr, flush=True)


def parse_arguments() -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(
        prog="python -m bench.profile", description=__doc__,
        epilog="other options are those of the session; with --counters-only nothing is written",
    )  # fmt: skip
    parser.add_argument("--kernel", default="7.2", metavar="SERIES", help="default 7.2")
    parser.add_argument("--least", type=float, default=1, help="leave out what has fewer a call")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_known_args()


def main() -> int:
    args, options = parse_arguments()
    output = [] if "--counters-only" in options else ["-o", "/dev/shm/capture.trace"]
    start = f"$tracectl start {shlex.join([*output, *options])}"
    try:
        kernel = fetch_kernel(args.kernel, say)
        profiles = []
        for commands in (("", ""), (start, "$tracectl stop")):
            say(f"booting {kernel.release}")
            with tempfile.TemporaryDirectory(prefix="tracectl-bench-") as job:
                profiles.append(measure(kernel, *commands, Path(job)))
    except TracectlError as error:
        say(str(error))
        return EXIT_FAILED
    base, session = profiles
    added = {
        name: round(session.counts[name] / session.calls - base.counts[name] / base.calls, 1)
        for name in session.counts | base.counts
    }
    total = round(sum(added.values()))
    shown = {name: count for name, count in sorted(added.items(), key=lambda item: -item[1])
             if abs(count) >= args.least}  # fmt: skip
    if args.json:
        print(json.dumps({"kernel": kernel.release, "added": total, "functions": shown}, indent=1))
        return EXIT_OK
    print(f"{kernel.release}: {total} instructions added a system call")
    for name, count in shown.items():
        print(f"{count:8.1f}  {name}")
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
