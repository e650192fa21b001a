"""Waits that a model's server asks for: a listener can show them, and end them at any time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeAlias

from clip_core.errors import ServerBusyError

TICK_S = 0.25
"""A wait can be cancelled this often."""
MOST_WAIT_S = 600.0
"""How long all waits in a row, without a vector between them, may take together; longer ones become an error."""

WaitListener: TypeAlias = Callable[[ServerBusyError], None]
_listener: ContextVar[WaitListener | None] = ContextVar("wait_listener", default=None)


@contextmanager
def on_wait(listener: WaitListener) -> Iterator[None]:
    """Call ``listener``, in this thread, for each wait of over two seconds that a server asks for within the block.

    Of shorter waits in a row, every fourth is passed to it. ``listener`` returns when the server may be asked again,
    or raises. Without it, ``embed_images`` and ``embed_texts`` wait silently, for 30 s at most.
    """
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def raise_busy(busy: ServerBusyError) -> None:
    """Raise ``busy``: a listener for callers that wait themselves, or not at all."""
    raise busy


def wait_listener() -> WaitListener | None:
    """Return the listener of the innermost ``on_wait`` around this call, or None."""
    return _listener.get()


def seconds_left(wait_s: float | None) -> Iterator[float]:
    """Yield how many seconds of a wait are left, every quarter of a second until it is over; none of no wait."""
    end = time.monotonic() + (wait_s or 0.0)
    while (left_s := end - time.monotonic()) > 0:
        yield left_s
        time.sleep(min(TICK_S, left_s))
