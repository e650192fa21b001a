"""Who may use this server, and whether they may change anything: a token, Streamlit's login, and read-only mode.

``scripts/run --share`` and ``--read-only`` (share.py) turn them on by environment variables, which this module reads.
"""

from __future__ import annotations

import hashlib
import hmac
import importlib.util
import json
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import streamlit as st
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp

from pages.shared.hosts import RequestFilter

TOKEN_VARIABLE = "CLIP_VIDEO_TOKEN"  # noqa: S105 - the name of a variable
READ_ONLY_VARIABLE = "CLIP_VIDEO_READ_ONLY"
TOKEN = "token"  # noqa: S105 - the name of a parameter
READ_ONLY = "This server is read-only."
UNREADABLE = "secrets.toml cannot be read. Correct it, and start the server again."
HEALTH = "_stcore/health"
ON_LOGIN = ("/player/", "/media/", "/_stcore/upload_file/")
"""Parts of paths that need a login, where one is configured. The rest draws the login and shows no video."""
_WITHOUT = (
    "This page opens only with its full link, which ends in ?token=… Ask the person who runs this server for it: "
    "scripts/run --share prints it at the start. If you have just opened that link, allow cookies for this address."
)
_NO_LOGIN = "Only visitors who have logged in may ask for this. Open the page and log in."
_UNSEEN = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


def is_read_only() -> bool:
    """Return whether this server is in read-only mode (docs/sharing.md)."""
    return os.environ.get(READ_ONLY_VARIABLE, "") not in ("", "0")


def login_settings() -> Mapping[str, Any] | None:
    """Return the section [auth] of Streamlit's secrets.toml; empty if there is none, None if it cannot be read.

    Streamlit ignores a file with a typing error, and everybody would be let in.
    """
    if not st.secrets.load_if_toml_exists():
        return None if any(Path(path).exists() for path in st.get_option("secrets.files")) else {}
    section = st.secrets.get("auth", {})
    return section if isinstance(section, Mapping) else None


def may_enter() -> bool:
    """Return whether this session may see the pages: somebody has logged in, or no login is configured."""
    login = login_settings()
    return login is not None and (not login or st.user.get("is_logged_in") is True)


def draw_login() -> None:
    """Draw a button for each way to log in that secrets.toml names."""
    login = login_settings()
    if login is None:
        st.error(f"Nobody can log in: {UNREADABLE}")
        return
    if importlib.util.find_spec("authlib") is None:
        st.error("Nobody can log in: the package Authlib is missing. Install it: .venv/bin/pip install Authlib")
        return
    st.markdown("##### Log in to see the videos")
    named = [name for name, value in login.items() if isinstance(value, Mapping) and name != "client_kwargs"]
    for provider in [None, *named] if "client_id" in login else named:
        label = "Log in" if provider is None else f"Log in with {provider}"
        st.button(label, key=f"log_in_{provider or ''}", on_click=partial(st.login, provider))


class Guarded(RequestFilter):
    """Lets in visitors who have the token or have logged in; everybody, if neither is configured.

    Everything but the check of health needs the token. A link with the token is answered with a cookie and a
    redirect to the same address without it, so that the token stays neither in the address bar nor in ``Referer``.

    Args:
        app: The app behind it.
        token: The token; None takes it from the environment, "" asks for none.
    """

    def __init__(self, app: ASGIApp, token: str | None = None) -> None:
        super().__init__(app)
        self._token = (os.environ.get(TOKEN_VARIABLE, "") if token is None else token).encode()
        key = hmac.new(self._token, b"cookie of CLIP Video Investigator", hashlib.sha256).hexdigest()
        # Browsers send cookies to all ports of a host: each server on it has its own name.
        self._cookie_name, self._cookie = f"clip_video_{key[:8]}", key[8:]

    def answer(self, request: HTTPConnection) -> Response | None:
        """Return a redirect, a refusal with status 401, or None: see ``RequestFilter``."""
        path = request.scope["path"]
        if self._token:
            if path == "/".join(["", *filter(None, [_base_path()]), HEALTH]):
                return None
            if (answer := self._answer_token(request)) is not None:
                return answer
        if any(part in path for part in ON_LOGIN) and not _is_let_in(request):
            return PlainTextResponse(_NO_LOGIN, 401, _UNSEEN)
        return None

    def _answer_token(self, request: HTTPConnection) -> Response | None:
        has_cookie = _same(request.cookies.get(self._cookie_name, ""), self._cookie.encode())
        query = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
        tokens = [value for name, value in query if name == TOKEN]
        is_link = bool(tokens) and request.scope.get("method") in ("GET", "HEAD")
        if is_link and (has_cookie or _same(tokens[-1], self._token)):
            return self._without_token(request, [(name, value) for name, value in query if name != TOKEN])
        return None if has_cookie else PlainTextResponse(_WITHOUT, 401, _UNSEEN)

    def _without_token(self, request: HTTPConnection, query: list[tuple[str, str]]) -> Response:
        # A relative address: a proxy may have taken a prefix off the path.
        last = quote(request.scope["path"].rpartition("/")[2], safe="")
        address = f"./{last}" + (f"?{urlencode(query)}" if query else "")
        response = Response(status_code=303, headers=_UNSEEN | {"Location": address})
        secure = request.scope.get("scheme") == "https"
        # Not "strict": the redirect that follows a link in a chat would come without the cookie.
        response.set_cookie(self._cookie_name, self._cookie, path="/", secure=secure, httponly=True, samesite="lax")
        return response


def _base_path() -> str:
    return str(st.get_option("server.baseUrlPath") or "").strip("/")


def _same(text: str, secret: bytes) -> bool:
    return hmac.compare_digest(text.encode("utf-8", "surrogatepass"), secret)


def _is_let_in(request: HTTPConnection) -> bool:
    """Return whether no login is configured, or a request has the signed cookie that Streamlit sets at a login."""
    login = login_settings()
    if not login:
        return login is not None
    from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME
    from streamlit.web.server.starlette.starlette_websocket import _get_signed_cookie_with_chunks

    cookie = _get_signed_cookie_with_chunks(dict(request.cookies), USER_COOKIE_NAME)
    return cookie is not None and json.loads(cookie).get("is_logged_in") is True
