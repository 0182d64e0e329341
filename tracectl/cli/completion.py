"""tracectl completion"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from tracectl.cli.extras import needs
from tracectl.errors import EXIT_OK

HELP = "print a shell's completion of this command line"
EXAMPLES = """\
  tracectl completion bash > ~/.local/share/bash-completion/completions/tracectl
  tracectl completion zsh > ~/.local/share/zsh/site-functions/_tracectl
  tracectl completion fish > ~/.config/fish/completions/tracectl.fish

The Debian package brings all three. zsh looks into a directory of $fpath: in ~/.zshrc, before
compinit, fpath+=(~/.local/share/zsh/site-functions)."""

SHELLS = ("bash", "zsh", "fish")
_RELEASES = "ls /lib/modules 2>/dev/null"
_WORDS = {
    "bash": "_tracectl_compgen_words_file",
    "zsh": "_tracectl_words",
    "fish": "(__fish_complete_command; __fish_complete_path (commandline -ct))",
    "preamble": {
        # shtab looks for _file in the name, to have directories end with a slash.
        "bash": '_tracectl_compgen_words_file() { compgen -A command -A file -- "$1"; }',
        "zsh": "_tracectl_words() { _command_names -e; _files; }",
    },
}


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=SHELLS, help="the shell that it is for")


def run(args: argparse.Namespace) -> int:
    print(completion_for(args.shell))
    return EXIT_OK


def completion_for(shell: str) -> str:
    """The script that completes tracectl in ``shell``. UnsupportedError without shtab."""
    with needs("completion"):
        import shtab  # noqa: PLC0415 - for this command only
    from tracectl.cli.main import COMMANDS, build_parser  # noqa: PLC0415 - main imports this
    from tracectl.tables.table import load_table  # noqa: PLC0415
    from tracectl.vm.kernel import SERIES  # noqa: PLC0415

    parser = build_parser(COMMANDS)
    # What an argument is, its name in the help says.
    completers = {
        "FILE": shtab.FILE,
        "DIR": shtab.DIRECTORY,
        "RELEASE": shtab.cmd(_RELEASES),
        "-- CMD": _WORDS,
    }
    names = {"SERIES": list(SERIES), "SYSCALLS": [call.name for call in load_table("x86_64")]}
    for action in _iter_actions(parser):
        name = str(action.metavar or action.dest.upper())
        if name in names:
            action.choices = names[name]
        elif name in completers:
            action.complete = completers[name]
    return str(shtab.complete(parser, shell))


def _iter_actions(parser: argparse.ArgumentParser) -> Iterator[Any]:
    """All of ``parser`` and of its commands."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _iter_actions(command)
