"""Every screen and every key, on a capture that is always the same."""

from __future__ import annotations

import csv
import gc
import json
import os
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from textual.widget import Widget

from tracectl.analysis.calls import State
from tracectl.analysis.merge import read_calls
from tracectl.capture.reader import open_capture
from tracectl.tables.table import load_table
from tracectl.tui.grid import Grid

SNAPSHOTS = Path(__file__).parent / "snapshots"
SIZES = {"80x24": (80, 24), "200x60": (200, 60)}
SCREENS = {
    "overview": ["1"],
    "syscalls": ["2"],
    "processes": ["3"],
    "process": ["3", "end", "enter"],
    "files": ["4"],
    "errors": ["5"],
    "latency": ["6"],
    "events": ["7"],
    "detail": ["7", "slash", *"/etc", "enter", "enter"],
    "help": ["question_mark"],
}


@pytest.mark.parametrize("size", SIZES)
def test_screens_are_what_they_were(drive, size):
    """TRACECTL_SNAPSHOTS=write renews them; then look at what git says."""

    async def steps(driver):
        for name, keys in SCREENS.items():
            path = SNAPSHOTS / f"{name}-{size}.txt"
            await driver.press(*keys)
            await driver.pilot.pause(0.1)
            if os.environ.get("TRACECTL_SNAPSHOTS") == "write":
                path.write_text(driver.text())
            assert driver.text() == path.read_text(), name

    drive(steps, SIZES[size])


def test_a_path_stands_above_and_leads_back(drive):
    async def steps(driver):
        await driver.press("2", "enter")
        await driver.shows("machine.trace > Syscalls > futex")
        await driver.press("enter")
        await driver.shows("Syscalls > futex > Call")
        await driver.press("escape", "escape")
        await driver.shows("machine.trace > Syscalls ")
        await driver.press("escape")
        await driver.shows("machine.trace > Overview ")
        await driver.press("escape")
        await driver.shows("machine.trace > Overview ")

    drive(steps)


def test_each_table_of_the_overview_opens(drive):
    async def steps(driver):
        for tables, expected in enumerate(
            ("Overview > futex", "Overview > nginx 300", "> Files", "> Errors")
        ):
            await driver.press("1", *["tab"] * tables, "enter")
            await driver.shows(expected)

    drive(steps)


def test_enter_leads_to_the_calls(drive):
    async def steps(driver):
        for keys, expected in (
            (["4", "enter"], "openat(AT_FDCWD"),
            (["5", "enter"], "EAGAIN of read"),
            (["6", "enter"], " calls"),
            (["3", "end", "enter", "enter"], 'newfstatat(AT_FDCWD, "/etc'),
        ):
            await driver.press(*keys)
            await driver.shows(expected)
            assert "no call gets through" not in driver.text()

    drive(steps)


def test_order_goes_through_the_columns(drive):
    async def steps(driver):
        await driver.press("2")
        await driver.shows("time▾")
        await driver.press("O", "O")
        await driver.shows("calls▾")
        grid = driver.app.screen.query_one(Grid)
        assert driver.text().splitlines()[4].startswith("getppid ")
        await driver.press("o")
        await driver.shows("errors▾")
        assert grid.sort == "errors"
        await driver.pilot.click(grid, offset=(22, 0))
        await driver.shows("calls/s▾")

    drive(steps)


def test_the_mouse_chooses_and_opens(drive):
    async def steps(driver):
        await driver.press("2")
        grid = driver.app.screen.query_one(Grid)
        await driver.pilot.click(grid, offset=(3, 3))
        assert grid.cursor == 2
        await driver.pilot.click(grid, offset=(3, 3))
        await driver.shows(" of ")
        await driver.pilot.click("Frame", offset=(30, 1))
        await driver.shows("machine.trace > Processes ")

    drive(steps)


FILTERS = {
    "-e openat --failed": lambda call: call.name == "openat" and call.result < 0,
    "-e %network": lambda call: False,
    "--errno EACCES": lambda call: call.result == -13,
    "--slower 50ms": lambda call: call.took_ns >= 50_000_000,
    "--faster 200ns -e getppid": lambda call: call.name == "getppid" and call.took_ns < 200,
    "--tid 301 -e write": lambda call: call.tid == 301 and call.name == "write",
    "--path /tmp": lambda call: call.path.startswith("/tmp"),
    "--comm ls": lambda call: 400 <= call.tid < 500,
    "passwd": lambda call: "passwd" in call.path,
}


def test_words_filter_the_calls(drive, capture):
    """As many as another way of reading the capture finds."""
    calls = list(calls_in(capture))

    async def steps(driver):
        await driver.press("7")
        for words, is_wanted in FILTERS.items():
            await driver.press("slash")
            driver.app.screen.query_one("#filter").value = words
            await driver.press("enter")
            await driver.shows(f"filter: {words}")
            await driver.shows(f" {sum(map(is_wanted, calls))} of ")

    drive(steps)


def calls_in(capture):
    with open_capture(capture) as opened:
        calls = read_calls(opened)
    table = load_table("x86_64")
    paths = dict(zip(reversed(calls.name_row), reversed(calls.names), strict=True))
    for row in range(len(calls)):
        took_ns = int(calls.duration_ns[row]) if calls.state[row] == State.PAIRED else -1
        yield SimpleNamespace(
            name=table.name(int(calls.nr[row])),
            tid=int(calls.tid[row]),
            result=int(calls.result[row]),
            took_ns=took_ns if took_ns >= 0 else float("nan"),
            path=paths.get(row, b"").decode(),
        )


