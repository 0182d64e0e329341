"""What several commands print alike."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracectl.errors import EXIT_LOST, EXIT_OK, UsageError
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


def printable(text: str) -> str:
    """Names come from others: what a terminal would obey is shown as an escape."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def refuse_capture(output: Path, capture: Path) -> None:
    """UsageError where ``output`` is ``capture``, which is not to be written over."""
    # Where one of them is not there, they are not the same.
    with suppress(OSError):
        if output.samefile(capture):
            raise UsageError(f"{output} is the capture itself")


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
