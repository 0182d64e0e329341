# SPDX-License-Identifier: GPL-2.0
"""Writes the man pages and the shells' completions from the commands' own parsers.

    python packaging/man.py DIRECTORY

``DIRECTORY`` becomes what a package has below /usr/share. $SOURCE_DATE_EPOCH is the pages' date.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from argparse_manpage.manpage import Manpage

from tracectl import __version__
from tracectl.cli.completion import completion_for
from tracectl.cli.main import COMMANDS, build_parser, load_command
from tracectl.errors import (
    EXIT_FAILED,
    EXIT_IMPOSSIBLE,
    EXIT_INTERRUPTED,
    EXIT_LOST,
    EXIT_OK,
    EXIT_USAGE,
)

COMPLETIONS = {
    "bash": "bash-completion/completions/tracectl",
    "zsh": "zsh/vendor-completions/_tracectl",
    "fish": "fish/vendor_completions.d/tracectl.fish",
}
EXIT_STATUS = {
    EXIT_OK: "Done.",
    EXIT_FAILED: "Failed; the message says why. Of diff: something differs.",
    EXIT_USAGE: "The command line is wrong.",
    EXIT_IMPOSSIBLE: "Not possible on this machine; the message says why and what to do.",
    EXIT_LOST: "Done, but events were lost and --strict was given.",
    EXIT_INTERRUPTED: "Interrupted.",
}
OUTPUT = "Data goes to standard output, messages and progress to standard error."
ENVIRONMENT = {
    "TRACECTL_CACHE": "Where the guest's kernels, root file systems and module are kept; "
    "otherwise $XDG_CACHE_HOME/tracectl, or ~/.cache/tracectl.",
}
FILES = {
    "/dev/tracectl": "The module's device. Who may open it may trace.",
    "/var/lib/tracectl/calibration.json": "What 'tracectl calibrate' measured; of who may not "
    "write there, in $XDG_STATE_HOME/tracectl.",
    "*.trace": "Captures, readable for their owner only.",
}


def main(directory: Path) -> None:
    manual = directory / "man" / "man1"
    manual.mkdir(parents=True, exist_ok=True)
    (manual / "tracectl.1").write_text(overview())
    for name in COMMANDS:
        (manual / f"tracectl-{name}.1").write_text(page_of(name))
    for shell, place in COMPLETIONS.items():
        path = directory / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(completion_for(shell) + "\n")


def overview() -> str:
    parser = build_parser(COMMANDS)
    summary, parser.epilog = parser.description or "", None
    parser.description = f"{summary}\n.PP\n{OUTPUT}"
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    # The list stays; each command's options are on its own page.
    commands_of(parser).clear()
    sections = {
        "exit status": tagged({str(code): text for code, text in EXIT_STATUS.items()}),
        "environment": tagged(ENVIRONMENT),
        "files": tagged(FILES),
        "see also": see_also(f"tracectl-{name}" for name in COMMANDS),
    }
    return page(parser, "tracectl", summary.lower().rstrip("."), sections)


def page_of(name: str) -> str:
    command = load_command(name)
    parser = commands_of(build_parser([name]))[name]
    parser.epilog = None
    examples, _, notes = command.EXAMPLES.partition("\n\n")
    sections = {
        "examples": f".nf\n{escaped(examples)}\n.fi",
        "notes": escaped(notes).replace("\n\n", "\n.PP\n"),
        "exit status": tagged({str(code): text for code, text in EXIT_STATUS.items()}),
        "see also": see_also(["tracectl"]),
    }
    return page(parser, f"tracectl-{name}", command.HELP, sections)


def commands_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return action.choices
    raise ValueError(f"{parser.prog} has no commands")


def page(parser: argparse.ArgumentParser, name: str, summary: str, sections: dict[str, str]) -> str:
    about = {"project_name": "tracectl", "version": __version__, "manual_title": "User Commands"}
    manual = Manpage(parser, _data={**about, "description": summary})
    manual.prog = name
    manual.synopsis[1:] = map(escaped, manual.synopsis[1:])
    for heading, text in sections.items():
        if text:
            manual.add_section(heading, ">", text)
    title, *lines = str(manual).splitlines()
    # The date in it is not understood with its dashes escaped.
    return "\n".join([title.replace("\\-", "-"), *map(guarded, lines)]) + "\n"


def escaped(text: str) -> str:
    return text.replace("\\", "\\e").replace("-", "\\-")


def guarded(line: str) -> str:
    """A quote at a line's start would begin a request."""
    return "\\&" + line if line.startswith("'") else line


def tagged(rows: dict[str, str]) -> str:
    return "\n".join(f".TP\n\\fB{escaped(tag)}\\fR\n{escaped(text)}" for tag, text in rows.items())


def see_also(names: Iterable[str]) -> str:
    return ",\n".join(f".BR {escaped(name)} (1)" for name in names)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