NO_FILTERS = {
    "-e nonsense": "no system call, and no class of them, is called 'nonsense'",
    "--slower soon": "'soon' is no time",
    "--errno EWHAT": "no error is called 'EWHAT'",
    "'open": "a quote is missing",
    "--frobnicate": "unrecognized arguments",
}


def test_what_is_no_filter_is_said(drive):
    async def steps(driver):
        await driver.press("7", "slash")
        for words, said in NO_FILTERS.items():
            driver.app.screen.query_one("#filter").value = words
            await driver.press("enter")
            await driver.wait(lambda said=said: said in driver.said())
        await driver.press("escape")
        await driver.shows("> Events")

    drive(steps)


def test_a_thread_is_followed_and_failures_found(drive):
    async def steps(driver):
        await driver.press("7", "f")
        await driver.shows("filter: --tid 300")
        await driver.press("f")
        await driver.wait(lambda: "filter:" not in driver.text())
        await driver.press("n")
        grid = driver.app.screen.query_one(Grid)
        place = grid.cursor
        assert place > 0
        await driver.press("n", "N")
        assert grid.cursor == place

    drive(steps)


def test_a_part_of_a_capture_is_shown_moved_and_played(drive):
    async def steps(driver):
        app = driver.app
        whole = app.view.calls
        await driver.press("plus")
        await driver.wait(lambda: app.view.calls < whole)
        half = app.view.calls
        await driver.wait(lambda: app.part == 1)
        await driver.press("1")
        all_cpus, *cpus = (int(rate) for rate in re.findall(r"(\d+)(?: events)?/s", driver.text()))
        assert all_cpus == pytest.approx(sum(cpus), abs=1)
        await driver.press("full_stop")
        await driver.wait(lambda: app.view.calls not in (half, whole))
        await driver.press("comma", "comma", "minus")
        await driver.press("0")
        await driver.wait(lambda: app.view.calls == whole)
        await driver.press("space")
        await driver.shows("playing")
        start_ns = app.span.start_ns
        await driver.press("right_curly_bracket", "right_curly_bracket")
        await driver.wait(lambda: app.span.start_ns > start_ns)
        await driver.wait(lambda: not app.is_playing or app.span.start_ns > start_ns + 10**9)
        await driver.press("P")
        await driver.press("1")
        await driver.pilot.click("SpanBar", offset=(10, 0))
        await driver.wait(lambda: app.span.start_ns > app.span.first_ns)

    drive(steps)


def test_what_is_seen_is_exported(drive, tmp_path):
    async def export(driver, name):
        await driver.press("e")
        await driver.shows("Export what is seen")
        driver.app.screen.query_one("Input").value = str(tmp_path / name)
        await driver.press("enter")

    async def steps(driver):
        await driver.press("2")
        for suffix in ("csv", "json", "txt"):
            await export(driver, f"seen.{suffix}")
            await driver.wait(lambda suffix=suffix: f"seen.{suffix}: 9 rows" in driver.said())
        await export(driver, "seen.txt")
        await driver.wait(lambda: "is there already" in driver.said())
        await export(driver, "seen.doc")
        await driver.wait(lambda: "ends in none of .csv, .json, .txt" in driver.said())

    drive(steps)
    lines = (tmp_path / "seen.csv").read_text().splitlines()
    by_csv = [row["syscall"] for row in csv.DictReader(lines)]
    by_json = [row["syscall"] for row in json.loads((tmp_path / "seen.json").read_text())]
    by_text = [line.split()[0] for line in (tmp_path / "seen.txt").read_text().splitlines()[2:]]
    assert by_csv == by_json == by_text
    assert {"futex", "read", "openat"} <= set(by_csv)


def test_any_size_is_survived(drive):
    async def steps(driver):
        for number, size in enumerate([(20, 5), (1, 1), (400, 100), (20, 5), (8, 2), (80, 4)], 1):
            await driver.pilot.resize_terminal(80, 24)
            await driver.press(str(number), "end", "enter")
            await driver.pilot.resize_terminal(*size)
            await driver.press("down", "escape")

    drive(steps)


def test_the_palette_leads_to_screens(drive):
    async def steps(driver):
        await driver.press("ctrl+p")
        await driver.pilot.press(*"latency")
        await driver.pilot.pause(0.3)
        await driver.press("enter")
        await driver.shows("machine.trace > Latency")

    drive(steps)


def test_control_is_not_of_a_capture(drive):
    async def steps(driver):
        await driver.press("c")
        await driver.wait(lambda: "this is a capture" in driver.said())

    drive(steps)


def test_the_line_of_keys_takes_clicks(drive):
    async def steps(driver):
        await driver.press("2")
        line = driver.text().splitlines()[-1]
        assert line.startswith("⏎ Open esc Back o Order ? Help")
        await driver.pilot.click("KeyLine", offset=(line.index("? Help"), 0))
        await driver.shows("all commands, themes too")

    drive(steps)


def test_what_was_closed_is_freed(drive):
    def count():
        gc.collect()
        return sum(isinstance(one, Widget) for one in gc.get_objects())

    async def open_and_close(driver, times):
        for _ in range(times):
            await driver.press("2", "question_mark", "escape", "enter", "escape", "1")
        await driver.pilot.pause(0.2)

    async def steps(driver):
        await open_and_close(driver, 2)
        before = count()
        await open_and_close(driver, 5)
        assert count() <= before

    drive(steps)
