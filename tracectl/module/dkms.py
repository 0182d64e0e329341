"""The module under DKMS, which builds it for each kernel, and for each new one by itself."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tracectl.errors import TracectlError, UnsupportedError
from tracectl.module.packages import DKMS_PACKAGE, install_command, is_packaged
from tracectl.module.source import copy_source, first_error, version_of

NAME = "tracectl"
_HOST = Path("/")
# "tracectl/0.1.0, 6.1.0-1-amd64, x86_64: installed"; before dkms 3 "tracectl, 0.1.0, 6.1...".
_STATUS = re.compile(rf"^{NAME}(?:/|, )([^,: ]+)(?:, ([^,]+), [^:]+)?: (\w+)")


@dataclass(frozen=True, slots=True)
class Outcome:
    """``error`` is why there is no module for ``release``, such as the compiler's first error;
    empty when there is. ``log`` is all that make said."""

    release: str
    error: str
    log: str


@dataclass(frozen=True, slots=True)
class Installed:
    """``state`` is dkms's: added, built or installed. ``release`` is empty for added."""

    version: str
    release: str
    state: str


def enter_root(root: Path) -> list[str]:
    """A command's prefix, to run it in ``root``; with /proc, which objtool reads."""
    return ["unshare", "--mount", "--pid", "--fork", "--mount-proc", f"--root={root}"]


def releases_with_headers(root: Path = _HOST) -> list[str]:
    """Kernels that are installed together with what modules are built against."""
    found = []
    for directory in sorted((root / "lib" / "modules").glob("*")):
        build = directory / "build"
        if build.is_symlink() and (target := build.readlink()).is_absolute():
            build = root / target.relative_to("/")
        if (build / "Makefile").is_file():
            found.append(directory.name)
    return found


