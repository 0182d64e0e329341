"""The same program under tracectl and, in a second guest, under strace: docs/strace.md."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from strace import align, parse_strace, parse_tracectl

pytestmark = pytest.mark.guest
PIPELINE = Path(__file__).parents[1] / "workloads" / "pipeline.sh"


def test_strace_sees_the_same_calls(guest, tmp_path):
    # arm64's loader trims libraries to 64 KiB: how often depends on where they come to lie.
    boot = ("norandmaps",)
    assert guest(f"tracectl record -o /job/a.trace -- sh {PIPELINE}", boot=boot) == 0
    # -q: no lines about strace itself; 4096: no name is cut.
    assert guest(f"strace -f -q -s 4096 -o /job/strace.log sh {PIPELINE}", boot=boot) == 0
    printed = subprocess.run(
        [sys.executable, "-m", "tracectl", "print", "--json", tmp_path / "a.trace"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    ours = align(parse_tracectl(printed.splitlines()))
    with (tmp_path / "strace.log").open() as log:
        theirs = align(parse_strace(log))
    assert len(theirs) == 9
    assert any(call.opened == "/etc/passwd" for calls in theirs.values() for call in calls)
    assert ours.keys() == theirs.keys()
    for place, calls in theirs.items():
        assert ours[place] == calls, f"thread {place}"
