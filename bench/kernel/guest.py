"""A boot under instruction counting: a base line, and every row of a tool."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.kernel import work
from bench.kernel.rows import NotRecordedError, Recorded, Row, Tool
from bench.kernel.work import CALLS, MIX, Work
from tracectl.errors import GuestError
from tracectl.vm.build import module_for
from tracectl.vm.guest import Options, run_guest
from tracectl.vm.kernel import Kernel

_OPTIONS = Options(icount=True, memory_mib=3072, timeout_s=7200)
_TAIL_LINES = 15
_BASE = Row("nothing", "", "", lambda *_: None, has_mix=True)

_PRELUDE = """\
set -eu
tracectl() { %(tracectl)s "$@"; }
module=%(module)s
# On 9p, what runs it would wait for the host.
cp /job/workload /dev/shm
work() { /dev/shm/workload "$@" >/dev/shm/row/work; }
"""
_RUN = """\
echo '== %(name)s'
mkdir /dev/shm/row && cd /dev/shm/row
%(start)s
work %(arguments)s
%(stop)s
cp -r /dev/shm/row /job/%(name)s && cd / && rm -r /dev/shm/row
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """A row's work and what was recorded of it; the same of the mix, if it was run."""

    row: str
    work: Work
    recorded: Recorded | None
    mix: Work | None = None
    mix_recorded: Recorded | None = None


def measure(
    kernel: Kernel, tool: Tool, job: Path, progress: Callable[[str], None]
) -> list[Measured]:
    """The rows of ``tool`` after one that is named nothing. ``job`` is an empty directory.

    GuestError when something fails in the guest, or a row recorded something else than its work.
    """
    work.build(job)
    script = "".join(_script(tool, module_for(kernel, progress)))
    (job / "script").write_text(script)
    progress(f"booting {kernel.release} for {tool.name}")
    _boot(kernel, job)
    return [_measured(job, row) for row in (_BASE, *tool.rows)]


def _script(tool: Tool, module: Path) -> Iterator[str]:
    python = shlex.join([sys.executable, "-P", "-m", "tracectl"])
    yield _PRELUDE % {"tracectl": python, "module": shlex.quote(str(module))}
    yield from _runs(_BASE)
    yield tool.setup + "\n"
    for row in tool.rows:
        yield from _runs(row)


def _runs(row: Row) -> Iterator[str]:
    shell = {"start": row.start, "stop": row.stop}
    yield _RUN % {"name": row.name, "arguments": work.arguments(CALLS, row.scale), **shell}
    if row.has_mix:
        arguments = work.arguments(MIX, row.scale)
        yield _RUN % {"name": f"{row.name}.mix", "arguments": arguments, **shell}


def _boot(kernel: Kernel, job: Path) -> None:
    with (job / "said").open("wb") as said:
        result = run_guest(
            kernel, ["sh", "/job/script"], job,
            cwd=Path("/"), env=dict(os.environ), options=_OPTIONS,
            stdout=said.fileno(), stderr=said.fileno(),
        )  # fmt: skip
    if result.exit_code:
        lines = (job / "said").read_text(errors="replace").splitlines()
        raise GuestError("the guest failed:\n" + "\n".join(lines[-_TAIL_LINES:]))
    if result.problems:
        raise GuestError(f"the guest's kernel says: {result.problems[0]}")


def _measured(job: Path, row: Row) -> Measured:
    done, recorded = _check(job / row.name, row)
    if not row.has_mix:
        return Measured(row.name, done, recorded)
    return Measured(row.name, done, recorded, *_check(job / f"{row.name}.mix", row))


def _check(directory: Path, row: Row) -> tuple[Work, Recorded | None]:
    done = work.parse((directory / "work").read_text())
    try:
        return done, row.check(directory, done)
    except NotRecordedError as error:
        raise GuestError(f"the row {row.name} did not record what was done: {error}") from error
