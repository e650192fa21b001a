"""HTTP client of a Roboflow Inference server, with limits on time and on the size of answers."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from clip_core.encoders.roboflow_errors import MAX_BODY_BYTES, SLOW, ServerErrors
from clip_core.text import size_text

IN_FLIGHT = 2
MAX_ANSWER_BYTES = 8 * 2**20
LONGEST_WAIT_S = 1e11
"""Some 3,000 years: a longer wait counts as this one, because dates end with the year 9999."""
OK = 200
HEADERS = {"Content-Type": "application/json", "Accept": "application/json", "Accept-Encoding": "identity"}


@dataclass(frozen=True)
class Patience:
    """Timeouts and retries.

    Attributes:
        connect_s: Timeout for connecting.
        read_s: Timeout for the next piece of an answer; the first may have to wait for the model's weights.
        whole_s: Timeout for one whole exchange.
        retries: How often a busy server is asked again silently before it gives a vector.
        first_wait_s: Wait before the first retry; it doubles each time, unless the server names a wait.
        waits_s: Limit for all silent waits in a row together. A longer one is not begun.
        silent_s: A longer wait that the server names is told to the listener of ``on_wait``, if there is one.
        sleep: Waits for a number of seconds.
        now: Returns seconds since 1970.
    """

    connect_s: float = 5.0
    read_s: float = 120.0
    whole_s: float = 150.0
    retries: int = 3
    first_wait_s: float = 0.5
    waits_s: float = 30.0
    silent_s: float = 2.0
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.time


class InferenceServer:
    """Posts JSON to a server, at most two requests at a time over all threads. Only the body contains the key.

    Attributes:
        host: The server's host and port, to show.
        sends_to: The host, with a port that is not the scheme's default, and "(http, not encrypted)" for http; None
            if the server is this machine.
        errors: Makes the error messages.

    Args:
        address, key: As ``inference_url`` and ``roboflow_api_key`` in Config; an empty key is not sent.
        patience: The timeouts and retries.
    """

    def __init__(self, address: str, key: str, patience: Patience | None = None) -> None:
        parts = urlsplit(address)
        host, usual = parts.hostname or "", 443 if parts.scheme == "https" else 80
        shown, port = f"[{host}]" if ":" in host else host, parts.port or usual
        self.host = f"{shown}:{port}"
        self._here = is_loopback(host)
        where = shown if port == usual else self.host
        self.sends_to = None if self._here else where if parts.scheme == "https" else f"{where} (http, not encrypted)"
        self.errors = ServerErrors(address, key)
        self._address, self._key = address, key
        self._patience = patience or Patience()
        self._slots = threading.Semaphore(IN_FLIGHT)
        self._adapter = DeadlineAdapter(pool_connections=1, pool_maxsize=IN_FLIGHT)

    def __repr__(self) -> str:
        return f"InferenceServer({self.host})"

    def post(self, path: str, body: Mapping[str, object]) -> dict[str, Any]:
        """Post JSON and the key once; return the JSON object of the answer.

        Raises:
            ServerBusyError: The server is busy and may answer later.
            ServerError: The server cannot be reached, refuses, is too slow, or its answer is not a JSON object.
        """
        data = json.dumps({"api_key": self._key, **body} if self._key else body).encode()
        with self._slots:
            status, headers, answer = self._exchange(path, data)
        if status == OK:
            return self._object(headers, answer)
        now = self._patience.now()
        wait_s = retry_after(headers.get("Retry-After", ""), now)
        raise self.errors.refused(status, headers, answer, wait_s, "" if wait_s is None else _local(now + wait_s, now))

    def _exchange(self, path: str, data: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """Send one request; return the status, the headers, and the body, read up to just above its size limit."""
        try:
            with Deadline(self._patience.whole_s):
                status, headers, answer = self._send(path, data)
        except TimeoutError as error:
            raise self.errors.error(*SLOW) from error
        except (requests.RequestException, HTTPError, OSError, UnicodeError) as error:
            raise self.errors.broken(error) from error
        if status == OK and len(answer) > MAX_ANSWER_BYTES:
            raise self.errors.no_answer(f"answered with more than {size_text(MAX_ANSWER_BYTES)}", headers, answer)
        return status, headers, answer

    def _send(self, path: str, data: bytes) -> tuple[int, Mapping[str, str], bytes]:
        url = self._address + path
        # Not a session, which would read the whole body of a redirect and add passwords from ~/.netrc.
        response = self._adapter.send(
            requests.Request("POST", url, data=data, headers=HEADERS).prepare(),
            stream=True,
            timeout=(self._patience.connect_s, self._patience.read_s),
            verify=os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True,
            # Frames for this machine must not go through a proxy.
            proxies={} if self._here else requests.utils.get_environ_proxies(url),
        )
        with contextlib.closing(response):
            body, most = bytearray(), MAX_ANSWER_BYTES if response.status_code == OK else MAX_BODY_BYTES
            for piece in response.raw.stream(most + 1, decode_content=False):
                body += piece
                if len(body) > most:
                    break
            return response.status_code, response.headers, bytes(body)

    def _object(self, headers: Mapping[str, str], answer: bytes) -> dict[str, Any]:
        try:
            value = json.loads(answer)
        except (ValueError, RecursionError) as error:
            raise self.errors.no_answer("answered with something that is not JSON", headers, answer) from error
        if not isinstance(value, dict):
            raise self.errors.no_answer("answered without a JSON object", headers, answer)
        return value


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine, by name or IP address, without DNS; other spellings count as remote."""
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def retry_after(value: str, now: float) -> float | None:
    """Return the wait in seconds, 0 to 1e11, from a Retry-After header, a number or a date; None if it is neither."""
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text), LONGEST_WAIT_S)
    try:
        moment = parsedate_to_datetime(text)
        wait_s = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now
    except (ValueError, OverflowError):
        return None
    return min(max(0.0, wait_s), LONGEST_WAIT_S)


