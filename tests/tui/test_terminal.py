"""The command in terminals of several kinds, and what it says where there is none."""

from __future__ import annotations

import csv
import fcntl
import json
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import sys
import termios
import time
from contextlib import contextmanager

import pytest
from machine import AT_FDCWD, OPENAT, PATH, READ

from captures import write_capture
from subbuffers import SubBuffer
from tracectl.capture.metadata import Task
from tracectl.module.loading import is_loaded
from tracectl.tui.actions import Action
from tracectl.tui.app import ViewApp
from tracectl.tui.dialogs import MenuDialog, TextDialog
from tracectl.tui.saving import SUFFIXES

COLOUR = re.compile(rb"\x1b\[[0-9;]*(?:3[0-7]|4[0-7]|9[0-7]|10[0-7]|38;[25]|48;[25])[0-9;]*m")
TRUE_COLOUR = re.compile(rb"[34]8;2;")


@contextmanager
def terminal_with(capture, size=(24, 80), **environment: str):
    """The view in a terminal: where one writes and reads, and its process."""
    main_fd, child_fd = pty.openpty()
    fcntl.ioctl(child_fd, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
    env = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "COLORTERM")}
    process = subprocess.Popen(
        [sys.executable, "-m", "tracectl", "tui", capture],
        stdin=child_fd, stdout=child_fd, stderr=child_fd, env=env | environment,
        start_new_session=True,
    )  # fmt: skip
    os.close(child_fd)
    with process:
        try:
            yield main_fd, process
        finally:
            process.kill()


def draw(capture, *keys: bytes, **options) -> bytes:
    """What the view writes until it has ended, each key pressed once the one before was shown."""
    drawn, waiting = b"", [*keys, b"q"]
    deadline_s = time.monotonic() + 60
    with terminal_with(capture, **options) as (main_fd, process):
        while time.monotonic() < deadline_s:
            if not select.select([main_fd], [], [], 1.0)[0]:
                if b"Overview" in drawn and waiting:
                    os.write(main_fd, waiting.pop(0))
                continue
            try:
                drawn += os.read(main_fd, 1 << 16)
            except OSError:
                break
        os.close(main_fd)
        assert process.wait(timeout=30) == 0, drawn
    assert b"Traceback" not in drawn
    return drawn


def test_it_ends_with_its_terminal(capture):
    """Also where no SIGHUP comes: it is a session of its own."""
    with terminal_with(capture, TERM="xterm-256color") as (main_fd, process):
        drawn = b""
        while b"Overview" not in drawn:
            drawn += os.read(main_fd, 1 << 16)
        os.close(main_fd)
        assert process.wait(timeout=30) == 1


def test_colours_are_those_that_the_terminal_has(capture):
    assert TRUE_COLOUR.search(draw(capture, TERM="xterm-256color", COLORTERM="truecolor"))
    sixteen = draw(capture, TERM="xterm-16color")
    assert COLOUR.search(sixteen)
    assert not re.search(rb"[34]8;[25];", sixteen)


def test_without_colour_nothing_is_coloured(capture):
    drawn = draw(capture, b"5", TERM="xterm-256color", NO_COLOR="1")
    for found in re.findall(rb"[34]8;2;(\d+);(\d+);(\d+)", drawn):
        assert len(set(found)) == 1, "a grey is no colour"
    assert b"ENOENT" in drawn


RED = b"\x1b[31mred\x07\xc2\x9b31m\xe2\x80\xae"
POINTER = b"\x1b]22;default\x07"
"""Textual's own, of the mouse's shape."""
LITERAL = b"[bold]x[/bold][@click=app.quit]q[/]"


@pytest.fixture
def hostile(tmp_path):
    """A capture in which whatever has a name has one that commands a terminal, or Textual."""
    path = b"/tmp/" + RED + b"\n" + LITERAL
    subbuffer = SubBuffer(tgids={501: 500})
    for number in range(30):
        now_ns = 1_000_000 * (number + 1)
        subbuffer.entry(now_ns, 500, OPENAT, [AT_FDCWD, PATH, 0]).name(now_ns + 10, 500, path)
        subbuffer.exit(now_ns + 20, 500, OPENAT, 3)
    subbuffer.exec(40_000_000, 700, 700, path).rename(40_000_100, 700, RED[:15])
    subbuffer.entry(40_001_000, 700, READ, [3]).exit(40_002_000, 700, READ, 5)
    cgroup = "/machine.slice/machine-\\x1b\\x5b31mred\\x07.scope"
    tasks = [Task(500, 500, 1, RED[:15].decode(errors="ignore"), cgroup=cgroup, exe=path.decode())]
    file = tmp_path / f"{RED.decode()}[bold].trace"
    return write_capture(file, [subbuffer], tasks=tasks, host=f"host{RED.decode()}")


