"""Instructions by function, counted one by one: no sampling, and nothing of it in the guest."""

from __future__ import annotations

import os
import subprocess
import sys
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.kernel.work import MIX, SYSTEM_CALLS, parse
from tracectl.errors import GuestError
from tracectl.vm.build import module_for
from tracectl.vm.guest import Options, run_guest
from tracectl.vm.kernel import Kernel

_HERE = Path(__file__).parent
_KERNEL_SPACE = 1 << 63
_SCRIPT = """\
set -eu
cd /dev/shm
cp /job/workload /job/mark .
insmod "$module"
sysctl -q kernel.kptr_restrict=0
cat /proc/kallsyms >/job/symbols
{start}
# Some end meanwhile.
cat /proc/[1-9]*/maps >/job/maps 2>/dev/null || true
./mark
./workload /job/work {arguments}
./mark
{stop}
"""


@dataclass(frozen=True, slots=True)
class Profile:
    """``calls`` system calls were made; ``counts`` are the instructions of each function of the
    kernel, and of each file that user code came from."""

    calls: int
    counts: Counter[str]


def measure(kernel: Kernel, start: str, stop: str, job: Path) -> Profile:
    """The mix of bench.kernel between ``start`` and ``stop``, which are shell. ``job`` is an empty
    directory. GuestError when it fails."""
    _compile(job / "counting.so", "-shared", "-fPIC", _HERE / "counting.c")
    _compile(job / "mark", "-static", _HERE / "mark.c")
    SYSTEM_CALLS.build(job)
    arguments = SYSTEM_CALLS.arguments({"mix": MIX})
    options = Options(
        icount=True, memory_mib=1536, timeout_s=3600,
        # So that what lies where is the same in all processes.
        boot=("norandmaps", "nokaslr"),
        qemu=("-plugin", f"file={job / 'counting.so'},out={job / 'counts'}"),
    )  # fmt: skip
    with (job / "said").open("wb") as said:
        result = run_guest(
            kernel,
            ["sh", "-c", _SCRIPT.format(start=start, stop=stop, arguments=arguments)],
            job,
            cwd=Path("/"),
            env=dict(os.environ)
            | {"module": str(module_for(kernel)), "tracectl": f"{sys.executable} -P -m tracectl"},
            options=options,
            stdout=said.fileno(),
            stderr=said.fileno(),
        )
    if result.exit_code or result.problems:
        raise GuestError(f"nothing was counted: {(job / 'said').read_text(errors='replace')}")
    calls = sum(parse((job / "work").read_text()).calls.values())
    return Profile(calls, _by_name(job))


def added(base: Profile, session: Profile, least: float) -> dict[str, float]:
    """By function, the instructions a call that a session adds, the dearest first; those that add
    less than ``least`` are together "others"."""
    counts = {
        name: session.counts[name] / session.calls - base.counts[name] / base.calls
        for name in base.counts | session.counts
    }
    shown = {name: round(count, 1) for name, count in counts.items() if abs(count) >= least}
    shown = dict(sorted(shown.items(), key=lambda item: -item[1]))
    return shown | {"others": round(sum(counts.values()) - sum(shown.values()), 1)}


def _compile(output: Path, *arguments: str | Path) -> None:
    subprocess.run(["gcc", "-O2", "-Wall", "-Werror", "-o", output, *arguments], check=True)


def _by_name(job: Path) -> Counter[str]:
    kernel_name = _namer(_iter_symbols(job / "symbols"))
    user_name = _namer(_iter_maps(job / "maps"))
    counts: Counter[str] = Counter()
    for line in (job / "counts").read_text().splitlines():
        address, count = int(line.split()[0], 16), int(line.split()[1])
        name = kernel_name if address >= _KERNEL_SPACE else user_name
        counts[name(address)] += count
    return counts


def _namer(starts: Iterator[tuple[int, str]]) -> Callable[[int], str]:
    """Finds the name of the last start that is not after an address."""
    known = dict(starts)
    order = sorted(known)

    def name(address: int) -> str:
        at = bisect_right(order, address) - 1
        return known[order[at]] if at >= 0 else "?"

    return name


def _iter_symbols(path: Path) -> Iterator[tuple[int, str]]:
    for line in path.read_text().splitlines():
        address, kind, *name = line.split()
        if kind in "tTwW":
            yield int(address, 16), " ".join(name)


def _iter_maps(path: Path) -> Iterator[tuple[int, str]]:
    for line in path.read_text().splitlines():
        addresses, _, _, _, _, *file = line.split(maxsplit=5)
        if file and file[0].startswith("/"):
            yield int(addresses.partition("-")[0], 16), f"user: {Path(file[0]).name}"
