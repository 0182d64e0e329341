"""Paths that the kernel used, each on the argument it was."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tool import calls_of

pytestmark = pytest.mark.guest
CALLS = 20_000
SOURCE = Path(__file__).parents[1] / "workloads" / "paths.c"
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')


def test_each_path_is_on_its_argument(guest, workload, table, tmp_path):
    program = workload("paths")
    code = guest(
        "mkdir /dev/shm/a && "
        f"tracectl record -o /job/all.trace -- {program} /dev/shm/a && "
        "mkdir /dev/shm/b && "
        f"tracectl record --no-paths -o /job/none.trace -- {program} /dev/shm/b"
    )
    assert code == 0, (tmp_path / "out").read_text()
    named = re.findall(r"\t(?:DO|OLD)\((\w+), ", SOURCE.read_text())
    made = {name for name in named if table.by_name(name)}
    calls = {call["name"]: call for call in calls_of(tmp_path / "all.trace")}
    for name in made - {"truncate"}:
        count = 2 if f'"{name}.b"' in SOURCE.read_text() else 1
        expected = [f"{name}.a", f"{name}.b"][:count]
        assert STRING.findall(calls[name]["arguments"]) == expected, calls[name]
    truncated = [call["paths"] for call in calls_of(tmp_path / "all.trace", "-e", "truncate")]
    assert truncated == [["truncate.a"], [("./" * 2048)[:4095]]]
    without = calls_of(tmp_path / "none.trace")
    assert {call["name"] for call in without if call["paths"]} <= {"open", "openat", "execve"}
    for name in ("all", "none"):
        command = [sys.executable, "-m", "tracectl", "verify", str(tmp_path / f"{name}.trace")]
        subprocess.run(command, check=True)


RACED = {
    "open": ["openat"],
    "execve": ["execve"],
    "unlink": ["unlink", "unlinkat"],
    "rename": ["rename", "renameat2"],
}
"""The first that the machine has."""


@pytest.mark.parametrize("name", RACED)
def test_a_racing_writer_changes_no_name(guest, workload, table, tmp_path, name):
    program = workload("racing_names")
    code = guest(
        f"tracectl record --detect-toctou -o /job/race.trace -- {program} {name} {CALLS} /dev/shm "
        "/job/truth",
        thread_a_cpu=True,
    )
    assert code == 0, (tmp_path / "out").read_text()
    truth = (tmp_path / "truth").read_text()
    raced = next(one for one in RACED[name] if table.by_name(one))
    lines = calls_of(tmp_path / "race.trace", "-e", raced)
    paths = [line["paths"][0] for line in lines if line["paths"]]
    # unlink() of the file that was moved is no race, nor is the opening that makes a file.
    letters = [
        path[-1]
        for path, line in zip(paths, [line for line in lines if line["paths"]], strict=True)
        if path.startswith("/dev/shm/race_") and "O_CREAT" not in (line["arguments"] or "")
    ]
    assert len(set(truth) - {"?"}) == 2, "nothing raced"
    wrong = sum(a != b for a, b in zip("".join(letters), truth, strict=True) if b != "?")
    assert wrong == 0
    assert truth.count("?") < len(truth) // 10
    _check_divergences(tmp_path / "race.trace", lines)


def _check_divergences(path: Path, lines: list[dict]) -> None:
    """Calls were entered with another name than the one that they used, and that is told."""
    diverged = [line for line in lines if line["divergences"]]
    assert diverged
    for line in diverged:
        ((entered, used),) = line["divergences"]
        assert used == line["paths"][0] != entered
        assert f'"{used}" /* at entry "{entered}" */' in line["arguments"]
        assert {entered[:-1], used[:-1]} == {"/dev/shm/race_"}
    command = [sys.executable, "-m", "tracectl", "report", "--json", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)["divergences"]
    assert sum(one["calls"] for one in told) >= len(diverged)
    subprocess.run([sys.executable, "-m", "tracectl", "verify", str(path)], check=True)
