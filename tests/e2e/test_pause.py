"""Calls that are under way while a session pauses, in a guest with the real module."""

from __future__ import annotations

import json

import pytest

from tool import calls_of, tracectl

pytestmark = pytest.mark.guest

SCRIPT = """
set -e
cd /tmp
mkfifo one two
exec 3<>one 4<>two
in_read() { grep -q "^{read} " "/proc/$1/syscall"; }
tracectl start -o /job/a.trace
head -c1 <one >/dev/null & first=$!
head -c1 <two >/dev/null & second=$!
wait_until in_read $first
wait_until in_read $second
tracectl pause
echo >&3
wait $first
{flood} 1000 4
tracectl resume
{flood} 500 4
echo >&4
wait $second
tracectl stop
echo $first $second >/job/readers
"""


def test_a_pause_leaves_out_what_is_made_meanwhile_and_nothing_else(
    guest, workload, table, tmp_path
):
    script = SCRIPT.replace("{flood}", workload("getppid_threads"))
    script = script.replace("{read}", str(table.by_name("read").nr))
    assert guest(script) == 0, (tmp_path / "out").read_text()
    capture = tmp_path / "a.trace"
    facts = json.loads(tracectl("verify", "--json", capture))
    assert facts["whole"], facts["faults"]
    on_each_cpu = [call for call in facts["calls"] if call["syscall"] == "getppid"]
    for what, count in {"made": 500, "recorded": 500, "lost": 0}.items():
        assert sum(call[what] for call in on_each_cpu) == count, what

    last = {}
    for line in calls_of(capture, "-e", "read", "--comm", "head"):
        last[line["tid"]] = line
    first, second = map(int, (tmp_path / "readers").read_text().split())
    # The one ended while nobody looked; of the other only the middle was not seen.
    assert last[first]["result"] is None
    assert last[second]["result"] == 1