def _local(moment: float, now: float) -> str:
    """Return a moment (seconds since 1970) as local time, with the date if it is not today's."""
    then, today = datetime.fromtimestamp(moment).astimezone(), datetime.fromtimestamp(now).astimezone()
    return f"{then:%H:%M:%S}" if then.date() == today.date() else f"{then:%Y-%m-%d %H:%M}"


class Deadline:
    """A time limit for a whole HTTP exchange, after which its connection is shut down.

    The timeouts of requests apply to single reads, so a server that sends a byte per minute never reaches them.
    The limit covers the connections that a DeadlineAdapter uses in the thread of the ``with`` block. After the
    limit the block raises TimeoutError, even if it seemed to succeed or failed with a network error, because a
    connection that was shut down looks ended or reset.

    Attributes:
        passed: Whether the time ran out.
    """

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self._connection: HTTPConnection | None = None
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._shut_down)
        self._timer.name, self._timer.daemon = "deadline", True

    def __enter__(self) -> Self:
        self._token = _current.set(self)
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        self._timer.join()
        _current.reset(self._token)
        if self.passed and (error is None or isinstance(error, OSError | HTTPError)):
            raise TimeoutError("the time is over") from error

    def watch(self, connection: HTTPConnection) -> None:
        """Set the connection to shut down; raise TimeoutError if the time is already over."""
        # Keep the socket too: http.client removes it from the connection while still reading the last answer.
        self._connection, self._socket = connection, connection.sock
        if self.passed:
            raise TimeoutError("the time is over")

    def _shut_down(self) -> None:
        self.passed = True
        for open_socket in (self._socket, getattr(self._connection, "sock", None)):
            if open_socket is not None:
                with contextlib.suppress(OSError):  # closed already
                    # Not SSLSocket's method, which would end TLS while the other thread reads.
                    socket.socket.shutdown(open_socket, socket.SHUT_RDWR)


_current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


class _Connection(HTTPConnection):
    def connect(self) -> None:
        self._watch()
        super().connect()

    def getresponse(self) -> Any:  # noqa: ANN401 - like urllib3
        self._watch()
        return super().getresponse()

    def _watch(self) -> None:
        if deadline := _current.get():
            deadline.watch(self)


class _SecureConnection(_Connection, HTTPSConnection):
    """The same over TLS: HTTPSConnection follows _Connection in the method resolution order."""


_WATCHED = {HTTPConnection: _Connection, HTTPSConnection: _SecureConnection}


class DeadlineAdapter(HTTPAdapter):
    """An adapter for requests whose connections a Deadline can shut down."""

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - like requests
        """Return the connection pool for one request."""
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        pool.ConnectionCls = _WATCHED.get(pool.ConnectionCls, pool.ConnectionCls)
        return pool
