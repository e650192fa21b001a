"""Answers only requests that name this server: a page of another site could otherwise reach it by DNS rebinding.

Such a page lets its own name point to this machine, so the browser sends that name as ``Host``. An IP address as
``Host`` cannot come from it. Requests whose ``Origin`` is another page are refused as well, for the websocket above
all. Streamlit does that too, but it accepts every port of this machine, and it asks a server on the internet for this
machine's address before it refuses.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from abc import ABC, abstractmethod

import streamlit as st
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

_LOCAL = ("localhost", "127.0.0.1", "::1", None)
_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::[0-9]{1,5})?|([0-9a-f:]+)", re.ASCII)
_SCHEME = re.compile(r"https?://")


def known_names() -> frozenset[str]:
    """Return the host names that this server was started for, in lower case."""
    address = st.get_option("server.address")
    names = ["localhost", address, st.get_option("browser.serverAddress")]
    if address not in _LOCAL:  # other machines may reach it
        names += [socket.gethostname(), socket.getfqdn()]
    return frozenset(str(name).lower() for name in names if name)


def host_of(header: str) -> str:
    """Return the host in a ``Host`` header, in lower case and without its port; "" if it is anything else."""
    found = _HOST.fullmatch(header.strip().lower())
    return next(filter(None, found.groups()), "") if found else ""


def is_own_origin(origin: str, header: str) -> bool:
    """Return whether an ``Origin`` is the page of this server, whose ``Host`` header was ``header``.

    A proxy may pass on another host than the one that browsers see: ``browser.serverAddress`` names that one.
    """
    origin = origin.strip().lower()
    scheme = _SCHEME.match(origin)
    place = origin[scheme.end() :] if scheme else ""
    public = str(st.get_option("browser.serverAddress") or "").lower()
    is_public = public != "localhost" and host_of(place) == public
    if place and (place == header.strip().lower() or is_public):
        return True
    return not st.get_option("server.enableCORS") or origin in (st.get_option("server.corsAllowedOrigins") or ())


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class RequestFilter(ABC):
    """ASGI middleware in front of ``app`` that answers some requests itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    @abstractmethod
    def answer(self, request: HTTPConnection) -> Response | None:
        """Return what to answer in place of the app; None passes the request on."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on or answer it; a websocket that is not passed on is refused with status 403."""
        answer = self.answer(HTTPConnection(scope)) if scope["type"] in ("http", "websocket") else None
        if answer is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})  # before it is accepted: status 403
        else:
            await answer(scope, receive, send)


class KnownHosts(RequestFilter):
    """Refuses what other pages send, and what is sent under a name that is not this server's."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(app)
        self._names: frozenset[str] | None = None  # looked up once: a name server may take seconds to answer

    def answer(self, request: HTTPConnection) -> Response | None:
        """Return a refusal with status 400 or 403, or None: see ``RequestFilter``."""
        hosts, origins = request.headers.getlist("host"), request.headers.getlist("origin")
        if len(hosts) != 1 or not self._is_known(host_of(hosts[0])):
            text = (
                "This server does not answer under this name. Open it as localhost or by its IP address, or start it "
                "with the name: scripts/run --browser.serverAddress NAME"
            )
            return PlainTextResponse(text, status_code=400)
        if not all(is_own_origin(origin, hosts[0]) for origin in origins):
            return PlainTextResponse("Only the app's own page may ask for this.", status_code=403)
        return None

    def _is_known(self, host: str) -> bool:
        if host == "localhost" or host.removesuffix(".").endswith(".localhost") or _is_address(host):
            return True
        if self._names is None:
            self._names = known_names()
        return host in self._names
