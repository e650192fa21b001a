"""A proxy in front of the app that takes a prefix off each path, as a web server that shares its port does."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator

HEAD_END = b"\r\n\r\n"
BLOCK = 65536
NOTHING = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class _Proxy(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, prefix: str, upstream: int) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        self.prefix, self.upstream = prefix.encode(), upstream


class _Passing(socketserver.StreamRequestHandler):
    """Passes one request on a connection, and all bytes of a WebSocket."""

    server: _Proxy

    def handle(self) -> None:
        lines = []
        while line := self.rfile.readline().rstrip(b"\r\n"):
            lines.append(line)
        if not lines:
            return  # a browser opens connections in advance
        method, path, version = lines[0].split(b" ", 2)
        if not path.startswith(self.server.prefix + b"/"):
            self.wfile.write(NOTHING)
            return
        headers = lines[1:]
        if not any(header.lower().startswith(b"upgrade:") for header in headers):
            headers = [h for h in headers if not h.lower().startswith(b"connection:")] + [b"Connection: close"]
        line = b" ".join([method, path[len(self.server.prefix) :], version])
        with contextlib.suppress(OSError):
            self._pass_on(b"\r\n".join([line, *headers]) + HEAD_END)

    def _pass_on(self, head: bytes) -> None:
        with socket.create_connection(("127.0.0.1", self.server.upstream)) as upstream:
            upstream.sendall(head)
            threading.Thread(target=self._requests, args=(upstream,), daemon=True).start()
            while block := upstream.recv(BLOCK):
                self.wfile.write(block)

    def _requests(self, upstream: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError):
            while block := self.rfile.read1(BLOCK):  # type: ignore[attr-defined]
                upstream.sendall(block)
        with contextlib.suppress(OSError):
            upstream.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def rewriting_proxy(prefix: str, upstream: int) -> Iterator[str]:
    """Listen on a free port; ``/prefix/x`` there is ``/x`` at the port ``upstream``. Yields its address."""
    with _Proxy(prefix, upstream) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{proxy.server_address[1]}{prefix}"
        finally:
            proxy.shutdown()
            thread.join()
