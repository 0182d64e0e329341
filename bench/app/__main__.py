"""What tracing costs applications: ``python -m bench.app``.

Runs redis-benchmark, dd with blocks of a byte, a parallel build, sqlite and nginx under wrk in a
guest under instruction counting, without a tracer and with each. Writes the figures to
docs/benchmarks.json and the text beside it anew.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench import peer_root
from bench.kernel import document, peers
from bench.kernel.guest import COUNTING, Measured, measure
from bench.kernel.rows import OWN, NotRecordedError, Recorded, Row, Tool, verified
from bench.kernel.work import Program, Work
from tracectl.errors import EXIT_FAILED, EXIT_OK, GuestError, TracectlError
from tracectl.vm.kernel import Kernel

UNITS = {"redis": 8000, "dd": 400_000, "build": 4, "sqlite": 10_000, "nginx": 1}
"""By application, how many units of its work a round does: requests, blocks, files, rows; nginx is
asked for so many seconds."""
APPLICATIONS = Program(
    Path(__file__).with_name("workload.sh"), rounds=3, setup=peers.PRELUDE, prefix="peer"
)
# Were the clock to jump while a file comes from the host, the timers of every daemon would run out.
_OPTIONS = replace(COUNTING, icount_sleeps=True)


def check_capture(directory: Path, work: Work) -> Recorded:
    recorded = verified(directory / "capture.trace")
    units = sum(work.calls.values())
    if recorded.events < units:
        raise NotRecordedError(f"{recorded.events} events of {units} units of work")
    return recorded


def _in_root(row: Row) -> Row:
    """A row of one of the peers, around the applications."""
    scale = row.scale if row.is_waited_for else 1
    return replace(row, prefix=row.prefix or "peer", scale=scale, mix=0)


def _tool(tool: Tool, *names: str) -> Tool:
    rows = tuple(_in_root(row) for row in tool.rows if row.name in names)
    return Tool(tool.name, tool.setup.removeprefix(peers.PRELUDE), rows)


_OWN = Row(
    "tracectl", "tracectl start -o capture.trace", "tracectl stop", check_capture, prefix="peer"
)

TOOLS = (
    Tool(OWN.name, OWN.setup, (_OWN,)),
    _tool(peers.LTTNG, "lttng", "lttng_large"),
    _tool(peers.TRACE_CMD, "trace_cmd_large"),
    _tool(peers.PERF, "perf_record_large"),
    _tool(peers.PERF_TRACE, "perf_trace"),
    _tool(peers.BPFTRACE, "bpftrace_latency"),
    _tool(peers.SYSDIG, "sysdig"),
    _tool(peers.STRACE, "strace"),
    _tool(peers.AUDITD, "auditd_large"),
)


def say(message: str) -> None:
    print(f"bench.app: {message}", file=sys.stderr, flush=True)


def slow_down(base: Work, work: Work) -> dict[str, float]:
    """How many times as long the CPU is busy with a unit as without a tracer, by application."""
    return {app: round(work.usual_ns[app] / base.usual_ns[app], 3) for app in base.usual_ns}


def measure_tool(kernel: Kernel, tool: Tool, units: Mapping[str, int]) -> dict[str, Any]:
    """By row: ``slow_down``, ``recorded`` and ``lost`` events."""
    # Inside the peers' root: what they recorded is read there.
    work = peer_root.directory() / "var" / "tmp"
    with tempfile.TemporaryDirectory(prefix="tracectl-bench-", dir=work) as job:
        base, *rows = measure(kernel, tool, Path(job), say, units, _OPTIONS, APPLICATIONS)
    return {row.row.name: _figures(base, row) for row in rows}


def _figures(base: Measured, row: Measured) -> dict[str, Any]:
    assert row.recorded is not None
    return {
        "slow_down": slow_down(base.work, row.work),
        "recorded": row.recorded.events,
        "lost": row.recorded.lost,
    }


def _beside(stored: dict[str, Any], some: dict[str, Any]) -> dict[str, Any]:
    """A row of which only some applications ran: events are those of all of them."""
    return some | stored | {"slow_down": stored.get("slow_down", {}) | some["slow_down"]}


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.app", description=__doc__)
    parser.add_argument(
        "--tools", nargs="+", metavar="NAME", choices=[tool.name for tool in TOOLS],
        help="run under these; what docs/benchmarks.json has of the others stays",
    )  # fmt: skip
    parser.add_argument(
        "--applications", nargs="+", metavar="NAME", choices=list(UNITS), default=list(UNITS),
        help="run these only; what docs/benchmarks.json has of the others stays",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


def main() -> int:
    args = parse_arguments()
    units = {app: UNITS[app] for app in args.applications}
    found: dict[str, Any] = {}
    failed = False
    try:
        kernel = peer_root.fetch_peer_kernel(say)
        for tool in TOOLS:
            if args.tools and tool.name not in args.tools:
                continue
            try:
                found |= measure_tool(kernel, tool, units)
            except GuestError as error:
                failed = True
                say(f"{tool.name}: {error}")
        if units.keys() < UNITS.keys():
            stored = document.section(kernel, "applications")
            found = {name: _beside(stored.get(name, {}), row) for name, row in found.items()}
        found = document.write_section(kernel, "applications", found)
    except TracectlError as error:
        say(str(error))
        return error.exit_code
    print(json.dumps(found, indent=1) if args.json else document.applications_table(found))
    return EXIT_FAILED if failed else EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
