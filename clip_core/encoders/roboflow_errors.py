"""What goes wrong between here and an inference server, in words: what happened, and the next step.

The server's own words come last, short, without the key and without the pictures that it repeats.
"""

from __future__ import annotations

import base64
import html
import json
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from http.client import BadStatusLine, HTTPException, RemoteDisconnected
from urllib.parse import quote, quote_plus, urljoin, urlsplit

import requests
from urllib3.exceptions import LocationValueError, NewConnectionError, ProtocolError, ReadTimeoutError, SSLError

from clip_core.errors import ServerError
from clip_core.text import single_line

MAX_WORDS = 150
START = "Is the server started? pip install inference-cli && inference server start"
KEY = "Check roboflow_api_key in config.yaml, or the environment's ROBOFLOW_API_KEY."
MOVED = "Put the address where it ends into inference_url, if you trust it."
ADDRESS = "Check inference_url in config.yaml."
AGAIN = "It may have stopped: start it again (inference server start); what is embedded is kept."
SURROUNDINGS = "Check inference_url in config.yaml, and in the environment the proxies and REQUESTS_CA_BUNDLE."
LATER = "Wait a little and try again; what is embedded is kept."
_LONG_RUN = re.compile(r"[\w+/=-]{60,}")  # a picture, or a part of one

# status → what happened, and the next step.
_STATUSES = {
    400: ("cannot read what was sent", "Update the server, or try another clip_version."),
    401: ("refused the key", KEY),
    402: ("says that the account has no credits left", "Add credits, or use a server of your own."),
    403: ("does not allow this", KEY),
    404: ("does not know this model or this address", "Check clip_version and inference_url in config.yaml."),
    405: ("does not take requests for vectors", f"Another program may listen there. {ADDRESS}"),
    407: ("is behind a proxy that wants a password", "Set HTTPS_PROXY or NO_PROXY in the environment."),
    413: ("found the request too large", "A proxy before it may have a limit: raise that."),
    422: ("did not understand the request", "Its version may be too old or too new: update it."),
    429: ("was asked too often", LATER),
    500: ("failed inside", "Look at its own log: many wrong requests end so, an unknown clip_version too."),
    502: ("is not there behind its gateway", LATER),
    503: ("is too busy, or just starting", LATER),
    504: ("took too long for its gateway", LATER),
}


class Redactor:
    """Takes a key out of foreign words, however they write it.

    Args:
        key: The key; "" if there is none.
    """

    def __init__(self, key: str) -> None:
        raw = key.encode("utf-8", "replace")
        written = json.dumps(key)[1:-1]
        forms = {key, written, written.replace("/", "\\/"), quote(key, safe=""), quote_plus(key), html.escape(key)}
        forms |= {base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode(), raw.hex(), repr(key)[1:-1]}
        ordered = sorted(map(re.escape, forms), key=len, reverse=True)
        self._forms = re.compile("|".join(ordered), re.IGNORECASE) if key else None

    def __call__(self, text: str) -> str:
        """The text with every form of the key replaced."""
        return text if self._forms is None else self._forms.sub("[key]", text)


