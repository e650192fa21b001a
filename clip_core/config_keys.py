"""The keys of config.yaml: which there are, and what each may hold."""

from __future__ import annotations

import os
import re
import reprlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args
from urllib.parse import urlsplit

from clip_core.errors import ConfigError
from clip_core.text import printable, shorten, unicode_text

MAX_PATH, MAX_PART_BYTES = 4000, 255
MAX_ADDRESS = 500
EVERY_FRAME = "every frame"
SERVER = "roboflow"
"""The model on a Roboflow Inference server; behind a colon it may name a version."""
PRECISIONS = ("auto", "fp32", "fp16", "int8")
Crop: TypeAlias = Literal["center", "squash", "pad"]
"""What a model sees of a frame that is not square: its middle, all of it distorted, or all of it with bars."""
CLIP_VERSIONS = (
    "RN50", "RN101", "RN50x4", "RN50x16", "RN50x64", "ViT-B-16", "ViT-B-32", "ViT-L-14", "ViT-L-14-336px",
)  # fmt: skip
"""What a Roboflow Inference server calls OpenAI's models."""
# ASCII alone, so that nobody reads another host out of it than the one that is asked.
_ADDRESS = re.compile(r"https?://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?(/[\w.~/-]*)?", re.ASCII | re.IGNORECASE)


def shown(value: object) -> str:
    """A value as it may stand in a message: short, on one line."""
    text = value if isinstance(value, str) else reprlib.repr(value)  # which does not follow aliases into the depth
    return shorten(printable(text[:100]), 40)


def is_server(model: str) -> bool:
    """Whether a model's name means one on a Roboflow Inference server."""
    return model == SERVER or model.startswith(f"{SERVER}:")


def kind(value: object) -> str:
    """What YAML made of a value, in words."""
    names = {
        bool: "a yes/no value",
        int: "a number",
        float: "a number",
        str: "a text",
        list: "a list",
        dict: "a mapping",
    }
    return "nothing" if value is None else names.get(type(value), f"a {type(value).__name__}")


def _wrong(key: str, value: object, allowed: str) -> ConfigError:
    given = "a value" if key == "roboflow_api_key" else f"{kind(value)} ({shown(value)})"
    return ConfigError(f"'{key}' in the configuration is {given}.", f"Allowed is {allowed}.")


def _text(key: str, value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _wrong(key, value, "a text; put it in quotes")
    return value


def _needed_text(key: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _wrong(key, value, "a text that is not empty")
    return value.strip()


def _path(key: str, text: str) -> Path:
    possible = "\0" not in text and all(len(os.fsencode(part)) <= MAX_PART_BYTES for part in Path(text).parts)
    try:
        if possible and len(text) <= MAX_PATH:
            return Path(text).expanduser()
    except RuntimeError:  # ~somebody who has no home here
        pass
    raise _wrong(key, text, "a path that can exist here")


def _optional_path(key: str, value: object) -> Path | None:
    text = _text(key, value)
    return _path(key, text) if text.strip() else None


def _paths(key: str, value: object) -> tuple[Path, ...]:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(item, str) and item.strip() for item in items):
        raise _wrong(key, value, "a folder or a list of folders")
    return tuple(_path(key, item) for item in items)


def _prompts(key: str, value: object) -> tuple[str, ...]:
    items = [] if value is None else [value] if isinstance(value, str) else value
    if not isinstance(items, list):
        raise _wrong(key, value, "a list of texts, one prompt each")
    for item in items:
        if not isinstance(item, str):
            raise ConfigError(
                f"The prompt {shown(item)} under '{key}' is read by YAML as {kind(item)}, not as text.",
                "Put it in quotes.",
            )
    texts = [unicode_text(item).strip() for item in items]
    return tuple(text for text in texts if text)


def _number(key: str, value: object, low: float, high: float, allowed: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise _wrong(key, value, allowed)  # compared first: a whole number may be too large for a float
    return float(value)


def _rate(key: str, value: object) -> float | None:
    if value is None or value == EVERY_FRAME:
        return None
    return _number(key, value, 0.001, 1000.0, f"a number from 0.001 to 1000, or '{EVERY_FRAME}'")


def _threshold(key: str, value: object) -> float | None:
    return None if value is None else _number(key, value, -1.0, 1.0, "a cosine from -1 to 1, or null")


def _smoothing(key: str, value: object) -> float:
    return _number(key, value, 0.0, 600.0, "a number of seconds from 0 to 600")


def _crop(key: str, value: object) -> str | None:
    if value is None or value in get_args(Crop):
        return None if value is None else str(value)
    raise _wrong(key, value, f"{', '.join(get_args(Crop))}, or null for the model's own")


def _precision(key: str, value: object) -> str:
    if value not in PRECISIONS:
        raise _wrong(key, value, f"one of {', '.join(PRECISIONS)}")
    return str(value)


def _sequence_fps(key: str, value: object) -> float:
    return _number(key, value, 0.001, 1000.0, "a number of frames per second from 0.001 to 1000")


def _key(key: str, value: object) -> str:
    return _text(key, value).strip()


def _server(key: str, value: object) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if _ADDRESS.fullmatch(text) and len(text) <= MAX_ADDRESS and _has_port(text):
        return text.rstrip("/")
    may_be_secret = isinstance(value, str) and any(sign in value for sign in "@?#")
    raise _wrong(
        key,
        "…" if may_be_secret else value,
        "an address such as http://localhost:9001, without user, password or query",
    )


def _has_port(address: str) -> bool:
    try:
        return urlsplit(address).port != 0
    except ValueError:  # over 65535, or brackets around what is no IPv6 address
        return False


def _version(key: str, value: object) -> str:
    if isinstance(value, str) and value in CLIP_VERSIONS:
        return value
    raise _wrong(key, value, f"one of {', '.join(CLIP_VERSIONS)}")


READERS: dict[str, Callable[[str, Any], Any]] = {
    "video_path": _optional_path,
    "CLIP": _prompts,
    "roboflow_api_key": _key,
    "inference_url": _server,
    "clip_version": _version,
    "model": _needed_text,
    "crop": _crop,
    "precision": _precision,
    "samples_per_second": _rate,
    "threshold": _threshold,
    "smoothing_s": _smoothing,
    "embeddings": _needed_text,
    "video_dirs": _paths,
    "model_dirs": _paths,
    "sequence_fps": _sequence_fps,
}
