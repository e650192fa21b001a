"""The way to a Roboflow Inference server: one request there and back, within limits of time, size and patience."""

from __future__ import annotations

import ipaddress
import json
import logging
import os
import queue
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3 import HTTPResponse
from urllib3.exceptions import HTTPError

from clip_core.encoders.deadline import Deadline, WatchedAdapter
from clip_core.encoders.roboflow_errors import Faults
from clip_core.text import size_text

IN_FLIGHT = 2
MAX_ANSWER_BYTES = 8 * 2**20
MAX_ERROR_BYTES = 64 * 2**10
BUSY = (429, 502, 503, 504)
OK = 200

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Patience:
    """How long to wait for what.

    Attributes:
        connect_s: For a connection.
        read_s: For the next piece of an answer; the first may have to wait for the model's weights.
        whole_s: For one exchange from its beginning to its end.
        retries: How often a server that says it is busy is asked again.
        first_wait_s: Before the first of them; each next wait is twice as long, unless the server names one.
        waits_s: For all waits of one request together.
        sleep: Waits so many seconds.
        now: Seconds since 1970.
    """

    connect_s: float = 5.0
    read_s: float = 120.0
    whole_s: float = 150.0
    retries: int = 3
    first_wait_s: float = 0.5
    waits_s: float = 30.0
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.time


class InferenceServer:
    """Posts JSON to a server, at most two requests at once however many threads ask. The key goes into the body alone.

    Attributes:
        host: Its host and port, to show.
        sends_to: The same without a port that is the scheme's own, and whether the way there is encrypted; None if
            it is this machine.
        faults: Makes its errors.

    Args:
        address: As in ``Config.inference_url``.
        key: Its key; "" sends none.
        patience: How long to wait for what.
    """

    def __init__(self, address: str, key: str, patience: Patience | None = None) -> None:
        parts = urlsplit(address)
        host, usual = parts.hostname or "", 443 if parts.scheme == "https" else 80
        shown, port = f"[{host}]" if ":" in host else host, parts.port or usual
        self.host = f"{shown}:{port}"
        here = is_loopback(host)
        where = shown if port == usual else self.host
        self.sends_to = None if here else where if parts.scheme == "https" else f"{where} (http, not encrypted)"
        self.faults = Faults(address, key)
        self._address, self._key = address, key
        self._patience = patience or Patience()
        self._sessions: queue.LifoQueue[requests.Session] = queue.LifoQueue()
        for _ in range(IN_FLIGHT):
            self._sessions.put(_session(through_proxy=not here))

    def __repr__(self) -> str:
        return f"InferenceServer({self.host})"

    def post(self, path: str, body: Mapping[str, object]) -> dict[str, Any]:
        """Ask once; again, after a while, where the server says that it is busy.

        Args:
            path: Such as "/clip/embed_text".
            body: JSON values; the key is added here.

        Returns:
            The JSON object of its answer.

        Raises:
            ServerError: It is not reached, refuses, is too slow, or answers with no JSON object.
        """
        keyed = {"api_key": self._key, **body} if self._key else body
        data = json.dumps(keyed).encode()
        waits = self._waits()
        with self._borrowed() as session:
            while True:
                status, headers, answer = self._exchange(session, path, data)
                if status == OK:
                    return self._object(headers, answer)
                wait_s = waits(headers) if status in BUSY else None
                if wait_s is None:
                    raise self.faults.refused(status, headers, answer)
                _log.info("%s is busy (%d): asked again in %.1f s", self.host, status, wait_s)
                self._patience.sleep(wait_s)

    @contextmanager
    def _borrowed(self) -> Iterator[requests.Session]:
        session = self._sessions.get()
        try:
            yield session
        finally:
            self._sessions.put(session)

    def _waits(self) -> Callable[[Mapping[str, str]], float | None]:
        """What says, from the headers of a busy answer, how long to wait; None once patience is at its end."""
        patience, left_s, tries = self._patience, self._patience.waits_s, 0

        def next_wait(headers: Mapping[str, str]) -> float | None:
            nonlocal left_s, tries
            if tries >= patience.retries or left_s <= 0:
                return None
            asked_s = retry_after(headers.get("Retry-After", ""), patience.now())
            wait_s = min(left_s, patience.first_wait_s * 2**tries if asked_s is None else asked_s)
            left_s, tries = left_s - wait_s, tries + 1
            return wait_s

        return next_wait

    def _exchange(self, session: requests.Session, path: str, data: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """One request and its answer: status, headers, and as much of the body as is of use."""
        deadline = Deadline(self._patience.whole_s)
        try:
            with deadline:
                found = self._send(session, path, data)
        except (requests.RequestException, HTTPError, OSError, UnicodeError) as error:
            raise (self.faults.slow() if deadline.passed else self.faults.broken(error)) from error
        if found[0] == OK and len(found[2]) > MAX_ANSWER_BYTES:
            raise self.faults.no_answer(f"answered with more than {size_text(MAX_ANSWER_BYTES)}", found[1], found[2])
        return found

    def _send(self, session: requests.Session, path: str, data: bytes) -> tuple[int, Mapping[str, str], bytes]:
        url = self._address + path
        headers = {"Content-Type": "application/json", "Accept": "application/json", "Accept-Encoding": "identity"}
        request = requests.Request("POST", url, data=data, headers=headers).prepare()
        settings = session.merge_environment_settings(url, {}, None, None, None)
        # By the adapter itself: the session would read the whole body of a redirect, and add passwords from ~/.netrc.
        response = session.get_adapter(url).send(
            request,
            stream=True,
            timeout=(self._patience.connect_s, self._patience.read_s),
            verify=settings["verify"] or True,
            proxies=settings["proxies"],
        )
        with closing(response):
            status = response.status_code
            most = MAX_ANSWER_BYTES if status == OK else MAX_ERROR_BYTES
            return status, response.headers, b"".join(_pieces(response.raw, most + 1))

    def _object(self, headers: Mapping[str, str], answer: bytes) -> dict[str, Any]:
        try:
            value = json.loads(answer)
        except (ValueError, RecursionError) as error:
            raise self.faults.no_answer("answered with what is not JSON", headers, answer) from error
        if not isinstance(value, dict):
            raise self.faults.no_answer("answered with no JSON object", headers, answer)
        return value


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its name or number alone; other spellings count as elsewhere."""
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def retry_after(value: str, now: float) -> float | None:
    """Seconds that a Retry-After header asks for: a number or a date; None if it is neither.

    Args:
        value: The header.
        now: Seconds since 1970.
    """
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now)


def _pieces(raw: HTTPResponse, most: int) -> Iterator[bytes]:
    """At most ``most`` bytes of a body. Only the read after the last byte finds out that some are missing."""
    while most > 0:
        piece = raw.read(most, decode_content=False)
        if not piece:
            return
        most -= len(piece)
        yield piece


def _session(through_proxy: bool) -> requests.Session:
    session = requests.Session()
    session.trust_env = through_proxy  # frames for this machine are no business of a proxy
    # What trust_env would read, too: whom to believe is no matter of where the server is.
    session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
    for scheme in ("http://", "https://"):
        session.mount(scheme, WatchedAdapter(pool_connections=1, pool_maxsize=1))
    return session
