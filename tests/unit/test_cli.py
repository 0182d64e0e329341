"""The command line where no module is loaded: exit codes, and sentences instead of tracebacks."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from captures import write_capture
from subbuffers import SubBuffer
from tracectl import __version__
from tracectl.cli.child import Child, CommandError
from tracectl.cli.main import COMMANDS, build_parser, main
from tracectl.cli.output import describe_status, say_error
from tracectl.cli.plan import DEFAULT_CPU_BYTES, default_count, parse_size
from tracectl.cli.status import _KEYS
from tracectl.errors import EXIT_INTERRUPTED, GuestError
from tracectl.kernel import events
from tracectl.kernel.shapes import UNKNOWN_SHAPE, shapes_of
from tracectl.kernel.tasks import iter_tasks
from tracectl.module import loading
from tracectl.render.strings import printable
from tracectl.tables.table import load_table

without_module = pytest.mark.skipif(loading.is_loaded(), reason="the module is loaded here")


def tracectl(*argv, **options):
    options = {"capture_output": True, "text": True, "timeout": 60} | options
    done = subprocess.run([sys.executable, "-m", "tracectl", *argv], check=False, **options)
    assert "Traceback" not in (done.stderr or "")
    return done


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["fly"],
        ["status", "--fly"],
        ["status", "too", "many"],
        ["record", "--subbuf-size", "many", "--", "true"],
        ["record", "--subbuf-size", "100K", "--", "true"],
        ["record", "--subbuf-size", "32M", "--", "true"],
        ["record", "--subbuf-size", "-1", "--", "true"],
        ["record", "--subbuf-count", "0", "--", "true"],
        ["record", "--subbuf-count", "1", "--", "true"],
        ["record", "--subbuf-size", "16M", "--subbuf-count", "65", "--", "true"],
        ["record", "-p", "-5"],
        ["record", "-p", "99999999999999999999"],
        ["record", "-p", "1", "--", "true"],
        ["record", "--all"],
        ["record", "--vm"],
        ["record", "--na", "--", "true"],
        ["record", "-o", "x" * 2000, "--", "true"],
        ["module", "vanish"],
        ["monitor", "--for", "-1"],
        ["monitor", "--for", "nan"],
        ["monitor", "--for", "soon"],
        ["module", "unload", "--path", "tracectl.ko"],
    ],
)
def test_wrong_usage_exits_with_2(argv, tmp_path):
    done = tracectl(*argv, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr
    assert list(tmp_path.iterdir()) == []


@without_module
def test_status_without_module_is_no_failure():
    done = tracectl("status")
    assert (done.returncode, done.stderr) == (0, "")
    assert "not loaded" in done.stdout
    facts = json.loads(tracectl("status", "--json").stdout)
    assert facts == dict.fromkeys(_KEYS) | {"state": "not loaded"}


@without_module
@pytest.mark.parametrize(
    "argv",
    [
        ["start"],
        ["stop"],
        ["pause"],
        ["resume"],
        ["record"],
        ["record", "-p", "1"],
        ["record", "--no-vm", "--", "true"],
    ],
)
def test_without_module_exits_with_3_and_says_what_to_do(argv, tmp_path):
    done = tracectl(*argv, cwd=tmp_path)
    assert done.returncode == 3
    assert "tracectl module load" in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_directory_of_the_capture_is_looked_at_first(tmp_path):
    done = tracectl("record", "-o", "absent/a.trace", "--", "true", cwd=tmp_path)
    assert done.returncode == 1
    assert "its directory does not exist" in done.stderr


@without_module
def test_module_that_cannot_be_loaded(tmp_path):
    done = tracectl("module", "load", "--path", str(tmp_path / "absent.ko"))
    assert (done.returncode, done.stderr.count("\n")) == (3, 1)
    assert "No such file" in done.stderr
    (tmp_path / "bad.ko").write_bytes(b"no module")
    done = tracectl("module", "load", "--path", str(tmp_path / "bad.ko"))
    assert (done.returncode, done.stderr.count("\n")) == (3, 1)
    done = tracectl("module", "unload")
    assert done.returncode == 0
    assert "was not loaded" in done.stderr


def test_help_names_every_command_in_one_line():
    done = tracectl("--help")
    assert done.returncode == 0
    for name in COMMANDS:
        assert f"\n    {name} " in done.stdout
    assert all(len(line) < 100 for line in done.stdout.splitlines())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_examples(name):
    done = tracectl(name, "--help")
    assert done.returncode == 0
    assert f"examples:\n  tracectl {name}" in done.stdout


def test_version():
    assert tracectl("--version").stdout == f"tracectl {__version__}\n"


@pytest.mark.parametrize("argv", [["--help"], ["status", "--json"]])
def test_reader_that_goes_away_is_no_error(argv):
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = tracectl(*argv, capture_output=False, stdout=write_end, stderr=subprocess.PIPE)
    os.close(write_end)
    assert done.stderr == ""


def test_monitor_for_no_time_tells_the_state_and_ends():
    done = tracectl("monitor", "--json", "--for", "0")
    assert done.returncode == 0
    assert "subject" in json.loads(done.stdout)


@pytest.mark.parametrize("seconds", ["1e12", "inf"])
def test_monitor_for_longer_than_poll_can_wait(monkeypatch, seconds):
    class Monitor:
        source = "udev"

        def poll(self, timeout_s):
            assert 1000 * timeout_s < 1 << 31
            raise KeyboardInterrupt

    monkeypatch.setattr(events, "EventMonitor", Monitor)
    assert main(["monitor", "--for", seconds]) == EXIT_INTERRUPTED


def test_full_disk_under_stdout_is_a_sentence():
    with Path("/dev/full").open("w") as full:
        done = tracectl("status", "--json", capture_output=False, stdout=full, stderr=-1)
    assert done.returncode == 1
    assert done.stderr == "tracectl: [Errno 28] No space left on device\n"


def test_status_imports_nothing_heavy():
    code = (
        "import sys; from tracectl.cli.main import main; main(['status', '--json']);"
        "print(sorted({'construct', 'numpy', 'rich', 'zstandard'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = done.stdout.splitlines()[-1]
    assert heavy == "[]" or loading.is_loaded()


def test_recording_imports_neither_numpy_nor_a_compressor():
    code = (
        "import sys; import tracectl.cli.record, tracectl.cli.start;"
        "print(sorted({'numpy', 'rich', 'zstandard'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("argv", "command"),
    [
        (["record", "--", "ls", "-l"], ["ls", "-l"]),
        (["record", "-o", "a", "--", "sh", "-c", "x", "--", "-o"], ["sh", "-c", "x", "--", "-o"]),
        (["record", "ls"], ["ls"]),
        (["record"], []),
    ],
)
def test_command_after_two_dashes(argv, command):
    assert build_parser(COMMANDS[:1]).parse_args(argv).argv == command


@pytest.mark.parametrize(
    ("text", "size"), [("16384", 16384), ("16K", 16384), ("1m", 1 << 20), ("1G", 1 << 30)]
)
def test_sizes(text, size):
    assert parse_size(text) == size


def test_default_buffers():
    assert 2 <= default_count(1 << 20) <= DEFAULT_CPU_BYTES >> 20
    assert default_count(16 << 20) == 2


def test_shapes_follow_the_tables():
    tables = {name: load_table(name) for name in ("x86_64", "i386")}
    shapes = shapes_of(tables)
    assert [len(abi) for abi in shapes] == [512] * 3
    for abi, name in enumerate(tables):
        for call in tables[name]:
            if call.nr < 512:
                args, wide = shapes[abi][call.nr]
                assert args == len(call.args)
                assert all(
                    bool(wide >> i & 1) == (arg.bits == 64) for i, arg in enumerate(call.args)
                )
    assert not any(shapes[1][call.nr][1] for call in tables["i386"])
    assert shapes[2] == [UNKNOWN_SHAPE] * 512
    assert shapes[0][511] == UNKNOWN_SHAPE


def test_tasks_are_those_of_the_machine():
    tasks = {task.tid: task for task in iter_tasks()}
    own = tasks[os.getpid()]
    assert (own.tgid, own.ppid, own.uid) == (os.getpid(), os.getppid(), os.getuid())
    assert own.exe == str(Path("/proc/self/exe").readlink())
    assert own.comm == Path("/proc/self/comm").read_text().rstrip("\n")


def test_child_waits_until_it_is_let_go(tmp_path):
    child = Child(["touch", str(tmp_path / "here")])
    assert not child.has_ended()
    assert not (tmp_path / "here").exists()
    assert child.release() is None
    assert child.wait() == 0
    assert (tmp_path / "here").exists()


def test_child_that_is_given_up_executes_nothing(tmp_path):
    child = Child(["touch", str(tmp_path / "here")])
    child.abandon()
    assert not (tmp_path / "here").exists()


@pytest.mark.parametrize(("script", "code"), [("exit 7", 7), ("kill -9 $$", 128 + signal.SIGKILL)])
def test_exit_code_is_as_a_shell_has_it(script, code):
    child = Child(["sh", "-c", script])
    assert child.release() is None
    assert child.wait() == code


def test_commands_that_cannot_be_executed(tmp_path):
    with pytest.raises(CommandError) as caught:
        Child(["./no-such-program"])
    assert caught.value.exit_code == 127
    program = tmp_path / "program"
    program.write_text("neither ELF nor script")
    program.chmod(0o755)
    child = Child([str(program)])
    failure = child.release()
    assert failure is not None
    assert (failure.exit_code, child.wait()) == (126, 126)
    assert "Exec format error" in str(failure)


def test_names_cannot_command_the_terminal():
    assert printable("a\x1b[2Jb\n") == "a\\x1b[2Jb\\n"
    assert printable("öffnen") == "öffnen"


def test_neither_can_those_in_errors(tmp_path):
    path = tmp_path / "a\x1b[31mred\nb"
    path.write_bytes(b"no capture" * 10)
    done = tracectl("report", path)
    assert (done.returncode, done.stderr) == (
        1, f"tracectl: {tmp_path}/a\\x1b[31mred\\nb: is no tracectl capture\n",
    )  # fmt: skip
    machine = write_capture(tmp_path / "b.trace", [], machine="vax\x1b[31m\x07\n")
    for command in (["print"], ["report"], ["tui", "--plain"]):
        said = tracectl(*command, machine).stderr
        assert "it was made on vax\\x1b[31m\\x07\\n, whose ABIs" in said
    done = tracectl("verify", write_capture(tmp_path / "c\x1b.trace", [SubBuffer().entry(1, 1, 0)]))
    assert r"c\x1b.trace is whole" in done.stdout


def test_an_error_of_a_guest_keeps_its_lines(capsys):
    say_error(GuestError("it hung:\n\x1b[31m[ 1.0] BUG\n[ 1.1] panic"))
    assert capsys.readouterr().err == "tracectl: it hung:\n\\x1b[31m[ 1.0] BUG\n[ 1.1] panic\n"


def test_exit_codes_in_words():
    assert describe_status(7) == "exited with 7"
    assert describe_status(137) == "was ended by signal 9"
