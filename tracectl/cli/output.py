"""What several commands print alike."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tracectl.errors import EXIT_LOST, EXIT_OK, GuestError
from tracectl.render.strings import printable
from tracectl.render.table import format_size

if TYPE_CHECKING:
    from tracectl.cli.summary import Summary


def print_json(tree: Any) -> None:
    """One JSON document on stdout, for programs."""
    json.dump(tree, sys.stdout, indent=2)
    sys.stdout.write("\n")


def say(message: str) -> None:
    """A message for people, on stderr: stdout carries data only."""
    print(f"tracectl: {printable(message)}", file=sys.stderr)


def say_error(error: Exception, prefix: str = "tracectl") -> None:
    # A guest's console has lines; names in other messages could pretend to.
    lines = str(error).split("\n") if isinstance(error, GuestError) else [str(error)]
    text = "\n".join(map(printable, lines))
    print(f"{prefix}: {text}", file=sys.stderr)


def say_summary(summary: Summary) -> None:
    counts = f"{summary.generated - summary.lost:,} events"
    if summary.path:
        counts = f"{summary.path}: {counts} in {format_size(summary.size_bytes)}"
    parts = [f"{counts}, {summary.lost:,} lost"]
    if summary.command_status is not None:
        parts.append(f"the command {describe_status(summary.command_status)}")
    say("; ".join(parts))


def describe_status(code: int) -> str:
    """``code`` is an exit code as a shell has it."""
    return f"was ended by signal {code - 128}" if code > 128 else f"exited with {code}"


def summary_json(summary: Summary) -> dict[str, Any]:
    return asdict(summary) | {"recorded": summary.generated - summary.lost}


def exit_code(lost: int, *, strict: bool) -> int:
    return EXIT_LOST if strict and lost else EXIT_OK
