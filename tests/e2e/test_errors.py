"""What goes wrong in a session ends in a sentence and an exit code, in a guest with the module."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tracectl.abi.records import Kind
from tracectl.capture.reader import open_capture

pytestmark = pytest.mark.guest

# try NAME COMMAND...: its output and exit code into /job/NAME and /job/NAME.code
TRY = """
try() { name=$1; shift; "$@" >"/job/$name" 2>&1; echo $? >"/job/$name.code"; }
"""

NO_FTRACE = """
[ -e /proc/sys/kernel/ftrace_enabled ] || exit 77
# 7.3 has it still, and takes nothing.
case $(sysctl -q kernel.ftrace_enabled=0 2>&1) in *"not supported"*) exit 77;; esac
try names_and_how tracectl record -o /dev/shm/c.trace -- ls
try names tracectl record --no-open-how -o /dev/shm/c.trace -- ls
"""

SCRIPT = """
as_nobody() { $python -c '
import encodings.ascii, grp, os, sys
from tracectl.cli.main import COMMANDS, build_parser, main
# Imported before: the interpreter may be in a home directory of root.
build_parser(COMMANDS)
os.setgroups([])
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
sys.exit(main())' "$@"; }

mkdir /dev/shm/full && mount -t tmpfs -o size=256k full /dev/shm/full
raw="--no-compress --subbuf-size 16K"
try full tracectl record $raw -o /dev/shm/full/a.trace -- {program} 50000 2
cp /dev/shm/full/a.trace /job/full.trace
try full_start tracectl start $raw -o /dev/shm/full/a.trace
{program} 50000 2
is_full() { tracectl status | grep -q 'disk full'; }
wait_until is_full
try full_status tracectl status
try nobody as_nobody record -o /dev/shm/b.trace -- ls
try nobody_stop as_nobody stop
try no_process tracectl record -p 99999 -o /dev/shm/c.trace
try no_command tracectl record -o /dev/shm/c.trace -- /nowhere/program
try no_memory tracectl record --subbuf-size 64M --subbuf-count 64 -o /dev/shm/c.trace -- ls
echo 0 >/sys/kernel/debug/kprobes/enabled
try no_kprobes tracectl record -o /job/no-kprobes.trace -- ls
echo 1 >/sys/kernel/debug/kprobes/enabled
rmmod tracectl
try no_module tracectl start -o /dev/shm/c.trace
try no_module_stop tracectl stop
"""

CASES = {
    # name: (exit code, what the sentence says)
    "full": (1, "No space left on device"),
    "full_start": (0, "recording into"),
    "full_status": (0, "disk full"),
    "nobody": (3, "no permission to open /dev/tracectl; only root may"),
    "nobody_stop": (3, "no permission to open /dev/tracectl"),
    "no_process": (1, "no process 99999"),
    "no_command": (127, "command not found"),
    "no_memory": (2, "--subbuf-size"),
    "no_kprobes": (0, "events"),
    "no_module": (3, "module is not loaded"),
    "no_module_stop": (3, "module is not loaded"),
}


def check(job, name: str, code: int, words: str) -> None:
    """Of what ``try NAME`` left."""
    said = (job / name).read_text()
    assert "Traceback" not in said
    lines = [line for line in said.splitlines() if line.startswith(("tracectl", "last"))]
    assert int((job / f"{name}.code").read_text()) == code, (name, lines)
    assert any(words in line for line in lines), (name, lines)


def test_everything_that_goes_wrong_is_a_sentence(guest, workload, tmp_path):
    script = TRY + SCRIPT.replace("{program}", workload("getppid_threads"))
    code = guest(script)
    assert code == 0, (tmp_path / "out").read_text()
    for name, (code, words) in CASES.items():
        check(tmp_path, name, code, words)
    with open_capture(tmp_path / "full.trace") as capture:
        assert list(capture.iter_chunks())
    with open_capture(tmp_path / "no-kprobes.trace") as capture:
        assert capture.end is not None
        assert any(cpu.generated[Kind.OPEN_HOW] for cpu in capture.end.cpus)
    told = subprocess.run(
        [sys.executable, "-m", "tracectl", "report", tmp_path / "full.trace"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr


def test_ftrace_that_is_switched_off_is_named(guest, tmp_path):
    if guest(TRY + NO_FTRACE) == 77:
        pytest.skip("ftrace cannot be switched off by kernel.ftrace_enabled on this kernel")
    for name in ("names_and_how", "names"):
        check(tmp_path, name, 3, "kernel.ftrace_enabled=1")
