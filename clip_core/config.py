"""The user's settings: config.yaml, read once, checked whole, then frozen."""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

from clip_core.config_keys import READERS, Crop, is_server, kind, shown
from clip_core.errors import ConfigError, shown_name

ENVIRONMENT_VARIABLE = "CLIP_VIDEO_CONFIG"
KEY_VARIABLE = "ROBOFLOW_API_KEY"
DEFAULT_NAME = "config.yaml"
MAX_CONFIG_BYTES = 1_000_000


@dataclass(frozen=True)
class Config:
    """All settings, with their defaults.

    Attributes:
        video_path: The video to open first; None chooses none.
        prompts: The prompts to start with (key ``CLIP``).
        model: A model's name, see ``load_encoder``.
        crop: How a frame becomes the square that a model sees; None means as the model was made.
        precision: Which files of a model are taken: "auto" (what runs best here), "fp32", "fp16" or "int8".
        samples_per_second: How many frames of each second are embedded; None means every frame.
        threshold: The cosine at which a moment starts; None means the model's own default.
        smoothing_s: Width of the moving average in seconds; 0 shows raw scores.
        embeddings: Where embeddings are kept: a folder, or an ``s3://`` address.
        video_dirs: Folders whose videos the page lists.
        model_dirs: Folders whose models the page lists.
        sequence_fps: Frames per second of numbered image sequences.
        roboflow_api_key: Key of the Roboflow Inference server; kept out of every repr.
        inference_url: Address of that server, without a slash at its end.
        clip_version: Which of its CLIP models is asked for.
        uses_server: Whether anything here says that there is one: its address, a key, or ``model``.
        source: The file that this was read from, or None.
        notices: What the user should know about how this was read.
    """

    video_path: Path | None = None
    prompts: tuple[str, ...] = ()
    model: str = "sample"
    crop: Crop | None = None
    precision: str = "auto"
    samples_per_second: float | None = 2.0
    threshold: float | None = None
    smoothing_s: float = 1.0
    embeddings: str = "embeddings"
    video_dirs: tuple[Path, ...] = (Path("data"),)
    model_dirs: tuple[Path, ...] = (Path("data/models"),)
    sequence_fps: float = 25.0
    roboflow_api_key: str = field(default="", repr=False)
    inference_url: str = "http://localhost:9001"
    clip_version: str = "ViT-B-16"
    uses_server: bool = False
    source: Path | None = None
    notices: tuple[str, ...] = ()


def load_config(path: str | os.PathLike[str] | None = None) -> Config:
    """Read the settings.

    Args:
        path: The file. None takes ``$CLIP_VIDEO_CONFIG``, else ``./config.yaml``, else the defaults
            with a notice. Relative paths inside are relative to the file. ``$ROBOFLOW_API_KEY`` is
            taken where the file gives no key.

    Raises:
        ConfigError: The file is missing (when named), unreadable, no YAML, or holds an unknown key
            or a value of the wrong kind; the message names the key, what was given, what is allowed.
    """
    chosen = _choose(path)
    if chosen is None:
        return Config(**_server({}), notices=(f"There is no {DEFAULT_NAME} here: the defaults are used.",))
    settings = _read_mapping(chosen)
    values = {_field_of(key): READERS[key](key, value) for key, value in settings.items() if _known(key, chosen)}
    return Config(**_resolved(values | _server(values), chosen.resolve().parent), source=chosen)


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
        raise ConfigError(f"{name} holds {kind(content)}, not settings.", "Write one 'key: value' per line.")
    return content


def _where(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return f" (line {mark.line + 1}, column {mark.column + 1})" if mark is not None else ""


def _known(key: object, path: Path) -> bool:
    if key in READERS:
        return True
    near = difflib.get_close_matches(str(key), READERS, n=1, cutoff=0.5)
    hint = f"Did you mean '{near[0]}'?" if near else f"Allowed are: {', '.join(READERS)}."
    raise ConfigError(f"{shown_name(path)} has an unknown key '{shown(key)}'.", hint)


def _field_of(key: str) -> str:
    return "prompts" if key == "CLIP" else key


def _server(values: dict[str, Any]) -> dict[str, Any]:
    """The key of the inference server, and whether there is one to speak of."""
    key = values.get("roboflow_api_key") or os.environ.get(KEY_VARIABLE, "").strip()
    named = "inference_url" in values or is_server(values.get("model", ""))
    return {"roboflow_api_key": key, "uses_server": named or bool(key)}


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
