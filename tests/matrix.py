"""The guest tests on one kernel after the other: ``python tests/matrix.py SERIES...``

Each is installed in a root file system of its own suite, with the module by DKMS. Its row in
docs/support-matrix.md is renewed, those of other kernels stay. Exits with 1 when a test failed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

from tracectl.errors import TracectlError
from tracectl.vm.kernel import SERIES, fetch_kernel
from tracectl.vm.machine import X86_64

REPO = Path(__file__).parents[1]
TABLE = REPO / "docs" / "support-matrix.md"
HEAD = """\
# Kernels that tracectl is tested on

`make test-kernels` writes this file. For each kernel it makes a root file system of the Debian
suite, builds and installs the module there by DKMS, with that suite's compiler, and runs every test
that needs a guest on it. For arm64 the module is cross-built, and the root only unpacked. The
cloud's kernels have no 9p: their guests reach the machine's files over virtiofs, which takes root
and Debian's virtiofsd, on Debian 12 a part of qemu-system-common.
`make test-kernels KERNELS=7.2` renews one row.

| kernel | suite | flavour | release | module by DKMS, W=1 | passed | failed | skipped | date |
|---|---|---|---|---|---|---|---|---|
"""
SKIPS = """
## Skipped tests

"""
BUILD = "test_no_warning"


@dataclass(frozen=True, slots=True)
class Run:
    """``counts`` has passed, failed and skipped; ``skips`` a test and its reason each."""

    counts: Counter[str]
    skips: list[str]
    is_built: bool


def main() -> int:
    failed = []
    for name in sys.argv[1:]:
        try:
            release = fetch_kernel(name, print, is_installed=True).release
            done = run(name)
        except TracectlError as error:
            print(f"{name}: {error}", file=sys.stderr)
            failed.append(name)
            continue
        renew(name, release, done)
        if done.counts["failed"]:
            failed.append(name)
    if failed:
        print(f"not all is well on {', '.join(failed)}", file=sys.stderr)
    return bool(failed)


def run(name: str) -> Run:
    report = REPO / "build" / f"tests-{name}.xml"
    report.unlink(missing_ok=True)
    subprocess.run(
        [sys.executable, "-m", "pytest", "-m", "guest and not slow", f"--junit-xml={report}",
         # pytest's own directory would be removed by another run beside this one.
         f"--basetemp={tempfile.mkdtemp()}/pytest",
         *("-n", "auto", "--maxprocesses", "4", "--dist", "worksteal")],
        check=False, cwd=REPO, env=os.environ | {"KERNELS": name},
    )  # fmt: skip
    if not report.is_file():
        raise TracectlError("pytest ended early")
    return read_report(report)


def read_report(report: Path) -> Run:
    outcomes = {}
    skips = []
    for case in ElementTree.parse(report).iter("testcase"):
        name = case.get("name", "").split("[")[0]
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            outcomes[case] = "failed"
        elif skipped is not None:
            outcomes[case] = "skipped"
            skips.append(f"`{name}`: {skipped.get('message')}")
        else:
            outcomes[case] = "passed"
    built = {outcome for case, outcome in outcomes.items() if BUILD in case.get("name", "")}
    return Run(Counter(outcomes.values()), skips, built == {"passed"})


def renew(name: str, release: str, done: Run) -> None:
    """Rows and skips of other kernels are taken from the table as it is."""
    lines = TABLE.read_text(encoding="utf8").splitlines() if TABLE.is_file() else []
    rows = {line.split()[1]: line for line in lines if line.startswith("| ")}
    skips = {other: [line for line in lines if line.startswith(f"- {other}: ")] for other in SERIES}
    series = SERIES[name]
    built = "no warning" if done.is_built else "fails"
    if series.machine is not X86_64:
        built = f"cross-built, {built}"
    counts = [done.counts[outcome] for outcome in ("passed", "failed", "skipped")]
    cells = [name, series.suite, series.flavour, release, built, *counts, date.today()]
    rows[name] = f"| {' | '.join(map(str, cells))} |"
    skips[name] = [f"- {name}: {skip}" for skip in done.skips]
    text = HEAD + "".join(f"{rows[other]}\n" for other in SERIES if other in rows)
    text += SKIPS + (
        "".join(f"{line}\n" for found in skips.values() for line in found) or "None.\n"
    )
    TABLE.write_text(text, encoding="utf8")


if __name__ == "__main__":
    sys.exit(main())
