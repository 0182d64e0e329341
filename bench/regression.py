"""Whether tracing became dearer: ``python -m bench.regression``.

Counts, on 6.1, what recording adds to getppid and to openat and close, and exits with 1 when that
is more than 3 % over the figures in regression.json. ``--renew`` writes those anew: do it, with the
reason in the commit, when a change is worth its cost, and after one that made it cheaper.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from bench.kernel.figures import figures
from bench.kernel.guest import measure
from bench.kernel.rows import Tool, session
from bench.kernel.work import CALLS
from tracectl.abi.records import Kind
from tracectl.errors import TracectlError
from tracectl.vm.kernel import fetch_kernel

STORED = Path(__file__).with_suffix(".json")
SERIES = "6.1"
KINDS = ("getppid", "openat_close")
MARGIN = 0.03

_TOOL = Tool("tracectl", 'insmod "$module"', (session("all", "", Kind.NAME, Kind.OPEN_HOW),))


def say(message: str) -> None:
    print(f"bench.regression: {message}", file=sys.stderr, flush=True)


def count() -> dict[str, int]:
    """Added instructions a system call, by kind of work."""
    kernel = fetch_kernel(SERIES, say)
    calls = {kind: CALLS[kind] for kind in KINDS}
    with tempfile.TemporaryDirectory(prefix="tracectl-bench-") as job:
        added = figures(measure(kernel, _TOOL, Path(job), say, calls))["added_instructions"]
    return {kind: added[kind]["all"] for kind in KINDS}


def find_regressions(found: dict[str, int], stored: dict[str, int]) -> list[str]:
    """A sentence for every kind of work that became dearer."""
    return [
        f"{kind} costs {found[kind]} instructions more a system call when it is recorded, "
        f"{found[kind] / cost - 1:.1%} over the {cost} that are stored"
        for kind, cost in stored.items()
        if found[kind] > cost * (1 + MARGIN)
    ]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.regression", description=__doc__)
    parser.add_argument("--renew", action="store_true", help="store what is counted")
    args = parser.parse_args()
    try:
        found = count()
    except TracectlError as error:
        say(str(error))
        return error.exit_code
    print(json.dumps(found))
    if args.renew:
        STORED.write_text(json.dumps(found, indent=1) + "\n")
        return 0
    regressions = find_regressions(found, json.loads(STORED.read_text()))
    for regression in regressions:
        say(regression)
    return 1 if regressions else 0


if __name__ == "__main__":
    sys.exit(main())
