"""How long it takes to switch recording on and off while many threads live.

``python -m bench.gate [--threads N]`` boots a guest and prints, in JSON, the median ms of opening
and closing the gates (RESUME, PAUSE) and of registering and unregistering all probes (CONFIGURE,
STOP). Registering sets a flag in every thread; a gate is a store a CPU. The guest's clock counts
instructions, so that the machine it runs on is not in the figures, and jumps where it waits.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tracectl.errors import TracectlError
from tracectl.vm.build import module_for
from tracectl.vm.guest import Options, python_of, run_guest
from tracectl.vm.kernel import fetch_kernel

REPO = Path(__file__).parents[2]
WORKLOAD = REPO / "tests" / "workloads" / "many_threads.c"


def say(message: str) -> None:
    print(f"bench.gate: {message}", file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.gate", description=__doc__)
    parser.add_argument("--threads", type=int, default=5000, metavar="N")
    parser.add_argument("--kernel", default="6.1", metavar="SERIES")
    args = parser.parse_args()
    try:
        kernel = fetch_kernel(args.kernel, say)
        with tempfile.TemporaryDirectory(prefix="tracectl-bench-") as temporary:
            job = Path(temporary)
            compiler = [kernel.machine.compiler, "-O2", "-pthread", "-o", str(job / "threads")]
            subprocess.run([*compiler, str(WORKLOAD)], check=True)
            result = run_guest(
                kernel,
                [python_of(kernel), "-m", "bench.gate.inside", str(args.threads)],
                job,
                cwd=REPO,
                env=dict(os.environ),
                options=Options(module=module_for(kernel), timeout_s=1800, icount=True, smp=1),
            )
    except TracectlError as error:
        say(str(error))
        return error.exit_code
    for problem in result.problems:
        say(problem)
    return result.exit_code or bool(result.problems)


if __name__ == "__main__":
    sys.exit(main())
