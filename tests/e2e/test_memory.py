"""User memory that arguments point to, as strace shows it."""

from __future__ import annotations

import json
import re

import pytest

from tool import tracectl

pytestmark = pytest.mark.guest
# What differs from run to run, or by strace's own rules: addresses, dates as comments, the pid that
# is waited for, a flag that is 0, the request of a driver that chose the same number.
_VARYING = re.compile(
    r"0x[0-9a-f]{5,}| /\* [-0-9T:.+]+ \*/|AT_STATX_SYNC_AS_STAT\||SNDCTL_\w+ or |^\d{2,}(?=, )|"
    # 7.2 does not come to this path.
    r'""(?=, (?:AT_STATX_SYNC_AS_STAT\|)?AT_EMPTY_PATH)'
)
# As strace shows what an event is to carry from 6.2 on.
_EVENT_DATA = re.compile(r"data=0x([0-9a-f]+)")
_NOT_COMPARED = frozenset({"clone", "exit_group"})
_LINE = re.compile(r"(\w+)\((.*)\) += (.*)")
# What poll and select found, but for the time that was left.
_ANSWER = re.compile(r" \(((?:\[|in ).*?)(?:, left [^)]*)?\)$")


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


def _both_data(match: re.Match[str]) -> str:
    data = int(match[1], 16)
    return f"data={{u32={data & 0xFFFFFFFF}, u64={data}}}"


def test_structures_and_buffers_are_those_that_strace_shows(guest, workload, tmp_path):
    program = workload("structs", "-static")
    code = guest(
        f"tracectl record --structs --payload 32 -o /job/a.trace -- {program} && "
        f"rm -f /dev/shm/structs && strace -o /job/strace.log {program}"
    )
    assert code == 0, (tmp_path / "out").read_text()
    tracectl("verify", tmp_path / "a.trace")
    log = (tmp_path / "strace.log").read_text()
    lines = [match.groups() for match in map(_LINE.match, log.splitlines()) if match]
    theirs = [(name, _EVENT_DATA.sub(_both_data, arguments)) for name, arguments, _ in lines]
    calls = [
        json.loads(line) for line in tracectl("print", "--json", tmp_path / "a.trace").splitlines()
    ]
    (tid,) = {call["tid"] for call in calls if call["name"] == "getppid"}
    mine = [call for call in calls if call["tid"] == tid and call["arguments"] is not None]
    ours = [(call["name"], call["arguments"]) for call in mine]
    assert _comparable(ours) == _comparable(theirs)
    assert len(_comparable(ours)) > 80
    _check_marks(mine)
    _check_answers(tracectl("print", "--tid", tid, tmp_path / "a.trace"), lines)


def _check_answers(printed: str, theirs: list[tuple[str, str, str]]) -> None:
    """What was found, and that the time which was left is told where strace tells it."""
    ours = [match.groups() for match in map(_LINE.match, printed.splitlines()) if match]
    found = [
        [(name, _ANSWER.sub(r" \1", end), "left {tv_sec=" in end) for name, _, end in lines
         if name in ("poll", "ppoll", "select", "pselect6")]
        for lines in (ours, theirs)
    ]  # fmt: skip
    assert found[0] == found[1]
    assert any(is_left for *_, is_left in found[0])


def _check_marks(calls: list[dict]) -> None:
    """What is from user memory says so, and what was not there is no empty string."""
    memory = [(call, one) for call in calls for one in call["memory"]]
    assert {one["source"] for _, one in memory} == {"user-copy"}
    faulted = [(call, one) for call, one in memory if one["faulted"]]
    assert [call["name"] for call, _ in faulted] == [
        "nanosleep",
        "rt_sigprocmask",
        "write",
        "fcntl",
    ]
    assert all(call["result"] == -14 for call, _ in faulted)
    assert all(one["bytes"] == 0 and '""' not in call["arguments"] for call, one in faulted)
    assert any(one["truncated"] and one["bytes"] == 32 for _, one in memory)
