"""What tracectl prints is what strace prints: docs/strace.md and docs/strace-calls.md."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lines import Line, count_same, differences, is_same, parse_strace, parse_tracectl

pytestmark = pytest.mark.guest
DOCS = Path(__file__).parents[2] / "docs"
# strace's own name of a difference, and why it stays.
REASONS = {
    "futex": "the operation of FUTEX_WAKE_OP is one number",
    "ioprio_get": "a priority is one number",
    "kcmp": "what is behind the descriptors of two processes is not told",
    "personality": "its result is a number",
    "prctl": "SUID_DUMP_USER is in no header any more",
    "syscall_999": "strace writes the number of an unknown call in hexadecimal",
}
PROGRAMS = {
    "ls -lR /etc": ("", "ls -lR /etc"),
    "python3 -c 'import json'": ("", "$python -c 'import json'"),
    "git clone": (
        "rm -rf /tmp/copy",
        "git clone -q /tmp/origin /tmp/copy",
    ),
    "curl": ("", "curl -s -o /dev/null http://127.0.0.1:8000/"),
}
HEAD = """\
# Call by call with strace

Written by `tests/e2e/test_lines.py` (with `RENEW=1`), which runs `tests/workloads/calls.c` in
a guest under `tracectl record --files` and under `strace -y`, and compares the lines of both:
{count} calls of {names} system calls. Addresses are left out, and numbers that change each time.

- {equal} are **equal**;
- {memory} are equal but for what strace reads from the **memory** of the program, where tracectl
  has the address unless it was told to read that, too;
- {different} differ, and why is said.

| `tracectl print -y` | strace |
|---|---|
"""
SETUP = """
export HOME=/tmp GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
git config --global safe.directory '*'
git init -q /tmp/origin && cp -r /etc/default /etc/security /tmp/origin
git -C /tmp/origin add . && git -C /tmp/origin commit -q -m first
$python -m http.server -b 127.0.0.1 -d /tmp/origin 8000 >/dev/null 2>&1 &
wait_until curl -s -o /dev/null http://127.0.0.1:8000/
"""


def _compare(tmp_path, name):
    command = [sys.executable, "-m", "tracectl", "print", "-y", tmp_path / f"{name}.trace"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    with (tmp_path / f"{name}.strace").open(errors="surrogateescape") as log:
        return parse_tracectl(printed.splitlines()), parse_strace(log)


def test_lines_are_those_of_strace(guest, workload, series, tmp_path):
    if series != "6.1":
        pytest.skip("what calls return is in the document, and that is 6.1's")
    program = workload("calls")
    runs = {"calls": ("rm -rf /tmp/calls; mkdir /tmp/calls", f"{program} /tmp/calls")}
    runs |= {f"program{at}": run for at, run in enumerate(PROGRAMS.values())}
    script = "set -e" + SETUP
    for name, (before, command) in runs.items():
        for tool in (f"tracectl record -q --files -o /job/{name}.trace --",
                     f"strace -f -y -s 4096 -q -o /job/{name}.strace"):  # fmt: skip
            script += f"{before}\n{tool} {command} >/job/{name}.out\n"
    assert guest(script, boot=("norandmaps",)) == 0, (tmp_path / "out").read_text()
    shares = _shares(tmp_path)
    calls = _table(*_compare(tmp_path, "calls"))
    if os.environ.get("RENEW"):
        (DOCS / "strace-calls.md").write_text(calls)
        print(shares)
    assert calls == (DOCS / "strace-calls.md").read_text()


def _shares(tmp_path) -> str:
    text = ""
    for at, name in enumerate(PROGRAMS):
        same, total, missing = count_same(*_compare(tmp_path, f"program{at}"))
        (tmp_path / f"missing{at}").write_text("\n".join(missing))
        text += f"| `{name}` | {total} | {same} | {100 * same / total:.1f} % |\n"
        assert same >= 0.9 * total, text
    return text


def _table(ours, theirs) -> str:
    own, wanted = ours["0"], theirs["0"]
    start = next(at for at, line in enumerate(own) if line.name == "chdir")
    other = next(at for at, line in enumerate(wanted) if line.name == "chdir")
    rows, unexplained = [], []
    for mine, its in zip(own[start:], wanted[other:], strict=True):
        assert mine.name == its.name or "syscall" in mine.name, (mine, its)
        what = "" if is_same(mine, its) else "; ".join(differences(mine, its))
        if what and mine.name not in REASONS:
            unexplained.append(f"{mine} | {its}")
        rows.append((mine, its, what))
    assert not unexplained, "\n".join(unexplained)
    return _document(rows)


def _document(rows: list[tuple[Line, Line, str]]) -> str:
    equal = sum(mine == its for mine, its, _ in rows)
    different = sum(bool(what) for *_, what in rows)
    names = len({mine.name for mine, *_ in rows})
    lines = [
        HEAD.format(count=len(rows), names=names, equal=equal, different=different,
                    memory=len(rows) - equal - different)
    ]  # fmt: skip
    for mine, its, what in rows:
        verdict = what or ("equal" if mine == its else "memory")
        if what:
            verdict += f": {REASONS[mine.name]}"
        line = str(mine).replace("|", "\\|")
        lines.append(f"| `{line}` | {verdict.replace('|', chr(92) + '|')} |\n")
    return "".join(lines)
