"""tracectl vm"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tracectl.cli.output import say
from tracectl.errors import UsageError

if TYPE_CHECKING:
    from tracectl.vm.kernel import Kernel

HELP = "run a command in a throw-away guest with the module loaded"
EXAMPLES = """\
  tracectl vm -- uname -r
  tracectl vm --kernel 7.2 -- tracectl record -o /job/a.trace -- ls

The guest sees this machine's files; what it changes is gone afterwards, but for /job. A guest of
another architecture has a Debian of its own and sees the current directory only."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The guest's options, which ``record`` has too."""
    guest = parser.add_argument_group("guest")
    guest.add_argument(
        "--kernel", default="6.1", metavar="SERIES",
        help="its kernel, of 5.10 … 7.3 or 6.12-arm64 (default 6.1)",
    )  # fmt: skip
    guest.add_argument("--smp", type=int, default=2, metavar="N", help="its CPUs (default 2)")
    guest.add_argument(
        "--memory", type=int, default=2048, metavar="MIB", help="its memory (default 2048)"
    )
    guest.add_argument(
        "--timeout", type=float, default=600, metavar="S",
        help="seconds until it counts as hung (default 600)",
    )  # fmt: skip


def configure(parser: argparse.ArgumentParser) -> None:
    add_options(parser)
    parser.add_argument("--no-module", action="store_true", help="do not load the module")
    parser.add_argument("--job", type=Path, metavar="DIR", help="the directory that is /job there")
    parser.add_argument("argv", nargs="*", metavar="-- CMD", help="the command and its arguments")


def run(args: argparse.Namespace) -> int:
    from tracectl.vm.kernel import fetch_kernel  # noqa: PLC0415 - only where a guest is wanted

    if not args.argv:
        raise UsageError("a command is missing: -- CMD")
    with tempfile.TemporaryDirectory(prefix="tracectl-job-") as temporary:
        job = args.job.absolute() if args.job else Path(temporary)
        job.mkdir(parents=True, exist_ok=True)
        return run_in_guest(
            args, fetch_kernel(args.kernel, say), args.argv, job, with_module=not args.no_module
        )


def run_in_guest(
    args: argparse.Namespace, kernel: Kernel, argv: list[str], job: Path, *, with_module: bool
) -> int:
    """Boots the guest that ``args`` describes for ``argv``; answers its exit code."""
    from tracectl.vm.build import module_for  # noqa: PLC0415
    from tracectl.vm.guest import Options, run_guest  # noqa: PLC0415

    options = Options(
        smp=args.smp,
        memory_mib=args.memory,
        timeout_s=args.timeout,
        module=module_for(kernel, say) if with_module else None,
    )
    result = run_guest(kernel, argv, job, cwd=Path.cwd(), env=os.environ, options=options)
    for problem in result.problems:
        say(f"the guest's kernel says: {problem}")
    return result.exit_code
