"""What can be done to the tracer from the screen: each is a command line, and runs as one."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from dataclasses import dataclass

from tracectl.live.situation import Situation

FLIGHT = "start --flight 64M --subbuf-size 64K"
"""Small sub-buffers: a view asks for them often, and each time one is used up."""


@dataclass(frozen=True, slots=True)
class Action:
    """``command`` is what follows "tracectl" and may be changed before it runs; ``warning`` is what
    it ends or replaces. One that is not ``is_asked`` runs at once."""

    title: str
    command: str
    warning: str = ""
    is_asked: bool = True


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
            Action("Unload the module", "module unload", "Nothing can be traced then."),
        ]
    if not situation.exists:
        return []
    is_running = situation.state == "tracing"
    found = [
        Action("Pause", "pause", is_asked=False)
        if is_running
        else Action("Resume", "resume", is_asked=False),
        Action("Record only some calls from now on", "filter -e %file"),
    ]
    if situation.is_flight:
        found.append(Action("Write what the recorder holds", f"snapshot tracectl-{date}.trace"))
    what = "what the recorder holds is gone then" if situation.is_flight else "its file is complete"
    found.append(Action("Stop", "stop", f"Ends the session of {situation.owner}; {what}."))
    return found


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
