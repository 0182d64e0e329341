"""The view in a browser: a real server, asked as a browser asks it."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys

import aiohttp


async def _ask(session, address):
    for _ in range(200):
        try:
            async with session.get(address) as response:
                return response.status, await response.text()
        except aiohttp.ClientConnectorError:
            await asyncio.sleep(0.1)
    raise AssertionError("it does not listen")


def test_who_has_the_token_sees_the_capture(server):
    base = server.partition("?")[0]

    async def run():
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookie_jar=jar) as session:
            assert (await _ask(session, base))[0] == 403
            assert (await _ask(session, base + "?token=wrong"))[0] == 403
            assert (await _ask(session, base + "static/js/textual.js"))[0] == 403
            async with session.get(base + "ws") as response:
                assert response.status == 403
            status, page = await _ask(session, server)
            assert status == 200
            assert "<title>" in page or "textual.js" in page
            async with session.ws_connect(base + "ws?width=80&height=24") as socket_:
                await socket_.send_str(json.dumps(["resize", {"width": 80, "height": 24}]))
                shown = ""
                async with asyncio.timeout(60):
                    while "machine.trace" not in shown or "getppid" not in shown:
                        message = await socket_.receive()
                        data = message.data
                        shown += data.decode(errors="replace") if isinstance(data, bytes) else ""

    asyncio.run(run())


def test_a_port_that_is_taken_is_said(capture):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "tracectl", "tui", "--web", "--port", str(port), capture],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert f"port {port} of 127.0.0.1 cannot be used" in done.stderr
