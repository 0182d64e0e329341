"""The command line: one file a command, imported when it is named."""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Never, Protocol, cast

from tracectl import __version__
from tracectl.cli.output import say_error
from tracectl.errors import EXIT_FAILED, EXIT_INTERRUPTED, TracectlError, UsageError

COMMANDS = (
    "record",
    "start",
    "stop",
    "pause",
    "resume",
    "filter",
    "status",
    "snapshot",
    "monitor",
    "tui",
    "calibrate",
    "report",
    "print",
    "query",
    "diff",
    "export",
    "policy",
    "verify",
    "doctor",
    "module",
    "vm",
    "completion",
)

_BLAS_THREADS = "OPENBLAS_NUM_THREADS"


class Command(Protocol):
    """What a module of this package offers for its command."""

    HELP: str
    EXAMPLES: str

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Adds the command's options."""

    def run(self, args: argparse.Namespace) -> int:
        """Does it; answers the exit code."""


def load_command(name: str) -> Command:
    with _one_thread():
        return cast(Command, import_module(_module_of(name)))


@contextmanager
def _one_thread() -> Iterator[None]:
    """numpy's linear algebra, of which nothing is used, starts a thread a CPU otherwise, and each
    spins for a while. The variable is not for the programs that a command starts."""
    is_told = _BLAS_THREADS in os.environ
    os.environ.setdefault(_BLAS_THREADS, "1")
    try:
        yield
    finally:
        if not is_told:
            del os.environ[_BLAS_THREADS]


def build_parser(names: Sequence[str]) -> argparse.ArgumentParser:
    """A parser that knows the commands ``names``."""
    parser = argparse.ArgumentParser(
        prog="tracectl",
        description="Whole-system system-call tracer.",
        epilog="'tracectl COMMAND --help' shows a command's options, with examples.",
    )
    parser.add_argument("-V", "--version", action="version", version=f"tracectl {__version__}")
    commands = parser.add_subparsers(
        title="commands", dest="command", metavar="COMMAND", required=True
    )
    for name in names:
        command = load_command(name)
        sub = commands.add_parser(
            name,
            help=command.HELP,
            description=command.HELP[:1].upper() + command.HELP[1:] + ".",
            epilog="examples:\n" + command.EXAMPLES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        command.configure(sub)
        sub.set_defaults(run=command.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and answers its exit code."""
    argv = sys.argv[1:] if argv is None else list(argv)
    # Unwinds: a guest and temporary files go with this process.
    signal.signal(signal.SIGTERM, _terminate)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # File names are bytes, and not all of them can be printed.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = _run(argv)
        sys.stdout.flush()
    except UsageError as error:
        say_error(error, f"tracectl {argv[0]}")
        code = error.exit_code
    except TracectlError as error:
        say_error(error)
        code = error.exit_code
    except KeyboardInterrupt:
        code = EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader went away, as "| head" does.
        _discard_stdout()
        code = EXIT_FAILED
    except OSError as error:
        _discard_stdout()
        say_error(error)
        code = EXIT_FAILED
    return code


def _run(argv: list[str]) -> int:
    named = argv[:1] if argv and argv[0] in COMMANDS else COMMANDS
    try:
        args = build_parser([name for name in named if find_spec(_module_of(name))]).parse_args(
            argv
        )
    except SystemExit as ended:
        # --help, --version and wrong usage; argparse has said what there is to say.
        return cast(int, ended.code)
    return int(args.run(args))


def _module_of(name: str) -> str:
    return f"tracectl.cli.{'print_' if name == 'print' else name}"


def _terminate(signum: int, _: object) -> Never:
    raise SystemExit(128 + signum)


def _discard_stdout() -> None:
    """Python would complain at exit about what it cannot flush."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
