"""The view, driven without a terminal, on a capture that is made anew and always the same."""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))

SMALL = (80, 24)


@pytest.fixture(scope="session")
def capture(tmp_path_factory):
    from machine import write_machine

    return write_machine(tmp_path_factory.mktemp("capture") / "machine.trace")


class Driver:
    """An app that runs: keys go in, text comes out."""

    def __init__(self, app, pilot):
        self.app = app
        self.pilot = pilot

    async def press(self, *keys):
        for key in keys:
            await self.pilot.press(key)
            await self.pilot.pause()

    async def wait(self, is_there):
        for _ in range(400):
            if is_there():
                return
            await self.pilot.pause(0.02)
        raise AssertionError(f"it never came:\n{self.text()}")

    async def shows(self, text):
        await self.wait(lambda: text in self.text())

    def said(self):
        """All messages."""
        return "\n".join(one.message for one in self.app._notifications)

    def text(self):
        """What is on the screen, without blanks at the ends of lines."""
        strips = self.app.screen._compositor.render_strips()
        lines = ["".join(segment.text for segment in strip).rstrip() for strip in strips]
        return "\n".join(lines).rstrip() + "\n"


@pytest.fixture
def drive(capture):
    """Runs ``steps(driver)`` on the capture, or another app; fails on any traceback."""
    from tracectl.tui.app import ViewApp

    def run(steps, size=SMALL, app=None):
        app = app or ViewApp(capture)

        async def inner():
            async with app.run_test(size=size, notifications=True) as pilot:
                driver = Driver(app, pilot)
                await driver.wait(lambda: app._feed is None or app._feed.progress.part >= 1)
                await pilot.pause(0.2)
                await steps(driver)

        asyncio.run(inner())

    return run


@pytest.fixture
def server(capture):
    """``tracectl tui --web``: the address that it tells."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "tracectl", "tui", "--web", "--port", str(port), capture]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        address = re.search(r"http://\S+", process.stderr.readline())[0]
        yield address
        process.terminate()
        process.stderr.read()
