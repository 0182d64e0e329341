"""Whether the module can be built for the installed kernels."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from tracectl.doctor.check import Check, failed, noted, passed
from tracectl.errors import TracectlError, UnsupportedError
from tracectl.module.dkms import Dkms, releases_with_headers
from tracectl.module.packages import install_command
from tracectl.module.source import find_source, version_of

_MODULES = Path("/lib/modules")
_Missing = Callable[[str, str, str], Check]


def check_build(*, dry: bool, is_needed: bool) -> Iterator[Check]:
    """With ``dry`` the module is built for each kernel, which takes some seconds each. What is
    missing is but a note unless the module still ``is_needed``."""
    missing = failed if is_needed else noted
    source = None
    try:
        source = find_source()
        yield passed("module source", f"{source}, version {version_of(source)}")
    except UnsupportedError as error:
        yield missing("module source", str(error), "install the same wheel or package again")
    for name, path in (("compiler", find_compiler()), ("make", shutil.which("make"))):
        if path is None:
            package = "gcc" if name == "compiler" else name
            yield missing(name, "not installed", install_command(package))
        else:
            yield passed(name, path)
    releases = releases_with_headers()
    yield from check_headers(releases, missing)
    try:
        dkms = Dkms()
    except UnsupportedError:
        yield missing("dkms", "not installed", install_command("dkms"))
        return
    entries = [f"{entry.version} {entry.state} {entry.release}" for entry in dkms.installed()]
    yield passed("dkms", "; ".join(entries) or "the module is not installed")
    if dry and releases and source:
        yield from _try_builds(dkms, source, releases, missing)


def _try_builds(
    dkms: Dkms, source: Path, releases: list[str], missing: _Missing
) -> Iterator[Check]:
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


def check_headers(
    releases: list[str], missing: _Missing, modules: Path = _MODULES
) -> Iterator[Check]:
    """Of the running kernel, which ``releases`` are to have, and of those to be booted later."""
    running = os.uname().release
    if running in releases:
        yield passed("headers", ", ".join(releases))
    else:
        found = f"none for the running kernel {running}"
        if releases:
            found += f", only for {', '.join(releases)}"
        yield missing("headers", found, install_command(f"linux-headers-{running}"))
    # A kernel that was removed leaves modules.dep behind, until it is purged.
    installed = {path.parent.name for path in modules.glob("*/kernel")}
    for release in sorted(installed - {running, *releases}):
        yield noted(
            f"headers of {release}", "none, so that no module is built for that kernel",
            install_command(f"linux-headers-{release}"),
        )  # fmt: skip
