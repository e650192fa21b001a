"""Answers only requests that name this server: a page of another site could otherwise reach it by DNS rebinding.

Such a page lets its own name point to this machine, so the browser sends that name as ``Host``. An IP address as
``Host`` cannot come from it.
"""

from __future__ import annotations

import ipaddress
import socket

import streamlit as st
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_LOCAL = ("localhost", "127.0.0.1", "::1", None)


def known_names() -> frozenset[str]:
    """Return the host names that this server was started for, in lower case."""
    address = st.get_option("server.address")
    names = ["localhost", address, st.get_option("browser.serverAddress")]
    if address not in _LOCAL:  # other machines may reach it
        names += [socket.gethostname(), socket.getfqdn()]
    return frozenset(str(name).lower() for name in names if name)


def host_of(header: str) -> str:
    """Return the host in a ``Host`` header, in lower case and without its port."""
    host = header.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if host.count(":") == 1 else host


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class KnownHosts:
    """ASGI middleware that refuses requests and websockets under a name that is not this server's."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._names: frozenset[str] | None = None  # looked up once: a name server may take seconds to answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with status 400."""
        host = host_of(Headers(scope=scope).get("host", "")) if scope["type"] in ("http", "websocket") else "localhost"
        if self._is_known(host):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})  # before it is accepted: status 403
        else:
            text = (
                "This server does not answer under this name. Open it as localhost or by its IP address, or start it "
                "with the name: scripts/run --browser.serverAddress NAME"
            )
            await PlainTextResponse(text, status_code=400)(scope, receive, send)

    def _is_known(self, host: str) -> bool:
        if host == "localhost" or host.removesuffix(".").endswith(".localhost") or _is_address(host):
            return True
        if self._names is None:
            self._names = known_names()
        return host in self._names
