"""What the screen can do to the tracer, and the uevents that it shows, without a kernel module: the
commands themselves run in a guest, in tests/e2e/test_tui.py."""

from __future__ import annotations

import shlex

from textual import events

from tracectl.cli.main import build_parser
from tracectl.kernel.events import DeviceEvent
from tracectl.kernel.filter import Terms
from tracectl.live.capture import CaptureSource
from tracectl.live.situation import Situation
from tracectl.live.worker import Worker
from tracectl.tui.actions import actions_for, command_for_cpus
from tracectl.tui.devices import TimelineRows
from tracectl.tui.dialogs import AskDialog, CpusDialog
from tracectl.tui.found import FoundRows, Search
from tracectl.tui.lines import Lines
from tracectl.tui.sieve import Sieve

TERMS = Terms(comm="my program", cpus=frozenset({1}))
SITUATIONS = [
    Situation("not loaded"),
    Situation("idle"),
    Situation("armed", 1, is_flight=True, owner="x", terms=TERMS, online=(0, 1, 2)),
    Situation("tracing", 1, is_counting=True, owner="x", online=(0, 1)),
    Situation("tracing", 1, file="/a.trace", owner="x", online=(0, 1)),
]


def test_every_action_is_a_command_line():
    for situation in SITUATIONS:
        actions = actions_for(situation)
        assert actions
        for action in actions:
            words = shlex.split(action.command)
            build_parser(words[:1]).parse_args(words)
    assert not [one for one in actions_for(SITUATIONS[3]) if "snapshot" in one.command]


def test_cpus_are_chosen_beside_all_other_terms():
    situation = SITUATIONS[2]
    assert situation.chosen == (1,)
    assert command_for_cpus(situation, [0, 2]) == "filter --comm 'my program' --cpus 0,2"
    assert command_for_cpus(situation, [0, 1, 2]) == "filter --comm 'my program'"


def test_a_line_takes_keys_in_their_order_however_fast_they_come(drive):
    answers = []

    async def steps(driver):
        driver.app.push_screen(AskDialog("Title", "tracectl", "start"), answers.append)
        await driver.shows("Enter does it")
        keys = ["ctrl+u", *"stopped", "backspace", "backspace", "enter"]
        for key in keys:
            driver.app.post_message(events.Key(key, key if len(key) == 1 else None))
        await driver.wait(lambda: answers)

    drive(steps)
    assert answers == ["stopp"]


def test_cpus_are_turned_on_and_off_with_the_keyboard(drive):
    answers = []

    async def steps(driver):
        driver.app.push_screen(CpusDialog("CPUs", range(4), [0, 1, 3]), answers.append)
        await driver.shows("Space turns a CPU on or off")
        await driver.press("down", "space", "down", "space", "enter")
        await driver.wait(lambda: answers)
        driver.app.push_screen(CpusDialog("CPUs", range(2), [0]), answers.append)
        await driver.press("space", "enter")
        await driver.wait(lambda: "no CPU is left" in driver.said())
        await driver.press("escape")

    drive(steps)
    assert answers == ["0,2,3", None]


def test_uevents_stand_between_the_calls_by_time(capture):
    source = CaptureSource(capture)
    worker = Worker(lambda: source)
    worker._read_for(60)
    worker._publish(None)
    view, facts = worker.view, worker.facts
    lines = Lines(facts)
    calls = FoundRows(view, Search(facts, Sieve()).find(view), lines)
    times = [int(page.time_ns[at]) for page, at in map(calls.at, range(len(calls)))]
    offset_ns = facts.moments[0].trace_ns - facts.moments[0].mono_ns
    events = [
        DeviceEvent(time_ns - offset_ns, "add", "block", f"/devices/{number}", {})
        for number, time_ns in enumerate((0, times[100], times[100], times[-1] + 1))
    ]
    rows = TimelineRows(calls, events, facts, lines)
    assert len(rows) == len(calls) + 4
    found = [place for place in range(len(rows)) if rows.event_at(place)]
    assert found == [0, 101, 102, len(rows) - 1]
    shown = [time for place in range(len(rows)) if (time := _time_of(rows, place, offset_ns))]
    assert shown == sorted(shown)
    for place in (0, 5, 101, 103, 500, len(rows) - 1):
        if place != 101:
            assert rows.find(rows.key(place)) == place
    assert rows.cells(101, [15, 10, 7, 40, 8])[3][0] == "add block /devices/1"
    worker.close()


def _time_of(rows, place, offset_ns):
    call = rows.call_at(place)
    if call is None:
        return rows.event_at(place).mono_ns + offset_ns
    return int(call[0].time_ns[call[1]])


def test_uevents_are_not_of_a_capture(drive):
    async def steps(driver):
        await driver.press("u")
        await driver.wait(lambda: "has no uevents" in driver.said())

    drive(steps)
