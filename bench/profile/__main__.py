"""Where the instructions go: ``python -m bench.profile``.

Runs the mix of bench.kernel in guests under instruction counting, without a session and in some,
and finds how many instructions of which function a system call had more, those of the program that
takes the events among them. Stores them in docs/benchmarks.json and writes the text beside it anew.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from bench import peer_root, profile
from bench.kernel import document
from bench.kernel.rows import ONLY
from tracectl.errors import EXIT_OK, TracectlError
from tracectl.vm.kernel import Kernel, fetch_kernel

_WRITING = "-o /dev/shm/capture.trace"
SESSIONS = {
    "entry_exit": f"{_WRITING} {ONLY}",
    "all": _WRITING,
    "all_not_compressed": f"{_WRITING} --no-compress",
    "counters": "--counters-only",
}
"""By the name of their row, the options of the sessions."""
LEAST = 3.0
"""Functions with fewer instructions a call are one line together."""


def say(message: str) -> None:
    print(f"bench.profile: {message}", file=sys.stderr, flush=True)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.profile", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--options", metavar="OPTIONS",
        help="of 'tracectl start', for a session of your own; nothing is stored",
    )  # fmt: skip
    parser.add_argument(
        "--kernel", default=peer_root.SERIES_NAME, metavar="SERIES",
        help=f"with --options (default {peer_root.SERIES_NAME})",
    )  # fmt: skip
    return parser.parse_args()


def measure(kernel: Kernel, sessions: Mapping[str, str]) -> dict[str, dict[str, float]]:
    """By name of a session and function, the instructions added a system call."""
    profiles = {}
    for name, options in {"nothing": "", **sessions}.items():
        say(f"booting {kernel.release} for {name}")
        commands = (f"$tracectl start {options}", "$tracectl stop") if options else ("", "")
        with tempfile.TemporaryDirectory(prefix="tracectl-bench-") as job:
            profiles[name] = profile.measure(kernel, *commands, Path(job))
    base = profiles.pop("nothing")
    return {name: profile.added(base, session, LEAST) for name, session in profiles.items()}


def main() -> int:
    args = parse_arguments()
    try:
        if args.options is not None:
            kernel = fetch_kernel(args.kernel, say)
            found = measure(kernel, {"session": args.options})
        else:
            kernel = peer_root.fetch_peer_kernel(say)
            found = document.write_section(kernel, "profile", measure(kernel, SESSIONS))
    except TracectlError as error:
        say(str(error))
        return error.exit_code
    print(json.dumps(found, indent=1) if args.json else document.profile_table(found))
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
