"""A boot under instruction counting: a base line, and every row of a tool."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.kernel import work
from bench.kernel.rows import NotRecordedError, Recorded, Row, Tool
from bench.kernel.work import CALLS, MIX, Program, Work
from tracectl.errors import GuestError
from tracectl.vm.build import module_for
from tracectl.vm.guest import Options, run_guest
from tracectl.vm.kernel import Kernel

COUNTING = Options(icount=True, memory_mib=3072, timeout_s=7200)
_TAIL_LINES = 15
_BASE = Row("nothing", "", "", lambda *_: None)

_PRELUDE = """\
set -eu
tracectl() { %(tracectl)s "$@"; }
module=%(module)s
root=%(root)s
# On 9p, what runs it would wait for the host.
cp /job/workload /dev/shm
"""
_RUN = """\
echo '== %(name)s'
mkdir /dev/shm/row && cd /dev/shm/row
%(start)s
%(prefix)s /dev/shm/workload /dev/shm/row/work %(arguments)s
%(stop)s
cp -r /dev/shm/row /job/%(name)s && cd / && rm -r /dev/shm/row
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """A row's work and what was recorded of it; the same of the mix, if it was run."""

    row: Row
    work: Work
    recorded: Recorded | None
    mix: Work | None = None
    mix_recorded: Recorded | None = None


def measure(
    kernel: Kernel,
    tool: Tool,
    job: Path,
    progress: Callable[[str], None],
    calls: Mapping[str, int] = CALLS,
    options: Options = COUNTING,
    program: Program = work.SYSTEM_CALLS,
) -> list[Measured]:
    """The rows of ``tool`` after one that is named nothing; ``calls`` says by kind of work how
    often a round of ``program`` does it. ``job`` is an empty directory.

    GuestError when something fails in the guest, or a row recorded something else than its work.
    """
    mix = MIX // 4 if any(row.mix for row in tool.rows) else 0
    rows = (replace(_BASE, mix=mix, prefix=program.prefix), *tool.rows)
    program.build(job)
    # Only where it is wanted: building it takes a minute.
    module = module_for(kernel, progress) if "$module" in tool.setup else Path()
    script = [_PRELUDE % _names(kernel, module), *_iter_runs(rows, tool.setup, program, calls)]
    (job / "script").write_text("".join(script))
    progress(f"booting {kernel.release} for {tool.name}")
    _boot(kernel, job, options)
    return [_measured(job, row) for row in rows]


def _names(kernel: Kernel, module: Path) -> dict[str, str]:
    return {
        "tracectl": shlex.join([sys.executable, "-P", "-m", "tracectl"]),
        "module": shlex.quote(str(module)),
        "root": shlex.quote(str(kernel.root or "/")),
    }


def _iter_runs(
    rows: Sequence[Row], setup: str, program: Program, calls: Mapping[str, int]
) -> Iterator[str]:
    yield program.setup + "\n"
    yield from _runs(rows[0], program, calls)
    yield setup + "\n"
    for row in rows[1:]:
        yield from _runs(row, program, calls)


def _runs(row: Row, program: Program, calls: Mapping[str, int]) -> Iterator[str]:
    scaled = {kind: max(1, count // row.scale) for kind, count in calls.items()}
    yield _run(row, row.name, program.arguments(scaled))
    if row.mix:
        yield _run(row, f"{row.name}.mix", program.arguments({"mix": row.mix}))


def _run(row: Row, name: str, arguments: str) -> str:
    shell = {"start": row.start, "prefix": row.prefix, "stop": row.stop}
    return _RUN % {"name": name, "arguments": arguments, **shell}


def _boot(kernel: Kernel, job: Path, options: Options) -> None:
    with (job / "said").open("wb") as said:
        result = run_guest(
            kernel, ["sh", "/job/script"], job,
            cwd=Path("/"), env=dict(os.environ), options=options,
            stdout=said.fileno(), stderr=said.fileno(),
        )  # fmt: skip
    if result.exit_code:
        lines = (job / "said").read_text(errors="replace").splitlines()
        raise GuestError("the guest failed:\n" + "\n".join(lines[-_TAIL_LINES:]))
    if result.problems:
        raise GuestError(f"the guest's kernel says: {result.problems[0]}")


def _measured(job: Path, row: Row) -> Measured:
    done, recorded = _check(job / row.name, row)
    if not row.mix:
        return Measured(row, done, recorded)
    return Measured(row, done, recorded, *_check(job / f"{row.name}.mix", row))


def _check(directory: Path, row: Row) -> tuple[Work, Recorded | None]:
    done = work.parse((directory / "work").read_text())
    try:
        return done, row.check(directory, done)
    except NotRecordedError as error:
        raise GuestError(f"the row {row.name} did not record what was done: {error}") from error
