"""The interactive view against the real module, as one sits before it: in a terminal in a guest."""

from __future__ import annotations

import json

import pytest

from terminal import TERMINAL
from tool import calls_of, tracectl

pytestmark = [pytest.mark.guest, pytest.mark.slow]

SCRIPT = (
    TERMINAL
    + r"""
# The view runs its commands as any other program does.
is_over() { ! pgrep -f "^$python -m [t]racectl $1 "; }
asks() { has 'Enter does it' && has "$1"; }
# The entry with the title TEXT of the menu, after so many others.
choose() {
	press c
	shows 'What shall be done?'
	press $(yes Down | head -n "$1") Enter
	until_screen asks "$2"
}
# Until the menu has TEXT: what a command has done is known when it has ended.
until_menu() {
	press c
	shows 'What shall be done?'
	menu=$screen
	leave 'What shall be done?'
	case $menu in *"$1"*) ;; *) until_menu "$1" ;; esac
}
terminal
shows 'nothing is traced; c starts something'
choose 0 'Watch: start a flight recorder'
# The fewer sub-buffers there are, the less often the view asks for one that is part-filled.
answer 'start --flight 4M --subbuf-size 64K'
shows '● tracing'
stress-ng --quiet --getrandom 1 --timeout 0 &
stress=$!
busiest getrandom
# The view's own commands would have to share the CPU with it.
pkill -STOP stress-ng

choose 1 'Trace only some calls'
answer 'filter -e getrandom'
wait_until is_over filter
until_menu 'filter -e getrandom'
pkill -CONT stress-ng
busiest getrandom
pkill -STOP stress-ng

press p
shows '‖ paused'
press u
shows 'uevents'
echo change >/sys/class/mem/null/uevent
press 7
shows 'change mem /devices/virtual/mem/'
press Enter
shows 'DEVNAME=/dev/null'
leave 'DEVNAME=/dev/null'
shows 'view held'
press Space
shows_no_more 'view held'

choose 3 'Write what the recorder holds'
answer 'snapshot /job/seen.trace'
wait_until test -s /job/seen.trace
wait_until is_over snapshot
choose 4 'Ends the session of'
press Enter
shows '○ idle'

choose 2 'Count only'
press Enter
shows '● tracing'
pkill -CONT stress-ng
press 2
busiest getrandom
press 3
shows 'the session only counts system calls'
choose 3 'its counts are gone then'
press Enter
shows '○ idle'

press q
kill $stress
ended_with 0
rmmod tracectl
"""
)


def test_a_session_from_the_screen(guest, tmp_path):
    code = guest(SCRIPT, smp=1)
    assert code == 0, (tmp_path / "out").read_text()
    verified = json.loads(tracectl("verify", "--json", tmp_path / "seen.trace"))
    assert verified["whole"], verified
    # Since it was filtered no other call has begun; rt_sigreturn ends without a number.
    newest = calls_of(tmp_path / "seen.trace")[-1000:]
    assert {call["name"] for call in newest if call["entry_ns"] is not None} == {"getrandom"}
