"""tracectl doctor"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from tracectl.cli.output import print_json
from tracectl.doctor.check import Check, Verdict
from tracectl.errors import EXIT_IMPOSSIBLE, EXIT_OK
from tracectl.render.strings import printable

HELP = "can this machine trace; what is missing, and what to run"
EXAMPLES = """\
  tracectl doctor
  tracectl doctor --no-build      without building the module for each kernel
  tracectl doctor --json

Exits with 0 when the module is loaded and may be used, or is installed for the running kernel and
may be loaded; with 3 when something that it needs is not ok.

JSON is an object of "possible", true or false, and "checks", an array of objects. Each check has
"name", which no other has; "verdict", which is "ok", "not ok" or "note"; "found"; and "remedy",
what to run, empty when that is nothing."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--build", action=argparse.BooleanOptionalAction, default=True,
        help="try to build the module for every installed kernel (default)",
    )  # fmt: skip
    parser.add_argument(
        "--output", type=Path, default=Path(), metavar="DIR",
        help="measure how fast captures can be written here (default: the current directory)",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    checks: list[Check] = []
    for check in _iter_checks(args):
        checks.append(check)
        if not args.json:
            # At once: the builds take their time.
            _print(check)
    is_possible = all(check.verdict is not Verdict.FAILED for check in checks)
    if args.json:
        print_json({"possible": is_possible, "checks": [asdict(check) for check in checks]})
    elif not is_possible:
        print("\nNot possible here yet; 'tracectl record --vm -- CMD' traces in a guest.")
    return EXIT_OK if is_possible else EXIT_IMPOSSIBLE


def _iter_checks(args: argparse.Namespace) -> Iterator[Check]:
    from tracectl.doctor.access import (  # noqa: PLC0415 - construct
        check_device,
        check_disk,
        check_permission,
    )
    from tracectl.doctor.build import check_build  # noqa: PLC0415
    from tracectl.doctor.guest import check_guest  # noqa: PLC0415
    from tracectl.doctor.running_kernel import check_kernel  # noqa: PLC0415
    from tracectl.doctor.signatures import check_signatures  # noqa: PLC0415

    yield from check_kernel()
    device = check_device()
    yield device
    yield check_permission()
    yield from check_signatures(is_needed=device.verdict is not Verdict.OK)
    # An installed module is not built again, but its signature is still to be taken.
    yield from check_build(dry=args.build, is_needed=device.verdict is Verdict.FAILED)
    yield check_disk(args.output.absolute())
    yield from check_guest()


def _print(check: Check) -> None:
    print(printable(f"{check.verdict:7} {check.name}: {check.found}"), flush=True)
    if check.remedy:
        print(printable(f"        → {check.remedy}"), flush=True)
