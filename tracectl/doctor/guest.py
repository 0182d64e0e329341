"""Whether the guest can be used, where the module cannot."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from tracectl.doctor.check import Check, noted, passed
from tracectl.doctor.packages import install_command
from tracectl.vm.kernel import SERIES, cache_directory

_PROGRAMS = {
    "qemu-system-x86_64": "qemu-system-x86",
    "busybox": "busybox-static",
    "gcc-12": "gcc-12",
    "make": "make",
    "apt-get": "apt",
}


def check_guest() -> Iterator[Check]:
    missing = [package for program, package in _PROGRAMS.items() if not shutil.which(program)]
    if missing:
        yield noted("guest", f"without {', '.join(missing)}", install_command(*missing))
    else:
        yield passed("guest", "record --vm has what it needs")
    cache = cache_directory()
    kernels = [name for name in SERIES if (cache / "kernels" / name / "release").is_file()]
    if kernels:
        yield passed("guest's kernel", f"{', '.join(kernels)} in {cache}")
    else:
        yield noted(
            "guest's kernel", f"none in {cache} yet", "the first record --vm fetches it (100 MB)"
        )
