"""What goes wrong in a session ends in a sentence and an exit code, in a guest with the module."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tracectl.capture.reader import open_capture

pytestmark = pytest.mark.guest

# try NAME COMMAND...: its output and exit code into /job/NAME and /job/NAME.code
SCRIPT = """
try() { name=$1; shift; "$@" >"/job/$name" 2>&1; echo $? >"/job/$name.code"; }
as_nobody() { {python} -c '
import encodings.ascii, grp, os, sys
from tracectl.cli.main import COMMANDS, build_parser, main
# Imported before: the interpreter may be in a home directory of root.
build_parser(COMMANDS)
os.setgroups([])
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
sys.exit(main())' "$@"; }

mkdir /dev/shm/full && mount -t tmpfs -o size=256k full /dev/shm/full
try full tracectl record --no-compress --subbuf-size 16K -o /dev/shm/full/a.trace -- ls -lR /etc
cp /dev/shm/full/a.trace /job/full.trace
try full_start tracectl start --no-compress --subbuf-size 16K -o /dev/shm/full/a.trace
ls -lR /etc >/dev/null
for second in 1 2 3 4 5; do tracectl status | grep 'disk full' && break; done
try full_status tracectl status
try nobody as_nobody record -o /dev/shm/b.trace -- ls
try nobody_stop as_nobody stop
try no_process tracectl record -p 99999 -o /dev/shm/c.trace
try no_command tracectl record -o /dev/shm/c.trace -- /nowhere/program
try no_memory tracectl record --subbuf-size 64M --subbuf-count 64 -o /dev/shm/c.trace -- ls
# 7.3 has no such switch any more.
if sysctl -q kernel.ftrace_enabled=0; then
	try no_ftrace tracectl record -o /dev/shm/c.trace -- ls
	try no_ftrace_names tracectl record --no-open-how -o /dev/shm/c.trace -- ls
	sysctl -q kernel.ftrace_enabled=1
fi
echo 0 >/sys/kernel/debug/kprobes/enabled
try no_kprobes tracectl record -o /dev/shm/c.trace -- ls
try without_kprobes tracectl record --no-open-how -o /dev/shm/c.trace -- ls
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
    "no_ftrace": (3, "kernel.ftrace_enabled=1"),
    "no_ftrace_names": (3, "kernel.ftrace_enabled=1"),
    "no_kprobes": (3, "kprobes are switched off"),
    "without_kprobes": (0, "events"),
    "no_module": (3, "module is not loaded"),
    "no_module_stop": (3, "module is not loaded"),
}


def test_everything_that_goes_wrong_is_a_sentence(guest, tmp_path):
    guest(SCRIPT.replace("{python}", sys.executable))
    seen = {}
    is_switchless = not (tmp_path / "no_ftrace").exists()
    assert not is_switchless or "kernel.ftrace_enabled" in (tmp_path / "out").read_text()
    for name in CASES:
        if is_switchless and name.startswith("no_ftrace"):
            continue
        said = (tmp_path / name).read_text()
        assert "Traceback" not in said
        lines = [line for line in said.splitlines() if line.startswith(("tracectl", "last"))]
        seen[name] = (int((tmp_path / f"{name}.code").read_text()), lines)
    for name, (exit_code, lines) in seen.items():
        code, words = CASES[name]
        assert exit_code == code, (name, lines)
        assert any(words in line for line in lines), (name, lines)
    with open_capture(tmp_path / "full.trace") as capture:
        assert list(capture.iter_chunks())
    told = subprocess.run(
        [sys.executable, "-m", "tracectl", "report", tmp_path / "full.trace"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
