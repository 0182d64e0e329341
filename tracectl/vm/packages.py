"""Debian packages for the guest, fetched but not installed.

apt works on a state of its own below the cache directory: it needs no root, and what the machine
has installed or configured stays as it is. Mirror and keyring are those of its own sources.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tracectl.errors import GuestError, UnsupportedError

_DEBIAN_RELEASES = (
    "bullseye",
    "bookworm",
    "trixie",
    "forky",
    "sid",
    "stable",
    "testing",
    "unstable",
    "experimental",
)


@dataclass(frozen=True, slots=True)
class Source:
    """A line of sources.list."""

    uri: str
    suite: str
    signed_by: str = ""

    def line(self) -> str:
        options = f" [signed-by={self.signed_by}]" if self.signed_by else ""
        return f"deb{options} {self.uri} {self.suite} main\n"


def parse_sources(index_targets: str) -> list[Source]:
    """Sources out of ``apt-get indextargets`` with the format "uri|suite|keyring" a line."""
    sources = []
    for line in index_targets.splitlines():
        uri, suite, keyring = line.split("|")
        # A keyring may be told as a key itself, over several lines: the default ones do then.
        keyring = keyring if keyring.startswith("/") else ""
        if suite.split("-")[0] in _DEBIAN_RELEASES:
            sources.append(Source(uri, suite, keyring))
    return sources


def sources_for(suite: str, known: Sequence[Source]) -> list[Source]:
    """``suite`` from the machine's mirror, and its security updates if the machine has them.

    UnsupportedError when the machine has no Debian source.
    """
    found = [source for source in known if source.suite in (suite, f"{suite}-security")]
    if any(source.suite == suite for source in found):
        return found
    plain = [source for source in known if source.suite in _DEBIAN_RELEASES]
    if not plain:
        raise UnsupportedError(
            "the guest's kernel comes from Debian's mirror, and apt has no Debian source here"
        )
    return [*found, Source(plain[0].uri, suite, plain[0].signed_by)]


class PackageCache:
    """Packages of one Debian suite for one of its architectures, below ``directory``."""

    def __init__(self, suite: str, directory: Path, architecture: str = "amd64") -> None:
        if shutil.which("apt-get") is None:
            raise UnsupportedError(
                "the guest's kernel is fetched with apt, which is not installed here"
            )
        self._directory = directory
        self._architecture = architecture
        for part in ("state/lists/partial", "cache/archives/partial"):
            (directory / part).mkdir(parents=True, exist_ok=True)
        (directory / "status").touch()
        lines = [source.line() for source in sources_for(suite, machine_sources())]
        (directory / "sources.list").write_text("".join(lines))
        self._run("apt-get", "-qq", "update")

    def dependencies(self, package: str) -> list[str]:
        """The names that ``package`` depends on, first alternatives only."""
        text = self._run("apt-cache", "show", "--no-all-versions", package)
        match = re.search(r"^Depends: (.*)$", text, re.MULTILINE)
        if match is None:
            return []
        return [depend.split()[0].split(":")[0] for depend in match[1].split(", ")]

    def download(self, packages: Sequence[str], to: Path) -> list[Path]:
        """Fetches and verifies ``packages`` into the directory ``to``."""
        self._run("apt-get", "-qq", "download", *packages, cwd=to)
        return sorted(to.glob("*.deb"))

    def _run(self, program: str, *arguments: str, cwd: Path | None = None) -> str:
        state = self._directory
        options = {
            "Dir::State": state / "state",
            "Dir::State::status": state / "status",
            "Dir::Cache": state / "cache",
            "Dir::Etc::SourceList": state / "sources.list",
            "Dir::Etc::SourceParts": "/dev/null",
            "APT::Architecture": self._architecture,
            "APT::Sandbox::User": "root",
            "Acquire::Retries": "3",
        }
        command = [program]
        for name, value in options.items():
            command += ["-o", f"{name}={value}"]
        done = subprocess.run(
            [*command, *arguments], capture_output=True, text=True, check=False, cwd=cwd
        )
        if done.returncode:
            said = done.stderr.strip().splitlines() or ["no reason given"]
            raise GuestError(f"the guest's kernel could not be fetched: {said[-1]}")
        return done.stdout


def machine_sources() -> list[Source]:
    """Debian's archives that apt knows here."""
    done = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)|$(RELEASE)|$(SIGNED_BY)",
         "Created-By: Packages", "Component: main"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return parse_sources(done.stdout)
