"""The view in a browser: textual-serve, behind a token that only this start's address has."""

from __future__ import annotations

import secrets
import shlex
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiohttp import web
from textual_serve.server import Server

HOST = "127.0.0.1"
_COOKIE = "tracectl-token"
# The page's template asks another host for a font.
_POLICY = "default-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class WebServer(Server):
    """Serves ``tracectl ARGUMENTS`` to who comes with the token, which ``address`` has. Other users
    of the machine can reach the port, and pages of other sites can make a browser ask for it: the
    token becomes a cookie that is not sent along from there."""

    def __init__(self, arguments: Sequence[str], port: int) -> None:
        command = shlex.join([sys.executable, "-m", "tracectl", *arguments])
        super().__init__(command, host=HOST, port=port, title="tracectl")
        self._token = secrets.token_urlsafe(24)

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.port}/?token={self._token}"

    def initialize_logging(self) -> None:
        """Nothing is logged: stderr is for messages."""

    async def on_startup(self, app: web.Application) -> None:
        """The caller tells the address."""

    async def _make_app(self) -> web.Application:
        app: web.Application = await super()._make_app()
        app.middlewares.append(self._admit)
        return app

    @property
    def _admit(self) -> Any:
        @web.middleware
        async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
            if _is_same(request.cookies.get(_COOKIE, ""), self._token):
                response = await handler(request)
                if not response.prepared:
                    response.headers["Content-Security-Policy"] = _POLICY
                return response
            if request.path == "/" and _is_same(request.query.get("token", ""), self._token):
                # So that it is not in the address, which is kept in histories.
                found = web.HTTPFound("/")
                found.set_cookie(_COOKIE, self._token, httponly=True, samesite="Strict")
                return found
            return web.Response(status=403, text="the token of this address is missing or old\n")

        return admit


def _is_same(given: str, token: str) -> bool:
    return secrets.compare_digest(given.encode(), token.encode())
