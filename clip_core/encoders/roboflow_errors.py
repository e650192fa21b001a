"""Error messages for an inference server: its own reason, what that means, and the next step.

The server's own reason comes first, shortened, without keys and without pictures that it repeats.
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

from clip_core.errors import ServerBusyError, ServerError
from clip_core.text import duration_text, single_line

MAX_WORDS = 150
MAX_BODY_BYTES = 64 * 2**10
MAX_PAGE = 8_000
"""So many characters of a web page are searched for words."""
MAX_DEPTH = 4
SENTENCE_ENDS = (".", "!", "?", "…")
REDACTED = "[key]"
BUSY = (429, 502, 503, 504)
START = "Is the server started? pip install inference-cli && inference server start"
KEY = "Check roboflow_api_key in config.yaml, or the environment's ROBOFLOW_API_KEY."
WEIGHTS = "It needs Internet access once, a valid key, or a cache of the weights."
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
# Everything of a web page but its texts; what is cut off in the middle counts to the end.
_MARKUP = re.compile(r"<(script|style)\b.*?(</\1\s*>|\Z)|<!--.*?(-->|\Z)|<[^>]*(>|\Z)", re.IGNORECASE | re.DOTALL)
_LONG_RUN = re.compile(r"[\w+/=-]{60,}")  # base64 of a picture, or part of it
# Keys that are not ours, such as the server's own: in addresses, in JSON, in headers.
_OTHER_KEYS = re.compile(
    r"""((?:api[_-]?key|authorization)["']?\s*[=:]\s*["']?(?:(?:Basic|Bearer|Token)\s+)?|\bBearer\s+)[^\s&"',;}]+""",
    re.IGNORECASE,
)

# Status → what happened, and the next step.
_STATUSES = {
    400: ("cannot read what was sent", "Update the server, or try another clip_version."),
    401: ("refused the key", KEY),
    402: ("says that the account has no credits left", "Add credits, or use a server of your own."),
    403: ("does not allow this", KEY),
    404: ("does not know this model or this address", "Check clip_version and inference_url in config.yaml."),
    405: ("does not accept requests for vectors", ANOTHER),
    407: ("is behind a proxy that wants a password", "Set HTTPS_PROXY or NO_PROXY in the environment."),
    408: ("did not get the whole request in time", f"The network may be slow. {LATER}"),
    413: ("rejects the request as too large", "A proxy in front of it may have a limit: raise it."),
    422: ("did not understand the request", "Its version may be too old or too new: update it."),
    429: ("was asked too often", LATER),
    500: (
        "failed internally",
        "Look at its own log. Many invalid requests fail like this, such as an unknown clip_version.",
    ),
    501: ("cannot do this", "Its log says more. Another image of the server may fit its hardware."),
    502: ("cannot be reached behind its gateway", LATER),
    503: ("is too busy, or just starting", LATER),
    504: ("took too long for its gateway", LATER),
    511: ("cannot be reached: the network wants a login", "Log in to the network in a browser, then try again."),
}
_REASON_NAMES = ("message", "detail", "error", "errors", "msg", "title", "reason", "error_description", "description")
_BROKEN_GATEWAY = range(520, 531)  # Cloudflare's own
# Statuses, what the server's reason contains, what that means, and the next step: these come before the table above.
_REASONS = (
    (
        range(500, 600),
        re.compile(
            r"(roboflow|repo)[ .]api|api\.roboflow|hugging ?face|retrieve model|download(?!ing)"
            r"|(fetch|find|get|load|missing|no)\b.{0,40}\bweights"
            r"|weights\b.{0,40}\b(missing|not (?!yet|ready)|unavailable)",
            re.IGNORECASE,
        ),
        "cannot fetch the CLIP weights",
        WEIGHTS,
    ),
    (range(400, 401), re.compile(r"api[ _-]?key", re.IGNORECASE), "wants a key", KEY),
)
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

    def error(
        self,
        what: str,
        next_step: str,
        status: int | None = None,
        words: str = "",
        *,
        page: bool = False,
        kind: type[ServerError] = ServerError,
    ) -> ServerError:
        """Return an error that names this server.

        Args:
            what: What happened; continues the sentence after the server's name, or after "It".
            next_step, status: See ServerError.
            words: The server's own reason.
            page: Whether the reason is from a web page, which is rarely the server's own.
            kind: The class of the error.
        """
        words = single_line(_LONG_RUN.sub("…", redacted(words, self.key)), MAX_WORDS)
        quoted = f"“{words}”" if words.endswith(SENTENCE_ENDS) else f"“{words}”."
        name = f"The inference server at {single_line(urlsplit(self.address).netloc, 50)}"
        if not words:
            text = f"{name} {what}."
        elif page:
            text = f"{name} {what}. The page says: {quoted}"
        else:
            text = f"{name} says: {quoted} It {what}."
        error = kind(text, next_step)
        error.status, error.reason = status, words
        return error

    def refused(
        self,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
        wait_s: float | None = None,
        until: str = "",
    ) -> ServerError:
        """Return the error for an answer whose status is not 200; ``wait_s`` and ``until``: see ServerBusyError."""
        if 300 <= status < 400:
            return self.error(f"redirects to {self._target(headers)}, which is not followed", MOVED, status)
        words, page = _words(headers, body), is_html(headers, body)
        what, next_step = _meaning(status, "" if page else words)
        helps = next_step == LATER  # else it says itself that a wait is no help
        if wait_s and helps:
            next_step = f"It asks to wait until {until} ({duration_text(wait_s)}). What is embedded is kept."
        kind = ServerBusyError if status in BUSY else ServerError
        error = self.error(what, next_step, status, words, page=page, kind=kind)
        if isinstance(error, ServerBusyError) and helps:
            error.wait_s, error.until = wait_s, until
        return error

    def no_answer(self, problem: str, headers: Mapping[str, str], body: bytes) -> ServerError:
        """Return the error for an answer of status 200 without usable JSON."""
        words = _words(headers, body)
        if is_html(headers, body):
            step = f"A proxy or another program answers there. {ADDRESS}"
            return self.error("answered with a web page", step, 200, words, page=True)
        return self.error(problem, ANOTHER, 200, words)

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
    """Replace ``key`` in ``text``, in every encoding in which a server may repeat it, ignoring case; and other keys."""
    if key:
        raw, written = key.encode("utf-8", "replace"), json.dumps(key)[1:-1]
        forms = {key, written, written.replace("/", "\\/"), repr(key)[1:-1], html.escape(key)}
        forms |= {quote(key, safe=""), quote(key), quote_plus(key), raw.hex()}
        forms |= {base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()}
        longest_first = sorted(map(re.escape, forms), key=len, reverse=True)
        text = re.sub("|".join(longest_first), REDACTED, text, flags=re.IGNORECASE)
    return _OTHER_KEYS.sub(rf"\1{REDACTED}", text)


def is_html(headers: Mapping[str, str], body: bytes) -> bool:
    """Return whether an answer is a web page."""
    return "html" in headers.get("Content-Type", "").lower() or body.lstrip()[:1] == b"<"


def _meaning(status: int, reason: str) -> tuple[str, str]:
    """Return what a status, or what the server says with it, means, and the next step."""
    for statuses, said, what, next_step in _REASONS:
        if status in statuses and said.search(reason):
            return f"{what} ({status})", next_step
    if status in _STATUSES:
        what, next_step = _STATUSES[status]
        return f"{what} ({status})", next_step
    if status in _BROKEN_GATEWAY:
        return f"cannot be reached behind its gateway ({status})", LATER
    return f"answered with status {status}", f"Look at its log. {ADDRESS}"


def _words(headers: Mapping[str, str], body: bytes) -> str:
    """Return the reason in an answer that has no vectors, without what it repeats of the request."""
    if headers.get("Content-Encoding", "identity").lower() != "identity":
        return ""  # compressed, although that was not allowed
    text = body[:MAX_BODY_BYTES].decode("utf-8-sig", "replace").strip()
    if is_html(headers, body):
        pieces = (" ".join(html.unescape(piece).split()) for piece in _MARKUP.sub("\0", text[:MAX_PAGE]).split("\0"))
        return " ".join(dict.fromkeys(filter(None, pieces)))
    try:
        return reason_in(json.loads(text))
    except (ValueError, RecursionError):
        return "" if text.startswith(("{", "[")) else text  # truncated JSON may repeat the request


def reason_in(answer: object, depth: int = 0) -> str:
    """Return the reason in a JSON answer: the first text under a usual name, or the first two of a list."""
    if isinstance(answer, str):
        return answer
    if isinstance(answer, list):
        answer = {"detail": answer}
    if not isinstance(answer, dict) or depth > MAX_DEPTH:
        return ""
    by_name = {str(name).lower(): value for name, value in answer.items()}
    for name in _REASON_NAMES:
        value = by_name.get(name)
        entries = value[:2] if isinstance(value, list) else [value]
        if name == "detail" and isinstance(value, list):
            entries = [entry for entry in entries if not isinstance(entry, str)]  # they may repeat the request
        if found := "; ".join(filter(None, (_complaint(entry, depth) for entry in entries))):
            return found
    return ""


def _complaint(entry: object, depth: int) -> str:
    """Return the reason in one entry of a list of errors, after its place in the request."""
    where = entry.get("loc") if isinstance(entry, dict) else None
    place = " ".join(str(part)[:20] for part in where[:4]) if isinstance(where, list) else ""
    return f"{place}: {reason_in(entry, depth + 1)}".strip(": ")
