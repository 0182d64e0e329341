"""What a new image was started with, from its own memory."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tool import calls_of

pytestmark = pytest.mark.guest
NUMBERS = [str(number) for number in range(2000)]
JOB = f"""\
/bin/echo one 'two "three"' '' >/dev/null
/job/script four
/bin/true {" ".join(NUMBERS)}
/usr/bin/env -i /bin/true
/bin/missing five
exit 0
"""


def test_arguments_of_new_images(guest, tmp_path):
    (tmp_path / "script").write_text("#!/bin/sh -e\nexit 0\n")
    (tmp_path / "script").chmod(0o755)
    (tmp_path / "job").write_text(JOB)
    code = guest("tracectl record -o /job/a.trace -- sh /job/job")
    assert code == 0, (tmp_path / "out").read_text()
    command = [sys.executable, "-m", "tracectl", "verify", str(tmp_path / "a.trace")]
    subprocess.run(command, check=True)
    lines = calls_of(tmp_path / "a.trace", "-e", "execve")
    done = [line["arguments"] for line in lines if line["result"] == 0]
    _, echo, script, many, _, empty = done
    assert echo.startswith(r'"/bin/echo", ["/bin/echo", "one", "two \"three\"", ""], 0x')
    assert echo.endswith(" vars */")
    # A script's are its interpreter's: what really runs.
    assert script.startswith('"/job/script", ["/bin/sh", "-e", "/job/script", "four"], 0x')
    _check_cut(many)
    assert empty.startswith('"/bin/true", ["/bin/true"], 0x')
    assert empty.endswith("/* 0 vars */")
    failed = [line["arguments"] for line in lines if line["result"] == -2][-1]
    assert failed.startswith('"/bin/missing", 0x')


def _check_cut(arguments: str) -> None:
    kept, end = arguments.removeprefix('"/bin/true", ').rsplit(", ...], ", 1)
    assert end.startswith("0x")
    *whole, cut = json.loads(kept.removesuffix("...") + "]")
    assert whole == ["/bin/true", *NUMBERS][: len(whole)]
    assert NUMBERS[len(whole) - 1].startswith(cut)
    assert 4094 <= sum(len(text) + 1 for text in [*whole, cut]) <= 4096
