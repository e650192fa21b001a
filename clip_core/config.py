"""The user's settings: config.yaml, read once, checked whole, then frozen."""

from __future__ import annotations

import difflib
import os
import reprlib
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

from clip_core.errors import ConfigError, shown_name

ENVIRONMENT_VARIABLE = "CLIP_VIDEO_CONFIG"
DEFAULT_NAME = "config.yaml"
MAX_CONFIG_BYTES = 1_000_000
MAX_PATH, MAX_PART_BYTES = 4000, 255
EVERY_FRAME = "every frame"
PRECISIONS = ("auto", "fp32", "fp16", "int8")


@dataclass(frozen=True)
class Config:
    """All settings, with their defaults.

    Attributes:
        video_path: The video to open first; None chooses none.
        prompts: The prompts to start with (key ``CLIP``).
        model: A model's name, see ``load_encoder``.
        precision: Which files of a model are taken: "auto" (what runs best here), "fp32", "fp16" or "int8".
        samples_per_second: How many frames of each second are embedded; None means every frame.
        threshold: The cosine at which a moment starts; None means the model's own default.
        smoothing_s: Width of the moving average in seconds; 0 shows raw scores.
        embeddings: Where embeddings are kept: a folder, or an ``s3://`` address.
        video_dirs: Folders whose videos the page lists.
        model_dirs: Folders whose models the page lists.
        roboflow_api_key: Key of the first tool; kept out of every repr.
        source: The file that this was read from, or None.
        notices: What the user should know about how this was read.
    """

    video_path: Path | None = None
    prompts: tuple[str, ...] = ()
    model: str = "sample"
    precision: str = "auto"
    samples_per_second: float | None = 2.0
    threshold: float | None = None
    smoothing_s: float = 1.0
    embeddings: str = "embeddings"
    video_dirs: tuple[Path, ...] = (Path("data"),)
    model_dirs: tuple[Path, ...] = (Path("data/models"),)
    roboflow_api_key: str = field(default="", repr=False)
    source: Path | None = None
    notices: tuple[str, ...] = ()


def load_config(path: str | os.PathLike[str] | None = None) -> Config:
    """Read the settings.

    Args:
        path: The file. None takes ``$CLIP_VIDEO_CONFIG``, else ``./config.yaml``, else the defaults
            with a notice. Relative paths inside are relative to the file.

    Raises:
        ConfigError: The file is missing (when named), unreadable, no YAML, or holds an unknown key
            or a value of the wrong kind; the message names the key, what was given, what is allowed.
    """
    chosen = _choose(path)
    if chosen is None:
        return Config(notices=(f"There is no {DEFAULT_NAME} here: the defaults are used.",))
    settings = _read_mapping(chosen)
    values = {_field_of(key): _READERS[key](key, value) for key, value in settings.items() if _known(key, chosen)}
    return Config(**_resolved(values, chosen.resolve().parent), source=chosen)


def _choose(path: str | os.PathLike[str] | None) -> Path | None:
    named = path if path is not None else os.environ.get(ENVIRONMENT_VARIABLE) or None
    if named is not None:
        chosen = Path(named)
        if not os.path.isfile(chosen):  # noqa: PTH113 - Path.is_file raises where a name is too long
            raise ConfigError(f"There is no configuration file {shown_name(chosen)}.", "Check the path.")
        return chosen
    default = Path(DEFAULT_NAME)
    return default if default.is_file() else None


def _read_mapping(path: Path) -> dict[str, Any]:
    name = shown_name(path)
    try:
        raw = path.read_bytes()
        if len(raw) > MAX_CONFIG_BYTES:
            raise ConfigError(f"{name} is larger than 1 MB.", "Is it the right file?")
        content = yaml.safe_load(raw.decode("utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{name} cannot be read: {error.strerror}.", "Check its permissions.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{name} is not UTF-8 text.", "Save it as UTF-8.") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ConfigError(f"{name} is not YAML{_where(error)}.", "Check colons, quotes and indentation.") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigError(f"{name} holds {_kind(content)}, not settings.", "Write one 'key: value' per line.")
    return content


def _where(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return f" (line {mark.line + 1}, column {mark.column + 1})" if mark is not None else ""


def _known(key: object, path: Path) -> bool:
    if key in _READERS:
        return True
    near = difflib.get_close_matches(str(key), _READERS, n=1, cutoff=0.5)
    hint = f"Did you mean '{near[0]}'?" if near else f"Allowed are: {', '.join(_READERS)}."
    raise ConfigError(f"{shown_name(path)} has an unknown key '{_shown(key)}'.", hint)


def _field_of(key: str) -> str:
    return "prompts" if key == "CLIP" else key


def _resolved(values: dict[str, Any], base: Path) -> dict[str, Any]:
    """Make every path absolute: those of the file from its folder, the defaults too."""
    defaults = {f.name: f.default for f in fields(Config)}
    for name in ("video_dirs", "model_dirs"):
        values[name] = tuple(base / p for p in values.get(name, defaults[name]))
    if values.get("video_path") is not None:
        values["video_path"] = base / values["video_path"]
    embeddings = values.get("embeddings", defaults["embeddings"])
    values["embeddings"] = embeddings if "://" in embeddings else str(base / embeddings)
    return values


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else reprlib.repr(value)  # which does not follow aliases into the depth
    text = "".join(c if c.isprintable() else "?" for c in text[:100])
    return text if len(text) <= 40 else text[:39] + "…"


def _kind(value: object) -> str:
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
    given = "a value" if key == "roboflow_api_key" else f"{_kind(value)} ({_shown(value)})"
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
                f"The prompt {_shown(item)} under '{key}' is read by YAML as {_kind(item)}, not as text.",
                "Put it in quotes.",
            )
    texts = [item.encode("utf-8", "replace").decode("utf-8").strip() for item in items]
    return tuple(text for text in texts if text)


def _number(key: str, value: object, low: float, high: float, allowed: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise _wrong(key, value, allowed)  # compared first: a whole number may be too large for a float
    return float(value)


def _rate(key: str, value: object) -> float | None:
    if value is None or value == EVERY_FRAME:
        return None
    return _number(key, value, 0.001, 1000.0, f"a number from 0.001 to 1000, or '{EVERY_FRAME}'")


def _precision(key: str, value: object) -> str:
    if value not in PRECISIONS:
        raise _wrong(key, value, f"one of {', '.join(PRECISIONS)}")
    return str(value)


def _threshold(key: str, value: object) -> float | None:
    return None if value is None else _number(key, value, -1.0, 1.0, "a cosine from -1 to 1, or null")


def _smoothing(key: str, value: object) -> float:
    return _number(key, value, 0.0, 600.0, "a number of seconds from 0 to 600")


_READERS: dict[str, Callable[[str, Any], Any]] = {
    "video_path": _optional_path,
    "CLIP": _prompts,
    "roboflow_api_key": _text,
    "model": _needed_text,
    "precision": _precision,
    "samples_per_second": _rate,
    "threshold": _threshold,
    "smoothing_s": _smoothing,
    "embeddings": _needed_text,
    "video_dirs": _paths,
    "model_dirs": _paths,
}
