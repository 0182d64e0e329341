"""What tracing costs, in instructions a system call: ``python -m bench.kernel``.

Boots guests under QEMU's instruction counting, where the clock counts instructions, and measures
tracectl and the other tracers. Writes docs/benchmarks.md and prints its figures.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench import peer_root, second_copy
from bench.kernel import document
from bench.kernel.figures import figures, merge
from bench.kernel.guest import measure
from bench.kernel.peers import PEERS
from bench.kernel.rows import OWN, Tool
from tracectl.errors import EXIT_FAILED, EXIT_OK, GuestError, TracectlError
from tracectl.vm.kernel import Kernel, fetch_kernel


def say(message: str) -> None:
    print(f"bench.kernel: {message}", file=sys.stderr, flush=True)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.kernel", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="tracectl only, in a root without the others; no docs"
    )
    parser.add_argument(
        "--kernel", default=peer_root.SERIES_NAME, metavar="SERIES",
        help=f"with --quick (default {peer_root.SERIES_NAME})",
    )  # fmt: skip
    parser.add_argument(
        "--tools", nargs="+", metavar="NAME", choices=[tool.name for tool in (OWN, *PEERS)],
        help="measure these; what docs/benchmarks.json has of the others stays",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


def measure_quick(series: str) -> dict[str, Any]:
    kernel = fetch_kernel(series, say)
    with tempfile.TemporaryDirectory(prefix="tracectl-bench-") as job:
        return {"kernel": kernel.release} | figures(measure(kernel, OWN, Path(job), say))


def measure_tools(kernel: Kernel, tools: list[Tool]) -> dict[str, Any]:
    """The figures by tool; those that failed are told, and have none."""
    found = {}
    # Inside the peers' root: what they recorded is read there.
    work = peer_root.directory() / "var" / "tmp"
    for tool in tools:
        with tempfile.TemporaryDirectory(prefix="tracectl-bench-", dir=work) as job:
            try:
                found[tool.name] = figures(measure(kernel, tool, Path(job), say))
                if tool is OWN:
                    found[tool.name]["second_copy"] = measure_second_copy(kernel)
            except GuestError as error:
                if tool is OWN:
                    raise
                say(f"{tool.name}: {error}")
    return found


def measure_second_copy(kernel: Kernel) -> dict[str, int]:
    with tempfile.TemporaryDirectory(prefix="tracectl-bench-") as job:
        return second_copy.measure(kernel, Path(job), say)


def main() -> int:
    args = parse_arguments()
    tools = [tool for tool in (OWN, *PEERS) if args.tools is None or tool.name in args.tools]
    try:
        if args.quick:
            found, failed = measure_quick(args.kernel), False
        else:
            kernel = peer_root.fetch_peer_kernel(say)
            by_tool = measure_tools(kernel, tools)
            failed = len(by_tool) < len(tools)
            by_tool = document.write_section(kernel, "tools", by_tool)
            found = {"kernel": kernel.release} | merge(by_tool.values())
    except TracectlError as error:
        say(str(error))
        return error.exit_code
    print(json.dumps(found, indent=1) if args.json else document.table(found))
    return EXIT_FAILED if failed else EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
