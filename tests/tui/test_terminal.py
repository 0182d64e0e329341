"""The command in terminals of several kinds, and what it says where there is none."""

from __future__ import annotations

import fcntl
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

import pytest

from tracectl.module.loading import is_loaded
from tracectl.tui.app import ViewApp

COLOUR = re.compile(rb"\x1b\[[0-9;]*(?:3[0-7]|4[0-7]|9[0-7]|10[0-7]|38;[25]|48;[25])[0-9;]*m")
TRUE_COLOUR = re.compile(rb"[34]8;2;")


def draw(capture, *keys: bytes, size=(24, 80), **environment: str) -> bytes:
    """What the view writes until it has ended, each key pressed once the one before was shown."""
    main_fd, child_fd = pty.openpty()
    fcntl.ioctl(child_fd, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
    env = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "COLORTERM")}
    process = subprocess.Popen(
        [sys.executable, "-m", "tracectl", "tui", capture],
        stdin=child_fd, stdout=child_fd, stderr=child_fd, env=env | environment,
        start_new_session=True,
    )  # fmt: skip
    os.close(child_fd)
    drawn, waiting = b"", [*keys, b"q"]
    deadline_s = time.monotonic() + 60
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
