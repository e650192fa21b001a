"""A limit for a whole HTTP exchange, which a timeout per read is not: a byte every minute never runs into one."""

from __future__ import annotations

import contextlib
import socket
import threading
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Self

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

AGAIN_S = 0.2

_current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


class Deadline:
    """Cuts the connection that this thread uses when its time is over. For connections of a WatchedAdapter.

    A ``with`` block that ran out of time ends with a TimeoutError, also where it seemed to succeed or failed with a
    network error: a cut connection reads as its end, or as a reset if the server sent more before the next read.

    Attributes:
        passed: Whether the time was over before the exchange was.

    Args:
        seconds: How long the exchange inside the ``with`` block may take.
    """

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self._seconds = seconds
        self._done = threading.Event()
        self._connection: HTTPConnection | None = None
        self._socket: socket.socket | None = None
        self._watch = threading.Thread(target=self._run, name="deadline", daemon=True)

    def __enter__(self) -> Self:
        self._token = _current.set(self)
        self._watch.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._watch.join()
        _current.reset(self._token)
        if self.passed and (error is None or isinstance(error, OSError | HTTPError)):
            raise TimeoutError("the time is over") from error

    def hold(self, connection: HTTPConnection) -> None:
        """Note what to cut.

        Raises:
            TimeoutError: The time is over already.
        """
        self._connection = connection
        if connection.sock is not None:
            self._socket = (
                connection.sock
            )  # http.client forgets it while it still reads, where no other request follows
        if self.passed:
            raise TimeoutError("the time is over")

    def _run(self) -> None:
        wait_s = self._seconds
        while not self._done.wait(wait_s):
            self.passed = True
            self._cut()
            wait_s = AGAIN_S  # it may just be connecting

    def _cut(self) -> None:
        for open_socket in (self._socket, getattr(self._connection, "sock", None)):
            if open_socket is not None:
                with contextlib.suppress(OSError):  # closed already
                    socket.socket.shutdown(open_socket, socket.SHUT_RDWR)


def _hold(connection: HTTPConnection) -> None:
    deadline = _current.get()
    if deadline is not None:
        deadline.hold(connection)


class _Connection(HTTPConnection):
    def connect(self) -> None:
        _hold(self)
        super().connect()

    def request(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as urllib3 has it
        _hold(self)
        super().request(*args, **kwargs)
        _hold(self)


class _SecureConnection(_Connection, HTTPSConnection):
    """The same over TLS: HTTPSConnection comes behind _Connection in the order of methods."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


POOLS = {"http": _Pool, "https": _SecurePool}


class WatchedAdapter(HTTPAdapter):
    """The way of ``requests`` to a server, on connections that a Deadline can cut."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as requests has it
        """Make the pools for direct connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as requests has it
        """Make the pools for connections by way of a proxy."""
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = POOLS
        return manager
