"""What can be pulled away from under the interactive view, which then says so and stays, in a
guest."""

from __future__ import annotations

import shutil

import pytest

from terminal import TERMINAL

pytestmark = [pytest.mark.guest, pytest.mark.slow]

SCRIPT = (
    TERMINAL
    + r"""
cpu=/sys/devices/system/cpu/cpu1/online
terminal
shows 'nothing is traced; c starts something'
rmmod tracectl
shows 'the module is not loaded'
insmod /job/tracectl.ko
shows 'nothing is traced; c starts something'

tracectl start --flight 4M --subbuf-size 64K 2>/job/said
shows '● tracing'
shows ' CPU 1 '
rmmod tracectl 2>/job/busy && exit 10
echo 0 >$cpu
shows 'offline'
echo 1 >$cpu
shows_no_more 'offline'
resize 20 5
press 2 3 4 5 6 7
shows 'esc Back /'
resize 80 24
shows '> Events'
press 1
tracectl stop 2>/job/said
shows '○ idle'

tracectl start -o /job/killed.trace 2>/job/said
shows '● tracing'
kill -9 $(recorder_pid)
shows 'its recorder died'

tracectl start -o /job/cut.trace 2>/job/said
shows '● tracing'
busiest '[a-z]'
truncate -s 1000 /job/cut.trace
shows 'while it was read'
press 2 Enter
shows '> Syscalls > '
leave '> Syscalls > '
press 1
shows '> Overview'
shows 'while it was read'
tracectl stop 2>/job/said
shows '○ idle'
press q
ended_with 0
"""
)


def test_what_is_pulled_away_is_said(guest, kernel, tmp_path):
    from tracectl.vm.build import module_for

    shutil.copy(module_for(kernel), tmp_path / "tracectl.ko")
    code = guest(SCRIPT)
    assert code == 0, (tmp_path / "out").read_text()
    assert "is in use" in (tmp_path / "busy").read_text()
