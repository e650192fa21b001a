"""moto's S3 server on a loopback port, which counts requests and can be told to misbehave."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import requests

KEY, SECRET = "AKIAPLANTEDKEY", "planted/secret"
CONDITIONS = ("HTTP_IF_NONE_MATCH", "HTTP_IF_MATCH")
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@dataclass
class Asked:
    """Requests: method and path with query of each."""

    all: list[tuple[str, str]] = field(default_factory=list)

    @property
    def methods(self) -> Counter[str]:
        return Counter(method for method, _ in self.all)

    @property
    def data(self) -> list[str]:
        """The files of rows that were read."""
        return [path for method, path in self.all if method == "GET" and path.endswith(".lance")]


@dataclass
class S3Server:
    """The server; its settings may change at any time.

    Attributes:
        address: Its endpoint.
        requests: Method and path with query of every request so far.
        ignores_conditions: Whether a PUT replaces an object that must not exist yet, as some services do.
        refusal: If set, the status and the S3 code that every request is answered with, such as ("403 Forbidden",
            "InvalidAccessKeyId").
    """

    address: str = ""
    requests: list[tuple[str, str]] = field(default_factory=list)
    ignores_conditions: bool = False
    refusal: tuple[str, str] | None = None
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def bucket(self) -> str:
        """Make a bucket; return its name."""
        name = f"bucket-{next(self._numbers)}"
        requests.put(f"{self.address}/{name}", timeout=60).raise_for_status()
        return name

    def spoil(self, place: str, folder: str) -> None:
        """Overwrite the objects below a folder of a store with what cannot be read."""
        import obstore
        from obstore.store import S3Store

        bucket, _, prefix = place.removeprefix("s3://").partition("/")
        store = S3Store(bucket)
        for found in obstore.list(store, f"{prefix}/{folder}").collect():
            obstore.put(store, found["path"], bytes(found["size"]))

    def behave(self) -> None:
        self.ignores_conditions, self.refusal = False, None

    @contextlib.contextmanager
    def counting(self) -> Iterator[Counter[str]]:
        """Yield a counter of methods, filled when the block ends."""
        counts: Counter[str] = Counter()
        with self.asking() as asked:
            yield counts
        counts.update(asked.methods)

    @contextlib.contextmanager
    def asking(self) -> Iterator[Asked]:
        """Yield what is asked within the block, filled when it ends."""
        asked, before = Asked(), len(self.requests)
        yield asked
        asked.all = self.requests[before:]

    def environment(self) -> dict[str, str]:
        """Return the variables with which LanceDB finds the server."""
        return {
            "AWS_ENDPOINT": self.address,
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
        }

    def before(self, app: Wsgi) -> Wsgi:
        """Return a WSGI application that does all this before ``app``."""

        def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
            query = environ.get("QUERY_STRING")
            self.requests.append((environ["REQUEST_METHOD"], environ["PATH_INFO"] + (f"?{query}" if query else "")))
            if self.refusal is not None:
                status, code = self.refusal
                environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
                start(status, [("Content-Type", "application/xml")])
                return [f"<Error><Code>{code}</Code><Message>{KEY}</Message></Error>".encode()]
            if self.ignores_conditions:
                for name in CONDITIONS:
                    environ.pop(name, None)
            return app(environ, start)

        return answer


@contextlib.contextmanager
def s3_server() -> Iterator[S3Server]:
    """Run a server in a thread of this process."""
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Silent(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"  # keeps connections open, as a real one does

        def log(self, *_: Any) -> None:
            pass

    server = S3Server()
    app = server.before(DomainDispatcherApplication(create_backend_app))
    running = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Silent)
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    server.address = f"http://127.0.0.1:{running.server_port}"
    try:
        yield server
    finally:
        running.shutdown()
        thread.join()
        running.server_close()
