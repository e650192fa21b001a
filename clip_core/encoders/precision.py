"""A model's files: their names, which precision to use (fp32, fp16 or int8) on this machine, and their hash."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, TypeAlias

from clip_core.errors import EncoderError

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
_JOINT = re.compile(r"onnx/model(?:_\w+)?\.onnx")


@dataclass(frozen=True, slots=True)
class TowerFiles:
    """The files of both towers, as names relative to the model's folder.

    Attributes:
        precision: The precision of both.
        vision, text: The .onnx files.
        external: Their external weight files, sorted.
    """

    precision: Precision
    vision: str
    text: str
    external: tuple[str, ...]


def onnx_files(path: Path) -> frozenset[str]:
    """Return the names of the files in a model's onnx/, relative to the model; empty if it cannot be listed."""
    try:
        return frozenset(f"onnx/{file.name}" for file in (path / "onnx").iterdir() if file.is_file())
    except OSError:
        return frozenset()


def best_precision(wanted: str, providers: Collection[str]) -> tuple[Precision, ...]:
    """Return the order in which to try precisions.

    Args:
        wanted: "auto", or one precision, which is then the only one.
        providers: Available execution providers of ONNX Runtime, such as "CUDAExecutionProvider".

    Raises:
        EncoderError: ``wanted`` is not a precision.
    """
    named = tuple(precision for precision in SUFFIXES if precision == wanted)
    if named:
        return named
    if wanted != AUTO:
        raise EncoderError(f"There is no precision {wanted[:20]!r}.", f"Allowed are: {AUTO}, {', '.join(SUFFIXES)}.")
    return ("fp16", "fp32") if "CUDAExecutionProvider" in providers else ("int8", "fp32")


def providers_here() -> tuple[str, ...]:
    """Return ONNX Runtime's execution providers on this machine."""
    import onnxruntime as ort  # heavy: imported only to load or download a model

    return tuple(ort.get_available_providers())


def choose_towers(names: Collection[str], order: Sequence[Precision]) -> TowerFiles | None:
    """Return the files of the first precision in ``order`` that both towers have, or None.

    The towers need the same precision, but not the same suffix (one may be ``_quantized``, the other ``_int8``).

    Args:
        names: Relative names of the existing files, with forward slashes.
        order: See ``best_precision``.
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
    """Return the error for the case that ``choose_towers`` returned None.

    Args:
        model: The model's name, for the message.
        names, order: As for ``choose_towers``.
    """
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
    for tower, file in (("vision", VISION), ("text", TEXT)):
        if not any(_first(names, tower, precision) for precision in SUFFIXES):
            return file
    return TEXT if VISION in names else VISION


def fingerprint(files: Mapping[str, Path], settings: Mapping[str, object]) -> str:
    """Return the fingerprint of a model.

    Args:
        files: Role → file: the weights with their external data, and the tokenizer.
        settings: How pictures and texts are prepared; JSON values only.

    Returns:
        64 hex digits: SHA-256 over the format's number, the settings and the bytes of each file.

    Raises:
        OSError: A file cannot be read.
    """
    hashes = {role: file_sha256(path) for role, path in files.items()}
    whole = {"format": FORMAT, "files": hashes, "settings": settings}
    return hashlib.sha256(json.dumps(whole, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, cached in this process by (real path, size, modification time)."""
    real = path.resolve(strict=True)
    stat = real.stat()
    return _sha256(real, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=256)
def _sha256(real: Path, _size: int, _mtime_ns: int) -> str:
    with real.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