class Faults:
    """Makes the errors of one server.

    Args:
        address: Its address, as in ``Config.inference_url``.
        key: What must stand in no message.
    """

    def __init__(self, address: str, key: str) -> None:
        self._redact = Redactor(key)
        self._address = address
        self._name = f"The inference server at {single_line(urlsplit(address).netloc, 50)}"

    def error(self, what: str, next_step: str, status: int | None = None, words: str = "") -> ServerError:
        """An error of this server.

        Args:
            what: What it did, to follow its name.
            next_step: What to do.
            status: The HTTP status, if there was an answer.
            words: Its own words.
        """
        words = single_line(_LONG_RUN.sub("…", self._redact(words)), MAX_WORDS)
        said = f" It said: {words}" if words else ""
        return ServerError(f"{self._name} {what}.", f"{next_step}{said}", status)

    def refused(self, status: int, headers: Mapping[str, str], body: bytes) -> ServerError:
        """The error for an answer that is not 200."""
        if 300 <= status < 400:
            return self.error(f"sends on to {self._target(headers)}; that is not followed", MOVED, status)
        words = "" if is_html(headers, body) else _words(body)
        known = _STATUSES.get(status)
        if known is not None:
            return self.error(f"{known[0]} ({status})", known[1], status, words)
        return self.error(f"answered with status {status}", f"Look at its log. {ADDRESS}", status, words)

    def no_answer(self, problem: str, headers: Mapping[str, str], body: bytes) -> ServerError:
        """The error for an answer of status 200 that holds no vectors."""
        if is_html(headers, body):
            return self.error("answered with a web page", f"A proxy or another program answers there. {ADDRESS}", 200)
        return self.error(problem, f"Another program may listen there. {ADDRESS}", 200)

    def broken(self, error: BaseException) -> ServerError:
        """The error for an exchange that failed below HTTP."""
        chain = list(_chain(error))
        if _any(chain, requests.exceptions.ProxyError):
            return self.error("is not reached: the proxy fails", "Check HTTP_PROXY, HTTPS_PROXY and NO_PROXY.")
        if _any(chain, SSLError, ssl.SSLError):
            reason = next((str(e.verify_message) for e in chain if isinstance(e, ssl.SSLCertVerificationError)), "")
            step = f"Check its certificate, and whether it is https:// or http:// in inference_url. {reason}"
            return self.error("is not reached safely: TLS fails", step.strip())
        if _any(chain, socket.gaierror, requests.exceptions.InvalidURL, LocationValueError, UnicodeError):
            return self.error("is not found: no such name", f"{ADDRESS} Is there a network?")
        if _any(chain, requests.exceptions.ConnectTimeout):
            return self.error("does not pick up", f"{ADDRESS} Is a firewall in between?")
        if _any(chain, ConnectionRefusedError):
            return self.error("refuses connections", START)
        if _any(chain, requests.exceptions.ReadTimeout, ReadTimeoutError, TimeoutError):
            return self.slow()
        return self._cut_off(chain)

    def _cut_off(self, chain: list[BaseException]) -> ServerError:
        if _any(chain, NewConnectionError):
            reason = next((e.strerror for e in chain if isinstance(e, OSError) and e.strerror), "no way there")
            return self.error(f"is not reached ({single_line(reason, 60)})", ADDRESS)
        if _any(chain, BadStatusLine) and not _any(chain, RemoteDisconnected):
            return self.error("does not speak HTTP", f"Another program may listen there. {ADDRESS}")
        if _any(chain, ProtocolError, HTTPException, ConnectionError):
            return self.error("broke off in the middle of an answer", AGAIN)
        return self.error(f"cannot be asked ({type(chain[0]).__name__})", SURROUNDINGS)

    def slow(self) -> ServerError:
        """The error for an answer that did not come in time."""
        return self.error("did not answer in time", f"It may be fetching the model's weights. {LATER}")

    def _target(self, headers: Mapping[str, str]) -> str:
        try:
            host = urlsplit(urljoin(self._address, headers.get("Location", ""))).hostname
        except ValueError:
            host = None
        return single_line(self._redact(host or ""), 60) or "nowhere"


def is_html(headers: Mapping[str, str], body: bytes) -> bool:
    """Whether an answer is a web page."""
    return "html" in headers.get("Content-Type", "").lower() or body.lstrip()[:1] == b"<"


def _words(body: bytes) -> str:
    """What an error's body says, without what it repeats of the request."""
    text = body.decode("utf-8", "replace").strip()
    if not text.startswith(("{", "[")):
        return text
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return ""  # cut short, and then it may be the request that it repeats
    if not isinstance(told, dict):
        return ""
    detail = told.get("detail")
    if isinstance(detail, list):
        return "; ".join(_complaint(entry) for entry in detail[:2])
    return next((told[name] for name in ("message", "detail", "error") if isinstance(told.get(name), str)), "")


def _complaint(entry: object) -> str:
    if not isinstance(entry, dict):
        return ""
    where = entry.get("loc")
    place = " ".join(str(part)[:20] for part in where[:4]) if isinstance(where, list) else ""
    return f"{place}: {entry.get('msg', '')}".strip(": ")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and those that it came from."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _any(chain: list[BaseException], *kinds: type[BaseException]) -> bool:
    return any(isinstance(error, kinds) for error in chain)
