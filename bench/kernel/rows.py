"""The states that tracectl is measured in: a row of the table each."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.kernel.work import MIX, Work
from tracectl.abi.records import Kind
from tracectl.capture.reader import open_capture

_GETPPID_SLOT = 110


class NotRecordedError(Exception):
    """A row recorded something else than what it is measured for."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """``events`` that are in the file, and its size, before compression, too, by the tool that has
    one; None where there is no file. ``lost`` is None where the tool does not tell."""

    events: int
    lost: int | None
    file_bytes: int | None
    plain_bytes: int | None = None


Check = Callable[[Path, Work], Recorded | None]
"""Looks at what a row left in the directory, and answers None where nothing was to be recorded.
NotRecordedError when it is not what the work would have made."""


@dataclass(frozen=True, slots=True)
class Row:
    """``start`` and ``stop`` are shell, in a directory of the row's own, around the work, and
    ``prefix`` before its command. ``scale`` divides the work, for what is slow; ``mix``: how often
    a round does the mix, in a second run. ``is_waited_for``: the tracer works while the traced
    thread waits, so that its cost is what the clock says."""

    name: str
    start: str
    stop: str
    check: Check
    prefix: str = ""
    scale: int = 1
    mix: int = 0
    is_waited_for: bool = False


@dataclass(frozen=True, slots=True)
class Tool:
    """What is measured in one boot: a base line, ``setup`` in shell, then the rows."""

    name: str
    setup: str
    rows: tuple[Row, ...]


def check_nothing(directory: Path, work: Work) -> None:
    """There is no session."""
    state = json.loads((directory / "status.json").read_text())["state"]
    if state != "idle":
        raise NotRecordedError(f"the module is {state}")


def verified(path: Path) -> Recorded:
    """A capture that is whole."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "tracectl", "verify", "--json", path],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise NotRecordedError(f"tracectl verify: {done.stdout}{done.stderr}")
    facts = json.loads(done.stdout)
    with open_capture(path) as capture:
        plain_bytes = capture.raw_bytes
    return Recorded(facts["recorded"], facts["lost"], path.stat().st_size, plain_bytes)


def check_capture(
    directory: Path, work: Work, *, share: int = 1, kinds: tuple[Kind, ...] = ()
) -> Recorded:
    """The capture is whole and has ``share`` (0 or 1) of the calls, and something of ``kinds``."""
    path = directory / "capture.trace"
    recorded = verified(path)
    with open_capture(path) as capture:
        assert capture.end is not None
        cpus = capture.end.cpus
    made = sum(cpu.syscalls[_GETPPID_SLOT].entries for cpu in cpus if _GETPPID_SLOT in cpu.syscalls)
    if made != share * work.getppids:
        raise NotRecordedError(f"{made} of {share * work.getppids} calls of getppid")
    for kind in kinds:
        if not any(cpu.generated[kind] for cpu in cpus):
            raise NotRecordedError(f"no {kind.name}")
    return recorded


def check_counts(directory: Path, work: Work) -> None:
    """Nothing was recorded, and every call counted and timed."""
    facts = json.loads((directory / "counts.json").read_text())
    counted = {row["name"]: row for row in facts["syscalls"]}["getppid"]
    if not work.getppids == counted["calls"] == sum(counted["latency"]):
        raise NotRecordedError(f"{counted['calls']} of {work.getppids} calls of getppid counted")


def session(
    name: str,
    options: str = "",
    *kinds: Kind,
    share: int = 1,
    before: str = "",
    mix: int = 0,
) -> Row:
    """A row with a session that ``tracectl start`` makes with ``options``, after ``before``."""
    return Row(
        name,
        f"{before}\ntracectl start -o capture.trace {options}",
        "tracectl stop",
        partial(check_capture, share=share, kinds=kinds),
        mix=mix,
    )


ONLY = "--no-names --no-open-how --no-paths --no-argv --no-sockets"
"""Entry and exit alone; a row's own option after it brings one event back."""

OWN = Tool(
    "tracectl",
    'insmod "$module"',
    (
        Row("loaded", "", "tracectl status --json >status.json", check_nothing),
        session("armed", "--paused", share=0),
        session("filtered", '-p "$other"', share=0, before="sleep 1000000 & other=$!"),
        session("unwanted", "-e chdir", share=0),
        session("failed", "--failed", share=0),
        Row(
            "counters",
            "tracectl start --counters-only",
            "tracectl stop --json >counts.json",
            check_counts,
        ),
        session("entry_exit", ONLY, mix=MIX),
        session("names", f"{ONLY} --names", Kind.NAME),
        session("open_how", f"{ONLY} --open-how", Kind.OPEN_HOW),
        session("paths", f"{ONLY} --paths", Kind.NAME),
        session("argv", f"{ONLY} --argv", Kind.ARGV),
        session("files", f"{ONLY} --files", Kind.FILE),
        session("structs", f"{ONLY} --structs", Kind.USER),
        session("payload", f"{ONLY} --payload 64", Kind.USER),
        session("toctou", f"{ONLY} --names --paths --detect-toctou", Kind.NAME, Kind.USER),
        session("redacted", f"{ONLY} --names --paths --redact /dev", Kind.NAME),
        session("all", "", Kind.NAME, Kind.OPEN_HOW, Kind.ARGV, mix=MIX),
        session("all_not_compressed", "--no-compress", mix=MIX),
        session("flight", "--flight 32M -o capture.trace", mix=MIX),
    ),
)
