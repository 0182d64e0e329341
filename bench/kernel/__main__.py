"""What tracing costs, in instructions a system call: ``python -m bench.kernel``.

Boots a guest under QEMU's instruction counting, where the clock counts instructions, and prints
one JSON object.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from bench.kernel.figures import figures
from bench.kernel.guest import measure
from bench.kernel.rows import OWN
from tracectl.errors import TracectlError
from tracectl.vm.kernel import fetch_kernel


def say(message: str) -> None:
    print(f"bench.kernel: {message}", file=sys.stderr, flush=True)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.kernel", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the rows of tracectl only")
    parser.add_argument("--kernel", default="7.2", metavar="SERIES", help="default 7.2")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


def main() -> int:
    args = parse_arguments()
    try:
        kernel = fetch_kernel(args.kernel, say)
        with tempfile.TemporaryDirectory(prefix="tracectl-bench-") as job:
            found = {"kernel": kernel.release} | figures(measure(kernel, OWN, Path(job), say))
    except TracectlError as error:
        say(str(error))
        return error.exit_code
    print(json.dumps(found, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
