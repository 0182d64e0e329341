"""What can be done to the tracer from the screen: each is a command line, and runs as one."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tracectl.kernel.filter import Terms
from tracectl.kernel.tasks import find_cgroups
from tracectl.live.situation import Situation
from tracectl.live.terms import options_of
from tracectl.tables.table import load_tables

COUNT = "start --counters-only"
FLIGHT = "start --flight 64M --subbuf-size 64K"
"""Small sub-buffers: a view asks for them often, and each time one is used up."""


@dataclass(frozen=True, slots=True)
class Action:
    """``command`` is what follows "tracectl" and may be changed before it runs; ``warning`` is what
    it ends or replaces. One that is not ``is_asked`` runs at once; one that ``is_of_cpus`` asks for
    these first."""

    title: str
    command: str
    warning: str = ""
    is_asked: bool = True
    is_of_cpus: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """``message`` is what the command said."""

    command: str
    exit_code: int
    message: str


def actions_for(situation: Situation) -> list[Action]:
    date = time.strftime("%Y%m%d-%H%M%S")
    if situation.state == "not loaded":
        return [Action("Load the module", "module load")]
    if situation.state == "idle":
        return [
            Action("Watch: start a flight recorder", FLIGHT),
            Action("Record into a file", f"start -o tracectl-{date}.trace"),
            Action("Count only: no records, only the counters in the kernel", COUNT),
            Action("Unload the module", "module unload", "Nothing can be traced then."),
        ]
    if not situation.exists:
        return []
    is_running = situation.state == "tracing"
    found = [
        Action("Pause", "pause", is_asked=False)
        if is_running
        else Action("Resume", "resume", is_asked=False),
        Action("Trace only some calls from now on", _filter(situation.terms, "-e %file")),
        Action("Turn CPUs on or off", _filter(situation.terms, "--cpus 0"), is_of_cpus=True),
    ]
    if situation.is_flight:
        found.append(Action("Write what the recorder holds", f"snapshot tracectl-{date}.trace"))
    found.append(
        Action("Stop", "stop", f"Ends the session of {situation.owner}; {_end(situation)}.")
    )
    return found


def command_for_cpus(situation: Situation, cpus: Sequence[int]) -> str:
    """Only ``cpus`` of those that are online; all that is asked for besides stays."""
    wanted = None if set(cpus) == set(situation.online) else frozenset(cpus)
    return _filter(replace(situation.terms, cpus=wanted), "")


def _filter(terms: Terms, otherwise: str) -> str:
    """The command for ``terms``, to be changed; ``otherwise`` its options where there are none."""
    native, narrow = load_tables().values()
    cgroups = {} if terms.cgroup is None else find_cgroups()
    options = shlex.join(options_of(terms, (native, narrow, native), cgroups))
    return f"filter {options or otherwise}".strip()


def _end(situation: Situation) -> str:
    if situation.is_counting:
        return "its counts are gone then"
    return "what the recorder holds is gone then" if situation.is_flight else "its file is complete"


def run_action(command: str) -> Outcome:
    """Waits for it. Its exit code is 2 for what is no command line."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        return Outcome(command, 2, f"{command!r}: {error}")
    done = subprocess.run(
        [sys.executable, "-m", "tracectl", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
        text=True,
        errors="replace",
    )
    said = [line for line in done.stderr.strip().splitlines() if line.strip()]
    message = said[-1].removeprefix("tracectl: ") if said else "done"
    return Outcome(command, done.returncode, message)
