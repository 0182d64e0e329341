"""Man pages and shell completion: written from the parsers, and read by the real programs."""

import argparse
import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tracectl import errors
from tracectl.cli.completion import SHELLS, completion_for
from tracectl.cli.main import COMMANDS, build_parser

REPO = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def share(tmp_path_factory):
    directory = tmp_path_factory.mktemp("share")
    subprocess.run([sys.executable, REPO / "packaging" / "man.py", directory], check=True)
    return directory


def commands():
    parser = build_parser(COMMANDS)
    (subparsers,) = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    return subparsers.choices


def rendered(page):
    """As plain text; words are not broken."""
    done = subprocess.run(
        ["mandoc", "-Tascii", "-Owidth=200", page], capture_output=True, check=True
    )
    return re.sub(r".\x08", "", done.stdout.decode())


def test_a_page_a_command(share):
    pages = {path.name for path in (share / "man" / "man1").iterdir()}
    assert pages == {"tracectl.1", *(f"tracectl-{name}.1" for name in COMMANDS)}


@pytest.mark.parametrize("name", ["tracectl", *(f"tracectl-{name}" for name in COMMANDS)])
def test_page_is_well_formed(share, name):
    page = share / "man" / "man1" / f"{name}.1"
    done = subprocess.run(
        ["mandoc", "-Tlint", "-Wwarning", page], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("name", COMMANDS)
def test_page_has_all_that_help_has(share, name):
    text = rendered(share / "man" / "man1" / f"tracectl-{name}.1")
    command = commands()[name]
    # The pages leave --help out of their options.
    for action in command._actions[1:]:
        assert all(option in text for option in action.option_strings)
    for line in command.epilog.splitlines()[1:]:
        assert " ".join(line.split()) in " ".join(text.split())


def test_exit_codes_are_told_alike():
    codes = {str(value) for name, value in vars(errors).items() if name.startswith("EXIT_")}
    readme = re.findall(r"^\| (\d+) \|", (REPO / "README.md").read_text(), re.MULTILINE)
    assert set(readme) == codes


@pytest.mark.parametrize("name", ["tracectl", "tracectl-record"])
def test_page_tells_every_exit_code(share, name):
    section = rendered(share / "man" / "man1" / f"{name}.1").split("EXIT STATUS")[1]
    codes = {str(value) for name, value in vars(errors).items() if name.startswith("EXIT_")}
    assert set(re.findall(r"^ +(\d+) ", section, re.MULTILINE)) == codes


def in_bash(script, *words):
    """What bash offers for the last of ``words``."""
    code = """
        source "$0"
        COMP_WORDS=(tracectl "$@") COMP_CWORD=$#
        spec=$(complete -p tracectl)
        [[ $spec =~ -F\\ ([^ ]+) ]] && "${BASH_REMATCH[1]}"
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    done = subprocess.run(
        ["bash", "--norc", "-c", code, script, *words],
        capture_output=True, text=True, check=True, cwd=REPO,
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout.split()


def in_fish(script, *words):
    line = " ".join(["tracectl", *words])
    done = subprocess.run(
        ["fish", "--no-config", "-c", f"source {script}; complete -C '{line}'"],
        capture_output=True, text=True, check=True, cwd=REPO,
    )  # fmt: skip
    return [offer.split("\t")[0] for offer in done.stdout.splitlines()]


BASH = "bash-completion/completions/tracectl"
FISH = "fish/vendor_completions.d/tracectl.fish"


@pytest.mark.parametrize(("place", "ask"), [(BASH, in_bash), (FISH, in_fish)])
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ([""], COMMANDS),
        (["re"], [name for name in COMMANDS if name.startswith("re")]),
        (["record", "--subbuf-"], ["--subbuf-size", "--subbuf-count"]),
        (["record", "--kernel", "7."], ["7.2", "7.3"]),
        (["vm", "--kernel", "5"], ["5.10"]),
        (["report", "READ"], ["README.md"]),
        (["record", "-o", "READ"], ["README.md"]),
        (["print", "-e", "openat"], ["openat", "openat2"]),
        (["module", "un"], ["unload"]),
        (["completion", ""], SHELLS),
    ],
)
def test_completion_offers(share, place, ask, words, offered):
    assert sorted(ask(share / place, *words)) == sorted(offered)


@pytest.mark.parametrize(("place", "ask"), [(BASH, in_bash), (FISH, in_fish)])
def test_completion_of_the_command_to_trace(share, place, ask):
    assert "bash" in ask(share / place, "record", "--", "bas")
    assert "README.md" in ask(share / place, "vm", "--", "cat", "READ")


def test_completion_in_zsh(share, tmp_path):
    """zsh completes for its line editor only, which wants a terminal."""
    directory = (share / "zsh" / "vendor-completions").as_posix()
    (tmp_path / ".zshrc").write_text(
        f"fpath=({directory} $fpath); PS1='ready '; autoload -U compinit; compinit -u -D\n"
    )
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ |= {"ZDOTDIR": str(tmp_path), "TERM": "dumb", "HOME": str(tmp_path)}
        os.execvp("zsh", ["zsh", "-d", "-i"])
    try:
        expect(terminal, "ready ")
        for typed, completed in (("tracectl mon", "itor "), ("--js", "on ")):
            os.write(terminal, f"{typed}\t".encode())
            expect(terminal, completed)
    finally:
        os.close(terminal)
        os.waitpid(pid, 0)


def expect(terminal, text, seconds=60):
    said, end = "", time.monotonic() + seconds
    while text not in said:
        assert select.select([terminal], [], [], max(0, end - time.monotonic()))[0], said
        said += os.read(terminal, 4096).decode(errors="replace")


def test_command_prints_what_packages_have(share):
    assert (share / BASH).read_text() == completion_for("bash") + "\n"


def test_without_shtab_a_sentence_says_what_to_install(tmp_path):
    (tmp_path / "shtab.py").write_text("raise ImportError")
    done = subprocess.run(
        [sys.executable, "-m", "tracectl", "completion", "bash"],
        env=os.environ | {"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)
    assert "pip install 'shtab>=1.13'" in done.stderr
