"""Error messages for an inference server: what happened, and the next step.

The server's own message comes last, shortened, without the key and without pictures that it repeats.
"""

from __future__ import annotations

import base64
import html
import json
import re
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import BadStatusLine, HTTPException, RemoteDisconnected
from urllib.parse import quote, quote_plus, urljoin, urlsplit

from requests import exceptions
from urllib3.exceptions import LocationValueError, NewConnectionError, ProtocolError, ReadTimeoutError, SSLError

from clip_core.errors import ServerError
from clip_core.text import single_line

MAX_WORDS = 150
START = "Is the server started? pip install inference-cli && inference server start"
KEY = "Check roboflow_api_key in config.yaml, or the environment's ROBOFLOW_API_KEY."
MOVED = "Put the address where it ends into inference_url, if you trust it."
ADDRESS = "Check inference_url in config.yaml."
ANOTHER = f"Another program may listen there. {ADDRESS}"
CERTIFICATE = "Check its certificate, and whether it is https:// or http:// in inference_url."
SURROUNDINGS = "Check inference_url in config.yaml, and in the environment the proxies and REQUESTS_CA_BUNDLE."
LATER = "Wait a little and try again; what is embedded is kept."
UNKNOWN_NAME = ("cannot be found: no such host name", f"{ADDRESS} Is there a network?")
SLOW = ("did not answer in time", f"It may be fetching the model's weights. {LATER}")
AGAIN = "It may have stopped: start it again (inference server start); what is embedded is kept."
BROKEN_OFF = ("broke off in the middle of an answer", AGAIN)
_LONG_RUN = re.compile(r"[\w+/=-]{60,}")  # base64 of a picture, or part of it

# Status → what happened, and the next step.
_STATUSES = {
    400: ("cannot read what was sent", "Update the server, or try another clip_version."),
    401: ("refused the key", KEY),
    402: ("says that the account has no credits left", "Add credits, or use a server of your own."),
    403: ("does not allow this", KEY),
    404: ("does not know this model or this address", "Check clip_version and inference_url in config.yaml."),
    405: ("does not accept requests for vectors", ANOTHER),
    407: ("is behind a proxy that wants a password", "Set HTTPS_PROXY or NO_PROXY in the environment."),
    413: ("rejects the request as too large", "A proxy in front of it may have a limit: raise it."),
    422: ("did not understand the request", "Its version may be too old or too new: update it."),
    429: ("was asked too often", LATER),
    500: (
        "failed internally",
        "Look at its own log. Many invalid requests fail like this, such as an unknown clip_version.",
    ),
    502: ("cannot be reached behind its gateway", LATER),
    503: ("is too busy, or just starting", LATER),
    504: ("took too long for its gateway", LATER),
}
# Exceptions, what happened, and the next step. The first row that matches an error in the chain of causes applies.
_FAILURES: tuple[tuple[tuple[type[BaseException], ...], str, str], ...] = (
    ((exceptions.ProxyError,), "cannot be reached: the proxy failed", "Check HTTP_PROXY, HTTPS_PROXY and NO_PROXY."),
    ((SSLError, ssl.SSLError), "cannot be reached securely: TLS failed", f"{CERTIFICATE} {{certificate}}"),
    ((socket.gaierror, exceptions.InvalidURL, LocationValueError, UnicodeError), *UNKNOWN_NAME),
    ((exceptions.ConnectTimeout,), "does not accept the connection", f"{ADDRESS} Is a firewall in between?"),
    ((ConnectionRefusedError,), "refuses connections", START),
    ((exceptions.ReadTimeout, ReadTimeoutError, TimeoutError), *SLOW),
    ((NewConnectionError,), "cannot be reached ({system})", ADDRESS),
    ((RemoteDisconnected,), *BROKEN_OFF),  # before BadStatusLine, its base class
    ((BadStatusLine,), "does not speak HTTP", ANOTHER),
    ((ProtocolError, HTTPException, ConnectionError), *BROKEN_OFF),
    ((BaseException,), "cannot be queried ({name})", SURROUNDINGS),
)