class Dkms:
    """dkms of this machine, or of the root file system ``root``.

    UnsupportedError when it is not there or the user may not use it.
    """

    def __init__(self, root: Path = _HOST) -> None:
        self._root = root
        if not any((root / directory / "dkms").is_file() for directory in ("usr/sbin", "sbin")):
            raise UnsupportedError(f"dkms is not installed: {install_command('dkms')}")
        self._enter = [] if root == _HOST else enter_root(root)

    def installed(self) -> list[Installed]:
        """What dkms knows of any version of the module."""
        said = self._run("status", "-m", NAME).stdout
        matches = map(_STATUS.match, said.splitlines())
        return [Installed(match[1], match[2] or "", match[3]) for match in matches if match]

    def try_build(self, source: Path, releases: Sequence[str]) -> list[Outcome]:
        """Builds ``source`` aside, as dkms would; nothing of the machine is changed."""
        temporary = self._root / "var" / "tmp"
        with tempfile.TemporaryDirectory(prefix="tracectl-dkms-", dir=temporary) as name:
            work = Path(name)
            trees = []
            for option in ("dkmstree", "sourcetree"):
                (work / option).mkdir()
                trees += [f"--{option}", str(self._inside(work / option))]
            version = version_of(source)
            copy_source(source, work / "sourcetree" / f"{NAME}-{version}")
            module = ["-m", NAME, "-v", version]
            self._check(self._run("add", *module, *trees))
            outcomes = []
            for release in releases:
                done = self._run("build", *module, "-k", release, *trees)
                log = self._log(work / "dkmstree" / NAME / version, release)
                error = ""
                if done.returncode:
                    error = f"does not compile: {first_error(log or done.stderr)}"
                outcomes.append(Outcome(release, error, log))
        return outcomes

    def install(self, source: Path, releases: Sequence[str]) -> list[Outcome]:
        """Puts ``source`` under DKMS and installs it for each of ``releases`` that it compiles for,
        in place of any other version. All other kernels keep what they have.

        TracectlError when it compiles for none of them: nothing is changed then.
        """
        self.check_owner()
        outcomes = self.try_build(source, releases)
        good = {outcome.release for outcome in outcomes if not outcome.error}
        if not good:
            first = outcomes[0]
            raise TracectlError(f"{first.release}: the module {first.error}; nothing was changed")
        version = version_of(source)
        before = self.installed()
        for entry in before:
            # dkms builds nothing anew that it has built, of whatever source that was.
            if entry.version == version and entry.release in good:
                self._for_kernel("remove", entry.version, entry.release)
        shutil.rmtree(self._source_tree(version), ignore_errors=True)
        copy_source(source, self._source_tree(version))
        if version not in {entry.version for entry in self.installed()}:
            self._check(self._run("add", "-m", NAME, "-v", version))
        others = [entry for entry in before if entry.version != version]
        outcomes = [
            outcome if outcome.error else self._install_for(outcome, version, others)
            for outcome in outcomes
        ]
        kept = {entry.version for entry in self.installed() if entry.release}
        for other in {entry.version for entry in others} - kept:
            self.remove(other)
            shutil.rmtree(self._source_tree(other), ignore_errors=True)
        return outcomes

    def _install_for(self, outcome: Outcome, version: str, others: list[Installed]) -> Outcome:
        """For one kernel; what it had of ``others`` is taken away afterwards, or is back."""
        release = outcome.release
        had = [entry for entry in others if entry.release == release]
        try:
            # --force: another version is in its place.
            self._for_kernel("install", version, release, "--force")
        except TracectlError as error:
            for entry in had:
                if entry.state == "installed":
                    self._for_kernel("install", entry.version, release, "--force")
            return replace(outcome, error=str(error))
        for entry in had:
            self._for_kernel("remove", entry.version, release)
        return outcome

    def remove(self, version: str | None = None) -> bool:
        """Takes ``version``, or else every one, away from all kernels. False: there was none."""
        self.check_owner()
        versions = {entry.version for entry in self.installed()}
        versions &= versions if version is None else {version}
        for known in versions:
            self._check(self._run("remove", "-m", NAME, "-v", known, "--all"))
            shutil.rmtree(self._source_tree(known), ignore_errors=True)
        return bool(versions)

    def module_path(self, release: str) -> Path | None:
        """The installed module of ``release``."""
        directory = self._root / "lib" / "modules" / release / "updates" / "dkms"
        return next(iter(sorted(directory.glob(f"{NAME}.ko*"))), None)

    def _source_tree(self, version: str) -> Path:
        return self._root / "usr" / "src" / f"{NAME}-{version}"

    def _inside(self, path: Path) -> Path:
        return _HOST / path.relative_to(self._root)

    def _log(self, tree: Path, release: str) -> str:
        """Of a build that failed in build/, of one that did not under the kernel's name."""
        for path in [tree / "build" / "make.log", *(tree / release).glob("*/log/make.log")]:
            if path.is_file():
                return path.read_text(errors="replace")
        return ""

    def check_owner(self) -> None:
        """UnsupportedError when the user, or anyone but a package's scripts, may not change it."""
        if os.geteuid():
            raise UnsupportedError("DKMS needs root")
        if is_packaged(self._root):
            raise UnsupportedError(
                f"the module is installed by the package {DKMS_PACKAGE}: "
                f"'dpkg-reconfigure {DKMS_PACKAGE}' builds it again, "
                f"'apt-get purge {DKMS_PACKAGE}' removes it"
            )

    def _for_kernel(self, action: str, version: str, release: str, *options: str) -> None:
        self._check(self._run(action, "-m", NAME, "-v", version, "-k", release, *options))

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self._enter, "dkms", *arguments],
            capture_output=True, text=True, check=False,
            env=os.environ | {"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        )  # fmt: skip

    def _check(self, done: subprocess.CompletedProcess[str]) -> None:
        if done.returncode:
            said = (done.stderr + done.stdout).strip().splitlines() or ["no reason given"]
            errors = [line for line in said if line.startswith("Error!")] or said[-1:]
            raise TracectlError(f"dkms failed: {errors[0].removeprefix('Error! ')}")
