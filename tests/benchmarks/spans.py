"""A stopwatch for functions that call each other: each second counts for the innermost one."""

from __future__ import annotations

import functools
import importlib
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import ModuleType
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
        """Watch functions, given as label → names such as "package.module:function".

        A function is replaced in each of our modules that has imported it by its name, too.
        """
        restore: list[tuple[Any, str, Any]] = []
        try:
            for label, names in functions.items():
                for name in names:
                    owner, last = find_owner(name)
                    real = getattr(owner, last, None)
                    if real is None:
                        self.missing.append(name)
                        continue
                    timed = self._timed(label, real)
                    for holder in (owner, *_modules_with(last, real)):
                        restore.append((holder, last, real))
                        setattr(holder, last, timed)
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


def find_owner(name: str) -> tuple[Any, str]:
    """What has the function of "package.module:Class.function", and the function's own name; None if nothing has it."""
    module, _, path = name.partition(":")
    *parents, last = path.split(".")
    try:
        owner: Any = importlib.import_module(module)
    except ModuleNotFoundError:
        return None, last
    for parent in parents:
        owner = getattr(owner, parent, None)
    return owner, last


def _modules_with(name: str, real: object) -> list[ModuleType]:
    ours = [module for key, module in list(sys.modules.items()) if key.split(".")[0] in ("clip_core", "pages")]
    return [module for module in ours if vars(module).get(name) is real]
