"""What a second copy of a path from user space costs."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from tracectl.errors import GuestError
from tracectl.vm.build import build_module
from tracectl.vm.guest import Options, run_guest
from tracectl.vm.kernel import Kernel

PATH = "/dev/shm/bench-file"
"""That of the workload."""

_SCRIPT = """\
set -e
insmod /job/second_copy.ko
printf '%s\\0' >/proc/second_copy
cat /proc/second_copy >/job/found
"""


def measure(kernel: Kernel, job: Path, progress: Callable[[str], None]) -> dict[str, int]:
    """Instructions to copy ``PATH``, by function. ``job`` is an empty directory. GuestError when
    it fails."""
    build_module(kernel, Path(__file__).parent, job)
    progress(f"booting {kernel.release} for the second copy")
    said = os.open(job / "said", os.O_WRONLY | os.O_CREAT)
    result = run_guest(
        kernel, ["sh", "-c", _SCRIPT % PATH], job, cwd=Path("/"), env=dict(os.environ),
        options=Options(icount=True, timeout_s=1800), stdout=said, stderr=said,
    )  # fmt: skip
    os.close(said)
    if result.exit_code:
        raise GuestError(f"the second copy was not measured: {(job / 'said').read_text()}")
    found: dict[str, int] = json.loads((job / "found").read_text())
    return found
