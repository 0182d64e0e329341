"""User memory that arguments point to, as strace shows it."""

from __future__ import annotations

import json
import re

import pytest

from tool import tracectl

pytestmark = pytest.mark.guest
# What differs from run to run, or by strace's own rules: addresses, dates as comments, the pid that
# is waited for, a flag that is 0.
_VARYING = re.compile(r"0x[0-9a-f]{5,}| /\* [-0-9T:.+]+ \*/|AT_STATX_SYNC_AS_STAT\||^\d{2,}(?=, )")
_NOT_COMPARED = frozenset({"clone", "exit_group"})
_LINE = re.compile(r"(\w+)\((.*)\) += ")


def _comparable(calls: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those after getppid, with flags in the order of their names: strace has orders of its own."""
    first = [name for name, _ in calls].index("getppid")
    flags = re.compile(r"\w+(?:\|\w+)+")
    return [
        (
            name,
            flags.sub(
                lambda match: "|".join(sorted(match[0].split("|"))), _VARYING.sub("", arguments)
            ),
        )
        for name, arguments in calls[first:]
        if name not in _NOT_COMPARED
    ]


def test_structures_and_buffers_are_those_that_strace_shows(guest, workload, tmp_path):
    program = workload("structs", "gcc", "-static")
    code = guest(
        f"tracectl record --structs --payload 32 -o /job/a.trace -- {program} && "
        f"rm -f /dev/shm/structs && strace -o /job/strace.log {program}"
    )
    assert code == 0, (tmp_path / "out").read_text()
    tracectl("verify", tmp_path / "a.trace")
    log = (tmp_path / "strace.log").read_text()
    theirs = [match.groups() for match in map(_LINE.match, log.splitlines()) if match]
    calls = [
        json.loads(line) for line in tracectl("print", "--json", tmp_path / "a.trace").splitlines()
    ]
    (tid,) = {call["tid"] for call in calls if call["name"] == "getppid"}
    mine = [call for call in calls if call["tid"] == tid and call["arguments"] is not None]
    ours = [(call["name"], call["arguments"]) for call in mine]
    assert _comparable(ours) == _comparable(theirs)
    assert len(_comparable(ours)) > 50
    _check_marks(mine)


def _check_marks(calls: list[dict]) -> None:
    """What is from user memory says so, and what was not there is no empty string."""
    memory = [(call, one) for call in calls for one in call["memory"]]
    assert {one["source"] for _, one in memory} == {"user-copy"}
    faulted = [(call, one) for call, one in memory if one["faulted"]]
    assert [call["name"] for call, _ in faulted] == ["nanosleep", "rt_sigprocmask", "write"]
    assert all(call["result"] == -14 for call, _ in faulted)
    assert all(one["bytes"] == 0 and '""' not in call["arguments"] for call, one in faulted)
    assert any(one["truncated"] and one["bytes"] == 32 for _, one in memory)