def test_names_can_command_neither_the_terminal_nor_the_view(hostile):
    """On all screens, in the path above them, in the calls of a file and in one of them."""
    keys = [b"2", b"\r", b"3", b"\r", b"4", b"\r", b"\r", b"7", b"\r"]
    drawn = draw(hostile, *keys, size=(40, 160), TERM="xterm-256color", COLORTERM="truecolor")
    drawn = drawn.replace(POINTER, b"")
    for command in (b"\x1b[31mred", b"\x07", b"\xc2\x9b", b"\xe2\x80\xae"):
        assert command not in drawn
    assert rb"/tmp/\x1b[31mred\x07\x9b31m\u202e\n" + LITERAL in drawn, "files, and an image"
    assert rb"\33[31mred\7\302\23331m\342\200\256\n" + LITERAL in drawn, "calls, as strace"


def test_what_is_no_name_yet_commands_nothing_either(drive, hostile, tmp_path):
    """Messages, dialogs and the line that is typed into; and what is exported of names."""
    word = RED.decode()

    async def steps(driver):
        driver.app.notify(f"{word} told", title=word, markup=False)
        await driver.shows(r"told")
        driver.app.push_screen(TextDialog(word, [word]))
        await driver.shows(r"\x1b[31mred")
        await driver.press("escape", "7", "slash")
        await driver.press(*"open")
        driver.app.screen.query_one("#filter").value = f"'{word}'"
        await driver.shows("'�[31mred��31m�'")
        await driver.press("enter")
        await driver.shows(r"filter: '\x1b[31mred\x07\x9b31m\u202e'")
        driver.app.push_screen(MenuDialog(word, [Action(word, f"filter --comm {word}")]))
        await driver.shows("tracectl filter --comm")
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", driver.text())
        await driver.press("escape", "4", "e")
        for suffix in SUFFIXES:
            driver.app.screen.query_one("Field").value = str(tmp_path / f"seen{suffix}")
            await driver.press("enter")
            await driver.wait(lambda suffix=suffix: f"seen{suffix}: " in driver.said())
            await driver.press("e")

    drive(steps, app=ViewApp(hostile))
    path = (b"/tmp/" + RED + b"\n" + LITERAL).decode()
    assert json.loads((tmp_path / "seen.json").read_text())[0]["file"] == path
    with (tmp_path / "seen.csv").open(newline="") as file:
        assert next(csv.DictReader(file))["file"] == path
    assert r"/tmp/\x1b[31mred\x07\x9b31m" in (tmp_path / "seen.txt").read_text()


def test_neither_can_those_of_plain(hostile):
    done = subprocess.run(
        [sys.executable, "-m", "tracectl", "tui", "--plain", hostile],
        capture_output=True, check=True,
    )  # fmt: skip
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]|\xc2\x9b", done.stdout)
    assert rb"host\x1b[31mred\x07\x9b31m\u202e: \x1b[31mred" in done.stdout


def test_without_a_terminal_it_says_so(capture):
    done = subprocess.run(
        [sys.executable, "-m", "tracectl", "tui", capture],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == (
        "tracectl tui: this is no terminal; --plain prints the overview as text\n"
    )


def test_plain_prints_the_overview_of_a_capture(capture):
    done = subprocess.run(
        [sys.executable, "-m", "tracectl", "tui", "--plain", capture],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert lines[0] == "small: machine.trace"
    assert "0 lost" in lines[1]
    rows = {line.split()[0]: line.split() for line in lines if line}
    assert rows["getppid"][2:4] == ["920", "0"]
    assert rows["EAGAIN"] == ["EAGAIN", "read", "72"]
    assert rows["nginx"][1] == "300"


def test_what_is_no_capture_is_said_before_the_screen(tmp_path):
    path = tmp_path / "nothing.trace"
    path.write_bytes(b"no capture" * 10)
    for option in ("--plain", "--web"):
        done = subprocess.run(
            [sys.executable, "-m", "tracectl", "tui", option, path],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (
            1, f"tracectl: {path}: is no tracectl capture\n",
        )  # fmt: skip


def test_a_capture_that_is_cut_under_the_view_is_said(drive, capture, tmp_path):
    path = tmp_path / "cut.trace"
    shutil.copy(capture, path)

    async def steps(driver):
        os.truncate(path, path.stat().st_size // 3)
        await driver.press("plus", "0")
        await driver.shows("is damaged")
        await driver.press("2", "enter", "escape")

    drive(steps, app=ViewApp(path))


@pytest.mark.skipif(is_loaded(), reason="the module is loaded here")
def test_without_the_module_it_says_how_to_load_it(drive):
    async def steps(driver):
        await driver.shows("the module is not loaded; 'tracectl module load' loads it")
        for number in range(1, 8):
            await driver.press(str(number), "enter", "down", "escape")
        await driver.press("c")
        await driver.shows("tracectl module load")
        await driver.press("enter")
        await driver.shows("Load the module")
        await driver.press("escape")

    drive(steps, app=ViewApp())
