"""Whether the module can be built for the installed kernels."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from tracectl.doctor.check import Check, failed, noted, passed
from tracectl.errors import TracectlError, UnsupportedError
from tracectl.module.dkms import Dkms
from tracectl.module.packages import install_command
from tracectl.module.source import find_source, version_of


def check_build(*, dry: bool, is_needed: bool) -> Iterator[Check]:
    """With ``dry`` the module is built for each kernel, which takes some seconds each. What is
    missing is but a note unless the module still ``is_needed``."""
    missing = failed if is_needed else noted
    try:
        source = find_source()
        yield passed("module source", f"{source}, version {version_of(source)}")
    except UnsupportedError as error:
        yield missing("module source", str(error), "pip install --force-reinstall tracectl")
        return
    for name, path in (("compiler", find_compiler()), ("make", shutil.which("make"))):
        if path is None:
            package = "gcc" if name == "compiler" else name
            yield missing(name, "not installed", install_command(package))
        else:
            yield passed(name, path)
    try:
        dkms = Dkms()
    except UnsupportedError:
        yield missing("dkms", "not installed", install_command("dkms"))
        return
    entries = [f"{entry.version} {entry.state} {entry.release}" for entry in dkms.installed()]
    yield passed("dkms", "; ".join(entries) or "the module is not installed")
    releases = dkms.releases()
    yield _headers(releases, missing)
    if not dry or not releases:
        return
    if os.geteuid():
        yield noted("build", "not tried: DKMS needs root", "sudo tracectl doctor")
        return
    try:
        for outcome in dkms.try_build(source, releases):
            name = f"build for {outcome.release}"
            if outcome.error:
                yield missing(name, outcome.error, "report it, with this kernel's release")
            else:
                yield passed(name, "compiles")
    except TracectlError as error:
        yield missing("build", str(error), "dkms status")


def find_compiler() -> str | None:
    """gcc, or one with its version in its name, such as comes with Debian's kernel headers."""
    return shutil.which("gcc") or next(
        (
            str(path)
            for directory in os.get_exec_path()
            for path in sorted(Path(directory).glob("gcc-[0-9]*"), reverse=True)
        ),
        None,
    )


def _headers(releases: list[str], missing: Callable[[str, str, str], Check]) -> Check:
    running = os.uname().release
    if running in releases:
        return passed("headers", ", ".join(releases))
    found = f"none for the running kernel {running}"
    if releases:
        found += f", only for {', '.join(releases)}"
    return missing("headers", found, install_command(f"linux-headers-{running}"))
