"""A model's files: their names, the precision to use on this machine, external weights, and the fingerprint.

ONNX Runtime opens any path that a tensor's ``external_data`` names. So an ONNX file is parsed first, as protobuf's wire
format (https://protobuf.dev/programming-guides/encoding/) with the field numbers of onnx.proto, and each path is
checked. Weights inside the file are skipped, not read.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

from clip_core.encoders.cuda import PROVIDER, cuda
from clip_core.errors import DamagedModelError, EncoderError, shown_name
from clip_core.text import single_line, size_text

# File names of the transformers.js layout.
CONFIG, PREPROCESSOR, TOKENIZER = "config.json", "preprocessor_config.json", "tokenizer.json"
TOKENIZER_CONFIG = "tokenizer_config.json"
# Also the towers' role names in a fingerprint, whichever files were chosen.
VISION, TEXT = "onnx/vision_model.onnx", "onnx/text_model.onnx"
# Increment it when a code change makes the same folder give other vectors.
FORMAT = 1

Precision: TypeAlias = Literal["fp32", "fp16", "int8"]
AUTO = "auto"

# Suffixes of transformers.js; the first existing file is used. _q4, _q4f16 and _bnb4 are not supported: they need
# special operators and are no faster on a CPU.
SUFFIXES: Mapping[Precision, tuple[str, ...]] = {
    "fp32": ("",),
    "fp16": ("_fp16",),
    "int8": ("_quantized", "_int8", "_uint8"),
}
# The suffix depends on the exporter: optimum writes _data (_data_1 … above 2 GB), torch writes .data.
_EXTERNAL = r"(?:_data(?:_\d{1,3})?|\.data)"
_ONNX_RUNTIME_PREFIX = re.compile(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ")
_JOINT = re.compile(r"onnx/model(?:_\w+)?\.onnx")

MAX_JSON_BYTES = 4 * 2**20
MOST_SMALL_BYTES = 256 * 2**20  # a multilingual tokenizer has 34 MB
MOST_MODEL_BYTES = 32 * 2**30
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


@dataclass(frozen=True, slots=True)
class ModelSource:
    """Where a model is loaded from: arguments of ``OnnxEncoder``.

    Attributes:
        folder: The model's folder.
        precision, title: See ``ModelFolder.read``.
        root: The folder that must contain the real files of external weights.
    """

    folder: Path
    precision: str
    root: Path
    title: str = ""


@dataclass(frozen=True, slots=True)
class TowerFiles:
    """The .onnx files of both towers and their external weights (sorted), as names relative to the model's folder."""

    precision: Precision
    vision: str
    text: str
    external: tuple[str, ...]


def cores() -> int:
    """Return how many cores this process may use; ``OMP_NUM_THREADS``, as for other libraries, allows fewer."""
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    allowed = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, min(here, int(allowed))) if allowed.isdecimal() else here


def onnx_files(path: Path) -> frozenset[str]:
    """Return the names of the files in a model's onnx/, relative to the model; empty if it cannot be listed."""
    try:
        return frozenset(f"onnx/{file.name}" for file in (path / "onnx").iterdir() if file.is_file())
    except OSError:
        return frozenset()


def best_precision(precision: str, providers: Collection[str]) -> tuple[Precision, ...]:
    """Return the order in which to try precisions.

    Args:
        precision: "auto", or one precision, which is then the only one; EncoderError if it is neither.
        providers: Available execution providers of ONNX Runtime, such as "CUDAExecutionProvider".
    """
    if named := tuple(known for known in SUFFIXES if known == precision):
        return named
    if precision != AUTO:
        raise EncoderError(f"There is no precision {precision[:20]!r}.", f"Allowed are: {AUTO}, {', '.join(SUFFIXES)}.")
    return ("fp16", "fp32") if "CUDAExecutionProvider" in providers else ("int8", "fp32")


def providers_here() -> tuple[str, ...]:
    """Return ONNX Runtime's execution providers that work on this machine."""
    import onnxruntime as ort  # heavy: imported only to load or download a model

    return tuple(name for name in ort.get_available_providers() if name != PROVIDER or not cuda().fault)


def choose_towers(names: Collection[str], order: Sequence[Precision]) -> TowerFiles | None:
    """Return the files of the first precision in ``order`` that both towers have, or None.

    The towers need the same precision, but not the same suffix (one may be ``_quantized``, the other ``_int8``).

    Args:
        names: Relative names of the existing files, with forward slashes.
        order: As from ``best_precision``.
    """
    for precision in order:
        vision, text = (_first(names, tower, precision) for tower in ("vision", "text"))
        if vision and text:
            external = re.compile(f"(?:{re.escape(vision)}|{re.escape(text)}){_EXTERNAL}")
            return TowerFiles(precision, vision, text, tuple(sorted(filter(external.fullmatch, names))))
    return None


def precisions_in(names: Collection[str]) -> tuple[Precision, ...]:
    """Return the precisions that both towers have."""
    return tuple(precision for precision in SUFFIXES if choose_towers(names, (precision,)) is not None)


