"""Whether the guest can be used, where the module cannot."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterator

from tracectl.doctor.check import Check, noted, passed
from tracectl.module.packages import install_command, install_module_command
from tracectl.vm.kernel import SERIES, cache_directory
from tracectl.vm.machine import ARM64, X86_64, Machine


def check_guest() -> Iterator[Check]:
    if platform.machine() != X86_64.name:
        yield noted("guest", f"record --vm runs on {X86_64.name} only", install_module_command())
        return
    yield _programs("guest", X86_64, {"busybox": "busybox-static"}, "record --vm")
    yield _programs(
        "guest of arm64", ARM64, {"mmdebstrap": "mmdebstrap"}, "record --vm --kernel 6.12-arm64"
    )
    cache = cache_directory()
    kernels = [name for name in SERIES if (cache / "kernels" / name / "release").is_file()]
    if kernels:
        yield passed("guest's kernel", f"{', '.join(kernels)} in {cache}")
    else:
        yield noted(
            "guest's kernel", f"none in {cache} yet", "the first record --vm fetches it (100 MB)"
        )


def _programs(name: str, machine: Machine, more: dict[str, str], command: str) -> Check:
    packages = {
        machine.qemu: machine.qemu_package,
        machine.compiler: machine.compiler_package,
        "make": "make",
        "apt-get": "apt",
    } | more
    missing = [package for program, package in packages.items() if not shutil.which(program)]
    if missing:
        return noted(name, f"without {', '.join(missing)}", install_command(*missing))
    return passed(name, f"{command} has what it needs")
