"""A stand-in for a Roboflow Inference server that keeps the contract of shared/facts/inference-server.md.

Vectors come from a picture's colours and a text's hash, not normalised, as the real ones are not. It is strict
where the real one is lax but harmful: what a client should not do is noted in ``wrongs``. Each failure is a switch.
"""

from __future__ import annotations

import atexit
import base64
import hashlib
import io
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import numpy as np
from PIL import Image

SIZES = {
    "RN50": 1024, "RN101": 512, "RN50x4": 640, "RN50x16": 768, "RN50x64": 1024,
    "ViT-B-16": 512, "ViT-B-32": 512, "ViT-L-14": 768, "ViT-L-14-336px": 768,
}  # fmt: skip
MOST_TEXTS, MOST_TOKENS = 8, 75
Json = dict[str, Any]


def tokens(text: str) -> int:
    """About how many tokens a text has: one for every twelve characters of a word, and at least one a word."""
    return sum(-(-len(word) // 12) for word in text.split())


def picture_vector(rgb: np.ndarray, dim: int) -> list[float]:
    halves = [half for row in np.array_split(rgb, 2, axis=0) for half in np.array_split(row, 2, axis=1)]
    colours = np.concatenate([*(half.mean(axis=(0, 1)) / 255 for half in halves), [0.1]])
    vector = colours @ np.random.default_rng(dim).standard_normal((len(colours), dim)) * 7
    return [float(value) for value in vector]


def text_vector(text: str, dim: int) -> list[float]:
    seed = list(hashlib.sha256(text.encode()).digest())
    return [float(value) for value in np.random.default_rng(seed).standard_normal(dim) * 11]


class FakeInferenceServer:
    """Listens on a free port of 127.0.0.1 from birth until it is closed.

    Attributes:
        url: Its address.
        version: As which version it behaves; decides what too long a text and a list of pictures get.
        key: The key that it wants; "" wants none.
        fault: A name in FAULTS, for the requests after the first ``after``, at most ``times`` of them.
        delay_s: What each request takes.
        bodies: The JSON of each request, in order.
        pictures: Each picture as it arrived, uint8 (height, width, 3).
        texts: Each text.
        headers: Of each request.
        connections: How many were opened.
        most_in_flight: How many requests were being answered at once at most.
        wrongs: What a client must not do and did.

    Args:
        certificate: A PEM file with certificate and key, for https.
    """

    def __init__(self, certificate: str = "") -> None:
        self.version: tuple[int, int] = (1, 8)
        self.key = ""
        self.fault, self.after, self.times = "", 0, 1_000_000
        self.headers_sent: dict[str, str] = {}
        self.delay_s = 0.0
        self.bodies: list[Json] = []
        self.pictures: list[np.ndarray] = []
        self.texts: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.wrongs: list[str] = []
        self.most_in_flight = self.connections = 0
        self.gone = threading.Event()
        self._in_flight = 0
        self._lock = threading.Lock()
        self._http = _Listener(("127.0.0.1", 0), _Handler)
        self._http.fake = self
        self.port = self._http.server_address[1]
        self.url = f"http{'s' if certificate else ''}://127.0.0.1:{self.port}"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop as a killed process does: nothing listens, and open connections end."""
        if not self.gone.is_set():
            self.gone.set()
            self._http.shutdown()
            self._http.server_close()
            self._thread.join()

    @property
    def open_connections(self) -> int:
        """How many connections neither side has ended."""
        return len(self._http.open)

    @contextmanager
    def counted(self) -> Iterator[None]:
        with self._lock:
            self._in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self._in_flight)
        try:
            yield
        finally:
            with self._lock:
                self._in_flight -= 1

    def faulty(self) -> str:
        """The fault that the newest request is to get."""
        with self._lock:
            if self.fault and len(self.bodies) > self.after and self.times > 0:
                self.times -= 1
                return self.fault
        return ""

    def answer(self, path: str, body: Json) -> tuple[int, Json]:
        """Status and JSON for a well-formed request."""
        if self.key and body.get("api_key") != self.key:
            return 401, {"status": 401, "message": "Unauthorized access to roboflow API - check API key."}
        version = body.get("clip_version_id")
        if version is None:
            self.wrongs.append("no clip_version_id: the operator's default may be another model")
        if version not in SIZES:
            return 500, {"message": "Internal error."}
        rows: list[list[float]] | tuple[int, Json]
        if path == "/clip/embed_image" and "image" in body:
            rows = self._pictures(body["image"], SIZES[version])
        elif path == "/clip/embed_text" and "text" in body:
            rows = self._texts(body["text"], SIZES[version])
        else:
            return 422, {"detail": [{"type": "missing", "loc": ["body"], "msg": "Field required", "input": body}]}
        if isinstance(rows, tuple):
            return rows
        return 200, {
            "inference_id": None,
            "frame_id": None,
            "time": 0.018,
            "embeddings": rows,
            "resolved_model": f"clip/{version}",
        }

    def _pictures(self, image: Any, dim: int) -> list[list[float]] | tuple[int, Json]:
        if isinstance(image, list):
            self.wrongs.append("several pictures in one request")
            if self.version < (1, 2):
                return [picture_vector(self._decoded(one), dim) for one in image]
            return [picture_vector(np.concatenate([self._decoded(one) for one in image]), dim)]
        try:
            return [picture_vector(self._decoded(image), dim)]
        except (ValueError, OSError, KeyError):
            return 400, {"message": "Could not load the input image."}

    def _decoded(self, image: Json) -> np.ndarray:
        if image["type"] != "base64":
            raise ValueError("only base64 here")
        found = Image.open(io.BytesIO(base64.b64decode(image["value"], validate=True)))
        if found.format != "PNG" or found.mode != "RGB":
            self.wrongs.append(f"a picture of format {found.format} and mode {found.mode}")
        rgb = np.asarray(found.convert("RGB"))
        with self._lock:
            self.pictures.append(rgb)
        return rgb

    def _texts(self, text: Any, dim: int) -> list[list[float]] | tuple[int, Json]:
        texts = [text] if isinstance(text, str) else text
        if len(texts) > MOST_TEXTS:
            self.wrongs.append(f"{len(texts)} texts in one request")
            return 500, {"message": "Internal error."}
        long = [one for one in texts if tokens(one) > MOST_TOKENS]
        if long and self.version < (1, 8):
            return 500, {"message": "Internal error."}
        if long:
            return 400, {"message": f"Input {long[0]} is too long for context length 77"}
        with self._lock:
            self.texts += texts
        return [text_vector(one, dim) for one in texts]


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    fake: FakeInferenceServer

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.open: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self.open.add(request)
        self.fake.connections += 1
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        super().server_close()
        for connection in list(self.open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:  # it has ended itself
                continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that breaks off is no error here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Listener
    disable_nagle_algorithm = True

    def log_message(self, *args: Any) -> None:
        """Nothing is printed."""

    @property
    def fake(self) -> FakeInferenceServer:
        return self.server.fake

    def do_POST(self) -> None:
        with self.fake.counted():
            body = self._body()
            self.fake.bodies.append(body)
            self.fake.headers.append(dict(self.headers))
            if "?" in self.path or (self.fake.key and self.fake.key in self.path):
                self.fake.wrongs.append(f"an address with more than a path: {self.path}")
            if self.fake.delay_s:
                time.sleep(self.fake.delay_s)
            fault = self.fake.faulty()
            if fault:
                FAULTS[fault](self, body)
            elif self.headers.get("Content-Type", "").split(";")[0] != "application/json":
                self.fake.wrongs.append("no Content-Type: application/json")
                self.send(422, {"detail": [{"msg": "Input should be a valid dictionary", "loc": ["body"]}]})
            elif self.fake.gone.is_set():
                self.close_connection = True
            else:
                self.send(*self.fake.answer(self.path, body))

    def do_GET(self) -> None:
        self.fake.wrongs.append(f"GET {self.path}")
        self.send(405, {"detail": "Method Not Allowed"})

    def do_CONNECT(self) -> None:
        """Asked as a proxy for a tunnel, it never gets to the end of its first line."""
        self.drip(b"HTTP/1.1 " + b"2" * 5000)

    def _body(self) -> Json:
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            body = json.loads(data)
        except ValueError:
            self.fake.wrongs.append("a body that is not JSON")
            return {}
        return body if isinstance(body, dict) else {}

    def send(self, status: int, content: Any, kind: str = "application/json", **headers: str) -> None:
        """Answer with JSON, or with bytes as they stand."""
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in {**headers, **self.fake.headers_sent}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def rows(self, body: Json, change: Callable[[list[list[float]]], Any]) -> None:
        """Answer with vectors that are changed first."""
        status, told = self.fake.answer(self.path, body)
        self.send(status, {**told, "embeddings": change(told["embeddings"])})

    def drip(self, data: bytes) -> None:
        """Send a byte every 20 ms, until the client has had enough or the server is closed."""
        self.close_connection = True
        for byte in data:
            self.wfile.write(bytes([byte]))
            if self.fake.gone.wait(0.02):
                return

    def hang_up(self, data: bytes = b"") -> None:
        self.close_connection = True
        self.wfile.write(data)


def _drip_after_head(handler: _Handler, body: Json) -> None:
    """The head comes at once, and then a byte every 20 ms for as long as the client reads."""
    handler.wfile.write(HEAD + b"Connection: close\r\n\r\n")
    handler.drip(b" " * 5000)


def _stop(handler: _Handler, body: Json) -> None:
    """The whole server ends, as if killed."""
    threading.Thread(target=handler.fake.close, daemon=True).start()
    handler.hang_up()


def _status(status: int, message: Any, **headers: str) -> Callable[[_Handler, Json], None]:
    return lambda handler, body: handler.send(status, message, **headers)


def _echo(handler: _Handler, body: Json) -> None:
    """What FastAPI says of a malformed request: with all of it."""
    wrong = {"type": "missing", "loc": ["body", "image"], "msg": "Field required", "input": body}
    handler.send(422, {"detail": [wrong]})


def _tell_key(handler: _Handler, body: Json) -> None:
    """Each spelling of the key in the message, for clients that show it."""
    key = str(body.get("api_key", ""))
    told = f"bad key {key} {quote(key, safe='')} {base64.b64encode(key.encode()).decode()} {json.dumps(key)}"
    handler.send(401, {"status": 401, "message": told})


def _changed(index: int, value: Any) -> Callable[[_Handler, Json], None]:
    def change(rows: list[list[Any]]) -> list[list[Any]]:
        rows[-1][index] = value
        return rows

    return lambda handler, body: handler.rows(body, change)


def _raw(data: str) -> Callable[[_Handler, Json], None]:
    return lambda handler, body: handler.send(200, data.encode())


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
PAGE = b"<!DOCTYPE html><html><body><h1>Log in to the network</h1></body></html>"

FAULTS: dict[str, Callable[[_Handler, Json], None]] = {
    # the table of the contract
    "400": _status(400, {"message": "Could not load the input image."}),
    "401": _status(401, {"status": 401, "message": "Unauthorized access to roboflow API - check API key."}),
    "402": _status(402, {"message": "Not enough credits to perform this request."}),
    "403": _status(403, {"message": "Forbidden."}),
    "404": _status(404, {"status": 404, "message": "Requested Roboflow resource not found."}),
    "422": _echo,
    "429": _status(429, {"message": "Too many requests."}),
    "500": _status(500, {"message": "Internal error."}),
    "502": _status(502, b"Bad Gateway", kind="text/plain"),
    "503": _status(503, {"message": "Server is starting."}),
    "no weights": _status(503, {"message": "Internal error. Could not connect to Roboflow API."}),
    "no weights at all": _status(500, {"message": "Could not retrieve model clip."}),
    "504": _status(504, b"Gateway Timeout", kind="text/plain"),
    "one for several": lambda handler, body: handler.rows(body, lambda rows: rows[:1]),
    # what else a server, or what stands in its place, can do
    "405": _status(405, {"detail": "Method Not Allowed"}),
    "407": _status(407, PAGE, kind="text/html"),
    "413": _status(413, PAGE, kind="text/html"),
    "418": _status(418, {"detail": "teapot"}),
    "204": lambda handler, body: handler.send(204, b""),
    "key": _tell_key,
    "picture in plain text": lambda handler, body: handler.send(500, b"cannot read " + b"iVBORw0KGgo" * 5000),
    "huge error": lambda handler, body: handler.send(500, b'{"message": "' + b"x" * 20_000_000 + b'"}'),
    "huge echo": lambda handler, body: handler.send(422, b'{"detail": [{"input": "' + b"x" * 20_000_000 + b'"}]}'),
    "redirect": _status(307, b"", Location="http://elsewhere.example:8080/clip/embed_image?api_key=x"),
    "redirect nowhere": _status(302, b"", Location="http://[bad"),
    "web page": _status(200, PAGE, kind="text/html"),
    "web page unnamed": _status(200, PAGE, kind="application/json"),
    "huge": lambda handler, body: handler.send(200, b'{"embeddings": [' + b"1," * 10_000_000 + b"1]}"),
    "nested": _raw("[" * 200_000),
    "no json": _raw("hello"),
    "empty": _raw(""),
    "list": _raw("[[1, 2]]"),
    "null": _raw("null"),
    "message instead": lambda handler, body: handler.send(200, {"message": f"No CLIP here: {body.get('api_key')}."}),
    "no embeddings": _raw('{"time": 1}'),
    "null embeddings": _raw('{"embeddings": null}'),
    "flat": lambda handler, body: handler.rows(body, lambda rows: rows[0]),
    "none": lambda handler, body: handler.rows(body, lambda rows: []),
    "two": lambda handler, body: handler.rows(body, lambda rows: [*rows, *rows]),
    "ragged": lambda handler, body: handler.rows(body, lambda rows: [*rows[:-1], rows[-1][:-1]]),
    "other length": lambda handler, body: handler.rows(body, lambda rows: [row * 2 for row in rows]),
    "strings": _changed(0, "1.5"),
    "nulls": _changed(0, None),
    "yes": _changed(0, True),
    "nan": _changed(3, float("nan")),
    "infinite": _changed(3, float("inf")),
    "too large": _changed(3, 10**400),
    "zero": lambda handler, body: handler.rows(body, lambda rows: [[0.0] * len(row) for row in rows]),
    # below HTTP
    "stop": _stop,
    "hang up": lambda handler, body: handler.hang_up(),
    "cut short": lambda handler, body: handler.hang_up(HEAD + b'Content-Length: 5000\r\n\r\n{"embeddings": [[1,'),
    "no http": lambda handler, body: handler.hang_up(b"220 mail.example ESMTP\r\n"),
    "silent": lambda handler, body: handler.drip(b"") or handler.fake.gone.wait(20) or None,
    "drip": lambda handler, body: handler.drip(HEAD + b"Content-Length: 5000\r\n\r\n" + b" " * 5000),
    "drip head": lambda handler, body: handler.drip(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 5000),
    "drip chunks": lambda handler, body: handler.drip(
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 900
    ),
    "drip without end": lambda handler, body: handler.drip(HEAD + b"Connection: close\r\n\r\n" + b" " * 5000),
    "drip after head": _drip_after_head,
    "drip error": lambda handler, body: handler.drip(b"HTTP/1.1 500 No\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5000),
}


@lru_cache(maxsize=1)
def running() -> FakeInferenceServer:
    """One well-behaved server for the whole process."""
    server = FakeInferenceServer()
    atexit.register(server.close)
    return server
