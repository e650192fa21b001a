"""Find the external weight files of an ONNX file without loading it.

ONNX Runtime opens any path that a tensor's ``external_data`` names. So the file is parsed first, as
protobuf's wire format (https://protobuf.dev/programming-guides/encoding/) with the field numbers of
onnx.proto, and each path is checked. Weights inside the file are skipped, not read.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from clip_core.errors import DamagedModelError, EncoderError, shown_name

MAX_FIELDS = 5_000_000
MAX_DEPTH = 100

# Message → field number → message: every path from a model to a tensor.
_ROUTES: dict[str, dict[int, str]] = {
    "Model": {7: "Graph", 20: "Training", 25: "Function"},
    "Training": {1: "Graph", 2: "Graph"},
    "Graph": {1: "Node", 5: "Tensor", 15: "Sparse"},
    "Function": {7: "Node", 11: "Attribute"},
    "Node": {5: "Attribute"},
    "Attribute": {5: "Tensor", 6: "Graph", 10: "Tensor", 11: "Graph", 22: "Sparse", 23: "Sparse"},
    "Sparse": {1: "Tensor", 2: "Tensor"},
    "Tensor": {13: "Entry"},
}
_ENTRY_KEY, _ENTRY_VALUE = 1, 2
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class _BrokenError(Exception):
    """The bytes are not a protobuf message."""


def external_files(model_file: Path, root: Path) -> tuple[Path, ...]:
    """Return the external weight files of ``model_file``, each checked.

    Args:
        model_file: An .onnx file; its external data is named relative to its own folder.
        root: The folder that must contain the real paths of all files.

    Returns:
        The real paths, sorted, each once; empty if all weights are in the file itself.

    Raises:
        DamagedModelError: The file is not an ONNX model.
        EncoderError: It cannot be read, or names data that is missing or outside ``root``.
    """
    name = shown_name(model_file)
    broken, next_step = f"{name} is not a readable ONNX file.", "Copy the model's file again."
    try:
        real = model_file.resolve(strict=True)
        stat = real.stat()
        locations = _locations(real, stat.st_size, stat.st_mtime_ns)
    except (OSError, RuntimeError) as error:
        raise EncoderError(broken, next_step) from error
    if locations is None:
        raise DamagedModelError(broken, next_step)
    if locations and not real.is_relative_to(root.resolve()):
        raise _outside(name, os.fspath(real))
    return tuple(sorted({_checked(location, model_file, root) for location in locations}))


@lru_cache(maxsize=256)
def _locations(real: Path, _size: int, _mtime_ns: int) -> frozenset[bytes] | None:
    """Return the locations in a file, cached like ``file_sha256``; None if it is not a protobuf message."""
    try:
        with real.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return frozenset(_Walk(data).locations("Model", 0, len(data), 0))
    except (ValueError, _BrokenError):  # mmap raises ValueError for an empty file
        return None


def _checked(location: bytes, model_file: Path, root: Path) -> Path:
    """Return the real path of one location; raise EncoderError if it may not be opened."""
    name = shown_name(model_file)
    text = location.decode("utf-8", "replace")
    odd = "\\" in text or ":" in text or "\x00" in text or "\ufffd" in text or "*" in text
    path = Path(text)
    if not text or odd or path.is_absolute() or ".." in path.parts:
        raise _outside(name, text)
    try:
        real = (model_file.parent / path).resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise EncoderError(f"{name} needs the file {shown_name(text)}, which is missing.", "Copy it too.") from error
    if not real.is_relative_to(root.resolve()):
        raise _outside(name, text)
    if not real.is_file():
        raise EncoderError(f"{name} needs {shown_name(text)}, which is no regular file.", "Copy the model again.")
    return real


def _outside(name: str, text: str) -> EncoderError:
    return EncoderError(
        f"{name} wants to read weights outside the model's folder ({shown_name(text)}); that is refused.",
        "Use a model that keeps its weights beside it.",
    )


class _Walk:
    """One pass over a file, with a limit on the number of fields, so that a hostile file cannot stall it."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self._left = MAX_FIELDS

    def locations(self, message: str, start: int, end: int, depth: int) -> Iterator[bytes]:
        """Yield each external location in the message at [start, end)."""
        if depth > MAX_DEPTH:
            raise _BrokenError("nested too deeply")
        routes = _ROUTES[message]
        for field, wire, first, last in self._fields(start, end):
            inner = routes.get(field) if wire == _BYTES else None
            if inner == "Entry":
                yield from self._entry(first, last)
            elif inner is not None:
                yield from self.locations(inner, first, last, depth + 1)

    def _entry(self, start: int, end: int) -> Iterator[bytes]:
        """Yield all values of a key-value pair whose key is ``location``."""
        parts: dict[int, list[bytes]] = {_ENTRY_KEY: [], _ENTRY_VALUE: []}
        for field, wire, first, last in self._fields(start, end):
            if wire == _BYTES and field in parts:
                parts[field].append(self._data[first:last])
        if b"location" in parts[_ENTRY_KEY]:
            yield from parts[_ENTRY_VALUE] or [b""]

    def _fields(self, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
        """Yield (field number, wire type, start, end) of each field's content in [start, end)."""
        at = start
        while at < end:
            self._left -= 1
            if self._left < 0:
                raise _BrokenError("too many fields")
            tag, at = self._varint(at, end)
            field, wire = tag >> 3, tag & 7
            first = at
            if wire == _VARINT:
                _, at = self._varint(at, end)
            elif wire == _BYTES:
                length, first = self._varint(at, end)
                at = first + length
            elif wire in (_FIXED64, _FIXED32):
                at += 8 if wire == _FIXED64 else 4
            else:
                raise _BrokenError(f"wire type {wire}")
            if at > end or field == 0:
                raise _BrokenError("a field ends outside its message")
            yield field, wire, first, at

    def _varint(self, at: int, end: int) -> tuple[int, int]:
        """Read a varint (seven bits per byte); return its value and the position after it."""
        value = 0
        for shift in range(0, 70, 7):
            if at >= end:
                break
            byte = self._data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value & 0xFFFFFFFFFFFFFFFF, at
        raise _BrokenError("a number does not end")