@dataclass(frozen=True)
class ServerErrors:
    """Makes the error messages of the server at an address; none of them contains the API key."""

    address: str
    key: str = field(repr=False)

    def error(self, what: str, next_step: str, status: int | None = None, words: str = "") -> ServerError:
        """Return an error that names this server.

        Args:
            what: What happened; continues the sentence after the server's name.
            next_step, status: See ServerError.
            words: The server's own message.
        """
        words = single_line(_LONG_RUN.sub("…", redacted(words, self.key)), MAX_WORDS)
        said = f" It said: {words}" if words else ""
        name = f"The inference server at {single_line(urlsplit(self.address).netloc, 50)}"
        error = ServerError(f"{name} {what}.", f"{next_step}{said}")
        error.status = status
        return error

    def refused(self, status: int, headers: Mapping[str, str], body: bytes) -> ServerError:
        """Return the error for an answer whose status is not 200."""
        if 300 <= status < 400:
            return self.error(f"redirects to {self._target(headers)}, which is not followed", MOVED, status)
        words = "" if is_html(headers, body) else _words(body)
        if status in _STATUSES:
            what, next_step = _STATUSES[status]
            return self.error(f"{what} ({status})", next_step, status, words)
        return self.error(f"answered with status {status}", f"Look at its log. {ADDRESS}", status, words)

    def no_answer(self, problem: str, headers: Mapping[str, str], body: bytes) -> ServerError:
        """Return the error for an answer of status 200 without usable JSON."""
        if is_html(headers, body):
            return self.error("answered with a web page", f"A proxy or another program answers there. {ADDRESS}", 200)
        return self.error(problem, ANOTHER, 200)

    def broken(self, error: BaseException) -> ServerError:
        """Return the error for an exchange that failed below HTTP."""
        chain = [error]
        while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None and cause not in chain:
            chain.append(cause)
        what, next_step = next(row for kinds, *row in _FAILURES if any(isinstance(cause, kinds) for cause in chain))
        certificate = next((e.verify_message for e in chain if isinstance(e, ssl.SSLCertVerificationError)), "")
        system = next((e.strerror for e in chain if isinstance(e, OSError) and e.strerror), "no way there")
        what = what.format(system=single_line(system, 60), name=type(error).__name__)
        return self.error(what, next_step.format(certificate=certificate).strip())

    def _target(self, headers: Mapping[str, str]) -> str:
        try:
            host = urlsplit(urljoin(self.address, headers.get("Location", ""))).hostname
        except ValueError:
            host = None
        return single_line(redacted(host or "", self.key), 60) or "nowhere"


def redacted(text: str, key: str) -> str:
    """Replace ``key`` in ``text``, in every encoding in which a server may repeat it, ignoring case."""
    if not key:
        return text
    raw, written = key.encode("utf-8", "replace"), json.dumps(key)[1:-1]
    forms = {key, written, written.replace("/", "\\/"), repr(key)[1:-1], html.escape(key)}
    forms |= {quote(key, safe=""), quote_plus(key), raw.hex()}
    forms |= {base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()}
    longest_first = sorted(map(re.escape, forms), key=len, reverse=True)
    return re.sub("|".join(longest_first), "[key]", text, flags=re.IGNORECASE)


def is_html(headers: Mapping[str, str], body: bytes) -> bool:
    """Return whether an answer is a web page."""
    return "html" in headers.get("Content-Type", "").lower() or body.lstrip()[:1] == b"<"


def _words(body: bytes) -> str:
    """Return the message in an error's body, without what it repeats of the request."""
    text = body.decode("utf-8", "replace").strip()
    if not text.startswith(("{", "[")):
        return text
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        return ""  # truncated JSON, which may repeat the request
    if not isinstance(answer, dict):
        return ""
    detail = answer.get("detail")
    if isinstance(detail, list):
        return "; ".join(_complaint(entry) for entry in detail[:2])
    return next((answer[name] for name in ("message", "detail", "error") if isinstance(answer.get(name), str)), "")


def _complaint(entry: object) -> str:
    if not isinstance(entry, dict):
        return ""
    where = entry.get("loc")
    place = " ".join(str(part)[:20] for part in where[:4]) if isinstance(where, list) else ""
    return f"{place}: {entry.get('msg', '')}".strip(": ")
