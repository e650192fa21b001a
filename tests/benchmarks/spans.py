"""A stopwatch for functions that call each other: each second counts for the innermost one."""

from __future__ import annotations

import functools
import importlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any


class Stopwatch:
    """Times functions by replacing them, each under a label, while ``watching``.

    One thread at a time may run what is watched.

    Attributes:
        seconds: Label → seconds spent in its functions since the last ``reset``, those in other
            watched functions left out.
        missing: Functions that could not be found.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.missing: list[str] = []
        self._open: list[float] = []

    def reset(self) -> None:
        """Start over."""
        self.seconds = {}
        self._open = []

    @contextmanager
    def watching(self, functions: Mapping[str, Sequence[str]]) -> Iterator[None]:
        """Watch functions, given as label → names such as "package.module:function"."""
        restore: list[tuple[Any, str, Any]] = []
        try:
            for label, names in functions.items():
                for name in names:
                    module, _, path = name.partition(":")
                    owner: Any = importlib.import_module(module)
                    *parents, last = path.split(".")
                    for parent in parents:
                        owner = getattr(owner, parent)
                    real = getattr(owner, last, None)
                    if real is None:
                        self.missing.append(name)
                        continue
                    setattr(owner, last, self._timed(label, real))
                    restore.append((owner, last, real))
            yield
        finally:
            for owner, last, real in reversed(restore):
                setattr(owner, last, real)

    def _timed(self, label: str, real: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(real)
        def run(*args: Any, **kwargs: Any) -> Any:
            began = time.perf_counter()
            self._open.append(0.0)
            try:
                return real(*args, **kwargs)
            finally:
                took_s = time.perf_counter() - began
                inner_s = self._open.pop() if self._open else 0.0
                self.seconds[label] = self.seconds.get(label, 0.0) + took_s - inner_s
                if self._open:
                    self._open[-1] += took_s

        return run
