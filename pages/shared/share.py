"""``scripts/run --share`` and ``--read-only``: start the dashboard for others. See docs/sharing.md.

``--share`` listens for other machines, and makes a token that every visitor needs. ``--read-only`` lets nobody change
anything. All other arguments go on to Streamlit.
"""

from __future__ import annotations

import os
import re
import secrets
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlencode

import streamlit as st

from pages.shared.access import READ_ONLY_VARIABLE, TOKEN, TOKEN_VARIABLE, UNREADABLE, is_read_only, login_settings

APP = Path(__file__).parents[2] / "app.py"
SHARE, READ_ONLY = "--share", "--read-only"
EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104 - only if --share asks for it
FIRST_PORT, PORTS = 8501, 100
HTTPS_PORT = "443"
UPLOAD_MB = 20
"""In read-only mode, where only settings, pictures and lists of moments are uploaded; they stay in memory."""
_TOKEN = re.compile(r"[A-Za-z0-9_-]{32,}")


def option(arguments: Sequence[str], name: str) -> str | None:
    """Return the value of a Streamlit option: ``--NAME VALUE`` or ``--NAME=VALUE``, else that of the environment."""
    for k, argument in reversed([*enumerate(arguments)]):
        if argument == f"--{name}" and k + 1 < len(arguments):
            return arguments[k + 1]
        if argument.startswith(f"--{name}="):
            return argument.partition("=")[2]
    return os.environ.get("STREAMLIT_" + re.sub(r"(?=[A-Z])|\.", "_", name).upper())


def free_port(address: str) -> int:
    """Return the first free port from 8501 on, as Streamlit looks for one: the printed link has to be right."""
    for port in range(FIRST_PORT, FIRST_PORT + PORTS):
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError:
                continue
            return port
    raise SystemExit(f"No port from {FIRST_PORT} to {FIRST_PORT + PORTS - 1} is free. Name one: --server.port PORT")


def own_address() -> str:
    """Return the address of this machine in its network; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # of the addresses for documentation: nobody has it
            return str(probe.getsockname()[0])
        except OSError:
            return socket.gethostname()


def chosen_token() -> str:
    """Return the token of the environment, or a new one; "" where a login is configured and no token was given.

    Raises:
        SystemExit: The token of the environment is too short to be safe, or does not fit in a link; or it is not
            known whether a login is configured.
    """
    login = login_settings()
    if login is None:
        raise SystemExit(UNREADABLE)
    given = os.environ.get(TOKEN_VARIABLE, "")
    if given and not _TOKEN.fullmatch(given):
        what = f"{TOKEN_VARIABLE} is not used: it needs at least 32 characters of A–Z, a–z, 0–9, - and _."
        raise SystemExit(f"{what} Leave it out, and one is made.")
    return given or ("" if login else secrets.token_urlsafe(32))


def links(arguments: Sequence[str], address: str, port: str, token: str) -> list[str]:
    """Return the links under which visitors open the page."""
    public = option(arguments, "browser.serverAddress")
    hosts = [public] if public else [own_address(), "localhost"] if address in EVERYWHERE else [address]
    base = (option(arguments, "server.baseUrlPath") or st.get_option("server.baseUrlPath") or "").strip("/")
    shown = option(arguments, "browser.serverPort") or port
    has_certificate = option(arguments, "server.sslCertFile") or st.get_option("server.sslCertFile")
    scheme = "https" if has_certificate or shown == HTTPS_PORT else "http"
    at = "" if (scheme, shown) in (("https", HTTPS_PORT), ("http", "80")) else f":{shown}"
    query = "?" + urlencode({TOKEN: token}) if token else ""
    place = "/" + (f"{base}/" if base else "")
    return [f"{scheme}://{f'[{host}]' if ':' in host else host}{at}{place}{query}" for host in hosts]


def start(arguments: Sequence[str]) -> None:
    """Replace this process by Streamlit, with the modes that ``arguments`` name."""
    rest = [argument for argument in arguments if argument not in (SHARE, READ_ONLY)]
    if READ_ONLY in arguments:
        os.environ[READ_ONLY_VARIABLE] = "1"
    if is_read_only() and option(rest, "server.maxUploadSize") is None:
        rest += ["--server.maxUploadSize", str(UPLOAD_MB)]
    if SHARE in arguments:
        rest = _shared(rest)
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "streamlit", "run", str(APP), *rest])  # noqa: S606 - no shell


def _shared(rest: list[str]) -> list[str]:
    """Set the token, print the links, and return the arguments of Streamlit."""
    token, address = chosen_token(), option(rest, "server.address")
    if address is None:
        address = EVERYWHERE[0]
        rest = [*rest, "--server.address", address]
    port = option(rest, "server.port")
    if port is None:
        port = str(free_port(address))
        rest = [*rest, "--server.port", port]
    os.environ[TOKEN_VARIABLE] = token
    who = "Whoever has this link can use the page" if token else "Visitors log in, as secrets.toml says"
    print(f"{who}{' (read-only)' if is_read_only() else ''}. It opens in a few seconds:")  # noqa: T201
    for link in links(rest, address, port, token):
        print(f"  {link}")  # noqa: T201
    # Streamlit's own welcome has no token, and asks a server on the internet for this machine's address.
    quiet = {"server.headless": "true", "logger.hideWelcomeMessage": "true"}
    for name, value in quiet.items():
        rest += [] if option(rest, name) else [f"--{name}", value]
    return rest


if __name__ == "__main__":
    start(sys.argv[1:])
