"""The view in a browser, Chromium: the page as it is drawn, and keys as they are pressed there."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import shutil
import subprocess
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import aiohttp
import pytest

pytestmark = pytest.mark.slow

# The page keeps its terminal to itself: it is caught when it is given its address.
CATCH = """
Object.defineProperty(Object.prototype, "websocket_url", {
    configurable: true,
    set(value) {
        Object.defineProperty(this, "websocket_url", {value, writable: true});
        window.caught = this;
    },
});
"""
SCREEN = """
(() => {
    const buffer = window.caught?.terminal.buffer.active;
    if (!buffer) return document.body.innerText;
    return [...Array(buffer.length).keys()]
        .map((at) => buffer.getLine(at).translateToString(true)).join("\\n");
})()
"""


class Page:
    """A page of a browser, by its DevTools protocol."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._asked: dict[str, str] = {}

    @property
    def hosts(self) -> set[str]:
        """Those that were asked for anything: what the page's policy forbids is not."""
        return set(self._asked.values()) - {""}

    async def ask(self, method: str, **params):
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": params})
        while True:
            message = await self._socket.receive_json()
            self._note(message.get("method"), message.get("params", {}))
            if message.get("id") == number:
                assert "result" in message, message
                return message["result"]

    def _note(self, method: str | None, params: dict) -> None:
        if method == "Network.requestWillBeSent":
            self._asked[params["requestId"]] = urlsplit(params["request"]["url"]).netloc
        elif method == "Network.loadingFailed" and params.get("blockedReason") == "csp":
            self._asked.pop(params["requestId"], None)

    async def screen(self) -> str:
        return (await self.ask("Runtime.evaluate", expression=SCREEN))["result"].get("value", "")

    async def shows(self, text: str) -> None:
        shown = ""
        for _ in range(1200):
            shown = await self.screen()
            if text in shown:
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"{text!r} never came:\n{shown}")

    async def press(self, key: str) -> None:
        await self.ask("Input.dispatchKeyEvent", type="keyDown", key=key, text=key)
        await self.ask("Input.dispatchKeyEvent", type="keyUp", key=key)

    async def click(self, x: int, y: int) -> None:
        for kind in ("mousePressed", "mouseReleased"):
            await self.ask(
                "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1
            )

    async def picture(self) -> bytes:
        return base64.b64decode((await self.ask("Page.captureScreenshot"))["data"])


@asynccontextmanager
async def _browser(profile):
    program = shutil.which("chromium")
    assert program, "apt-get install chromium: 'make test-slow' does"
    command = [
        program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        "--no-first-run", "--window-size=1200,700", "--remote-debugging-port=0",
        f"--user-data-dir={profile}", "about:blank",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            told = profile / "DevToolsActivePort"
            while not (told.exists() and len(told.read_text().splitlines()) == 2):
                assert process.poll() is None, "the browser has ended"
                await asyncio.sleep(0.1)
            port = told.read_text().splitlines()[0]
            async with aiohttp.ClientSession() as session:
                async with session.get(f"http://127.0.0.1:{port}/json/list") as response:
                    pages = json.loads(await response.text())
                (url,) = (page["webSocketDebuggerUrl"] for page in pages if page["type"] == "page")
                async with session.ws_connect(url, max_msg_size=0) as socket:
                    yield Page(socket)
        finally:
            process.terminate()


def test_a_browser_shows_the_view_to_who_has_the_token(server, tmp_path):
    base = server.partition("?")[0]

    async def run():
        async with _browser(tmp_path) as page:
            await page.ask("Network.enable")
            await page.ask("Page.enable")
            await page.ask("Page.addScriptToEvaluateOnNewDocument", source=CATCH)
            await page.ask("Page.navigate", url=base)
            await page.shows("the token of this address is missing or old")
            await page.ask("Page.navigate", url=server)
            await page.shows("machine.trace > Overview")
            await page.shows("getppid")
            before = await page.picture()
            # The keys go to what was clicked into.
            await page.click(600, 10)
            await page.press("2")
            await page.shows("machine.trace > Syscalls")
            await page.press("7")
            await page.shows("openat(AT_FDCWD")
            assert await page.picture() != before
            # The address, and with it the histories of browsers, has no token.
            where = await page.ask("Runtime.evaluate", expression="location.href")
            assert where["result"]["value"] == base
            assert page.hosts == {urlsplit(base).netloc}

    asyncio.run(run())