def no_towers(model: str, names: Collection[str], order: Sequence[Precision]) -> EncoderError:
    """Return the error for a model for which ``choose_towers`` returned None."""
    there = precisions_in(names)
    if there:
        return EncoderError(
            f"The model {model} has no {' or '.join(order)} files, only {', '.join(there)}.",
            f"Set 'precision' in config.yaml to {' or '.join(there)}.",
        )
    if any(_JOINT.fullmatch(name) for name in names):
        return EncoderError(
            f"The model {model} is one joint onnx/model.onnx, which is not supported.",
            f"Export its two halves as {VISION} and {TEXT}.",
        )
    return EncoderError(f"The model {model} lacks the file {_missing(names)}.", f"Copy it into the folder {model}.")


def _first(names: Collection[str], tower: str, precision: Precision) -> str | None:
    candidates = (f"onnx/{tower}_model{suffix}.onnx" for suffix in SUFFIXES[precision])
    return next((name for name in candidates if name in names), None)


def _missing(names: Collection[str]) -> str:
    """Return the missing file to name: that of a tower with no file at all, if there is one."""
    towers = {VISION: "vision", TEXT: "text"}
    none = (file for file, tower in towers.items() if not any(_first(names, tower, kind) for kind in SUFFIXES))
    return next(none, TEXT if VISION in names else VISION)


class _BrokenError(Exception):
    """The bytes are not a protobuf message."""


def external_files(model_file: Path, root: Path) -> tuple[Path, ...]:
    """Return the real paths of an .onnx file's external weights, each checked, sorted, each once.

    Args:
        model_file: The file; its external data is named relative to its own folder.
        root: The folder that must contain the real paths of all files.

    Raises:
        DamagedModelError: The file is not an ONNX model.
        EncoderError: It cannot be read, or names data that is missing or outside ``root``.
    """
    name = shown_name(model_file)
    broken, next_step = f"{name} is not a readable ONNX file.", "Copy the model's file again."
    try:
        real = model_file.resolve(strict=True)
        stat = real.stat()
        locations = _locations(real, _stamp(stat))
    except (OSError, RuntimeError) as error:
        raise EncoderError(broken, next_step) from error
    if locations is None:
        raise DamagedModelError(broken, next_step)
    if locations and not real.is_relative_to(root.resolve()):
        raise _outside(name, os.fspath(real))
    return tuple(sorted({_checked(location, model_file, root) for location in locations}))


@lru_cache(maxsize=256)
def _locations(real: Path, _: tuple[int, ...]) -> frozenset[bytes] | None:
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
        raise EncoderError(f"{name} needs {shown_name(text)}, which is not a regular file.", "Copy the model again.")
    return real


def _outside(name: str, text: str) -> EncoderError:
    return EncoderError(
        f"{name} refers to weights outside the model's folder ({shown_name(text)}); that is refused.",
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


def read_object(path: Path, model: str) -> dict[str, Any]:
    """Read a JSON file of ``model``; raise EncoderError if it is unreadable, over 4 MiB, or not an object."""
    what, copy_again = f"{shown_name(path)} of {shown_name(model)}", "Copy the model's own file again."
    try:
        with path.open("rb") as file:
            data = file.read(MAX_JSON_BYTES + 1)
    except OSError as error:
        raise EncoderError(f"{what} cannot be read: {foreign(error)}.", "Check the file's permissions.") from error
    if len(data) > MAX_JSON_BYTES:
        raise EncoderError(f"{what} is over {size_text(MAX_JSON_BYTES)}.", copy_again)
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise EncoderError(f"{what} is not JSON: {foreign(error)}.", copy_again) from error
    if not isinstance(value, dict):
        raise EncoderError(f"{what} is not a JSON object.", copy_again)
    return value


def foreign(error: BaseException, path: Path | None = None) -> str:
    """Return another library's error message as one line of at most 150 characters, with ``path`` cut to its name."""
    text = str(error) if path is None else str(error).replace(str(path), path.name)
    return single_line(_ONNX_RUNTIME_PREFIX.sub("", text)) or type(error).__name__


def fingerprint(files: Mapping[str, Path], settings: Mapping[str, object]) -> str:
    """Return the fingerprint of a model.

    Args:
        files: Role → file: the weights with their external data, and the tokenizer.
        settings: How pictures and texts are prepared; JSON values only.

    Returns:
        64 hex digits: SHA-256 over the format's number, the settings and the bytes of each file.
    """
    hashes = {role: file_sha256(path) for role, path in files.items()}
    whole = {"format": FORMAT, "files": hashes, "settings": settings}
    return hashlib.sha256(json.dumps(whole, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, cached in this process while the file stays the same."""
    real = path.resolve(strict=True)
    return _sha256(real, _stamp(real.stat()))


def _stamp(stat: os.stat_result) -> tuple[int, ...]:
    """Return what differs once a file has changed: who replaces it can set the times but for the last one."""
    return stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


@lru_cache(maxsize=256)
def _sha256(real: Path, _: tuple[int, ...]) -> str:
    with real.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
