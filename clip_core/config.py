"""The user's config: config.yaml, read once, validated, then frozen."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import field, fields, replace
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator
from pydantic.dataclasses import dataclass

from clip_core.errors import ConfigError, shown_name
from clip_core.text import unicode_text
from clip_core.validation import MOST_BYTES, STRICT, allowed, kind, read_yaml, refusing, shown, unknown_key, where

ENVIRONMENT_VARIABLE = "CLIP_VIDEO_CONFIG"
KEY_VARIABLE = "ROBOFLOW_API_KEY"
DEFAULT_NAME = "config.yaml"
MAX_PATH, MAX_PART_BYTES, MAX_ADDRESS = 4000, 255, 500
EVERY_FRAME = "every frame"
SERVER = "roboflow"
"""The model name for a Roboflow Inference server; ``roboflow:VERSION`` also names the CLIP version."""
Crop: TypeAlias = Literal["center", "squash", "pad"]
"""What a model sees of a frame that is not square: its centre, all of it distorted, or all of it with bars."""
ClipVersion: TypeAlias = Literal[
    "RN50", "RN101", "RN50x4", "RN50x16", "RN50x64", "ViT-B-16", "ViT-B-32", "ViT-L-14", "ViT-L-14-336px"
]
"""The names that a Roboflow Inference server uses for OpenAI's models."""
PrecisionChoice: TypeAlias = Literal["auto", "fp32", "fp16", "int8"]
CROPS, CLIP_VERSIONS, PRECISIONS = get_args(Crop), get_args(ClipVersion), get_args(PrecisionChoice)
# ASCII only, so that no look-alike character can disguise the host.
_ADDRESS = re.compile(r"https?://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?(/[\w.~/-]*)?", re.ASCII | re.IGNORECASE)


def is_server(model: str) -> bool:
    """Return whether a model name means a Roboflow Inference server."""
    return model == SERVER or model.startswith(f"{SERVER}:")


def _items(value: object) -> object:
    """Return a list, or a single text, as a tuple; anything else unchanged."""
    return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value


def _or(empty: object, *others: object) -> BeforeValidator:
    """Return a validator that replaces any of ``others`` by ``empty``."""
    return BeforeValidator(lambda value: empty if value in others else value)


def _path(value: object) -> object:
    """Return a text as a path, and a blank text as None, which only some fields accept."""
    if not isinstance(value, str):
        return value
    fits = len(value) <= MAX_PATH and all(len(os.fsencode(part)) <= MAX_PART_BYTES for part in Path(value).parts)
    with suppress(RuntimeError):  # raised by expanduser for ~USER of an unknown user
        if fits and "\0" not in value:
            return Path(value).expanduser() if value.strip() else None
    raise ValueError


def _address(text: str) -> str:
    """Return an address without trailing slashes; urlsplit rejects ports over 65535 and malformed IPv6 addresses."""
    text = text.strip()
    if not _ADDRESS.fullmatch(text) or len(text) > MAX_ADDRESS or urlsplit(text).port == 0:
        raise ValueError
    return text.rstrip("/")


def _without_blanks(prompts: tuple[str, ...]) -> tuple[str, ...]:
    texts = [unicode_text(prompt).strip() for prompt in prompts]
    return tuple(text for text in texts if text)


def _wrong(name: str, value: object, words: str) -> ConfigError:
    """Return the error for a field; a value that may hold a key or a password is not repeated."""
    if name == "prompts" and isinstance(value, list):
        item = next(item for item in value if not isinstance(item, str))
        what = f"The prompt {shown(item)} under 'CLIP' is read by YAML as {kind(item)}, not as text."
        return ConfigError(what, "Put it in quotes.")
    secret = name == "inference_url" and isinstance(value, str) and any(sign in value for sign in "@?#")
    key = "CLIP" if name == "prompts" else name
    given = f"{kind(value)} ({'…' if secret else shown(value)})" if name != "roboflow_api_key" else "a value"
    return ConfigError(f"'{key}' in the configuration is {given}.", f"Allowed is {words}.")


_VIDEO_PATH = allowed("a path that can exist here, as a text; put it in quotes")
_SERVER_ADDRESS = allowed("an address such as http://localhost:9001, without user, password or query")
_SAMPLE_RATE = allowed(f"a number from 0.001 to 1000, or '{EVERY_FRAME}'", ge=0.001, le=1000)
_FRAME_RATE = allowed("a number of frames per second from 0.001 to 1000", ge=0.001, le=1000)
_Key: TypeAlias = Annotated[str, _or("", None), AfterValidator(str.strip), allowed("a text; put it in quotes")]
_Name: TypeAlias = Annotated[str, AfterValidator(str.strip), where(bool), allowed("a text that is not empty")]
_Path: TypeAlias = Annotated[Path, BeforeValidator(_path)]
_Folders: TypeAlias = Annotated[
    tuple[_Path, ...],
    BeforeValidator(_items),
    allowed("a folder or a list of folders, each a path that can exist here"),
]
_Prompts: TypeAlias = Annotated[
    tuple[str, ...],
    BeforeValidator(_items),
    _or((), None),
    AfterValidator(_without_blanks),
    allowed("a list of texts, one prompt each"),
]


@dataclass(frozen=True, config=STRICT)
class Config:
    """The config, with its defaults.

    Attributes:
        video_path: The video to open first, or None.
        prompts: The prompts to start with (key ``CLIP``).
        model: The model's name, see ``load_encoder``.
        crop: How a frame becomes the square that the model sees; None uses the model's own way.
        precision: Which files of a model are used: "auto" (what runs best here), "fp32", "fp16" or "int8".
        samples_per_second: How many frames of each second are embedded; None means every frame.
        threshold: The cosine at which a moment starts; None means the model's own default.
        smoothing_s: Width of the moving average in seconds; 0 shows raw scores.
        embeddings: Where embeddings are stored: a folder, or an ``s3://`` address.
        video_dirs: Folders whose videos the page lists.
        model_dirs: Folders whose models the page lists.
        sequence_fps: Frames per second of numbered image sequences.
        roboflow_api_key: Key of the Roboflow Inference server; left out of every repr.
        inference_url: Address of that server, without a trailing slash.
        clip_version: Which of its CLIP models to use.
        uses_server: Whether the config implies a server: by its address, a key, or ``model``.
        source: The file that this was read from, or None.
        notices: What the user should know about how the config was read.
    """

    video_path: Annotated[Path | None, BeforeValidator(_path), _VIDEO_PATH] = None
    prompts: _Prompts = ()
    model: _Name = "sample"
    crop: Annotated[Crop | None, allowed(f"{', '.join(CROPS)}, or null for the model's own")] = None
    precision: Annotated[PrecisionChoice, allowed(f"one of {', '.join(PRECISIONS)}")] = "auto"
    samples_per_second: Annotated[float | None, _SAMPLE_RATE, _or(None, EVERY_FRAME)] = 2.0
    threshold: Annotated[float | None, allowed("a cosine from -1 to 1, or null", ge=-1, le=1)] = None
    smoothing_s: Annotated[float, allowed("a number of seconds from 0 to 600", ge=0, le=600)] = 1.0
    embeddings: _Name = "embeddings"
    video_dirs: _Folders = (Path("data"),)
    model_dirs: _Folders = (Path("data/models"),)
    sequence_fps: Annotated[float, _FRAME_RATE] = 25.0
    roboflow_api_key: _Key = field(default="", repr=False)
    inference_url: Annotated[str, AfterValidator(_address), _SERVER_ADDRESS] = "http://localhost:9001"
    clip_version: Annotated[ClipVersion, allowed(f"one of {', '.join(CLIP_VERSIONS)}")] = "ViT-B-16"
    uses_server: bool = False
    source: Path | None = None
    notices: tuple[str, ...] = ()
    _named = refusing(_wrong)


FIELDS = {"CLIP" if f.name == "prompts" else f.name: f.name for f in fields(Config)[:-3]}
"""Key in the file → field of ``Config``."""


def load_config(path: str | os.PathLike[str] | None = None) -> Config:
    """Read the config.

    Args:
        path: The file. None means ``$CLIP_VIDEO_CONFIG``, else ``./config.yaml``, else the defaults
            with a notice. Relative paths in the file are relative to its folder. ``$ROBOFLOW_API_KEY``
            is used if the file has no key.

    Raises:
        ConfigError: The file is missing (if it was named), unreadable or not YAML, or has an unknown key
            or an invalid value; the message names the key, the value and what is allowed.
    """
    chosen = _choose(path)
    if chosen is None:
        config = Config(notices=(f"There is no {DEFAULT_NAME} here: the defaults are used.",))
        return _with_server(config, named=False)
    settings = _read_mapping(chosen)
    if unknown := unknown_key(settings, FIELDS):
        raise ConfigError(f"{shown_name(chosen)} has an unknown key '{unknown[0]}'.", unknown[1])
    config = Config(**{FIELDS[key]: value for key, value in settings.items()}, source=chosen)
    base = chosen.resolve().parent
    config = replace(
        config,
        video_path=config.video_path and base / config.video_path,
        video_dirs=tuple(base / folder for folder in config.video_dirs),
        model_dirs=tuple(base / folder for folder in config.model_dirs),
        embeddings=config.embeddings if "://" in config.embeddings else str(base / config.embeddings),
    )
    return _with_server(config, named="inference_url" in settings)


def _choose(path: str | os.PathLike[str] | None) -> Path | None:
    named = path if path is not None else os.environ.get(ENVIRONMENT_VARIABLE) or None
    chosen = Path(DEFAULT_NAME if named is None else named)
    if os.path.isfile(chosen):  # noqa: PTH113 - Path.is_file raises where a name is too long
        return chosen
    if named is not None:
        raise ConfigError(f"There is no configuration file {shown_name(chosen)}.", "Check the path.")
    return None


def _read_mapping(path: Path) -> dict[str, Any]:
    name = shown_name(path)
    try:
        with path.open("rb") as file:
            content = read_yaml(file.read(MOST_BYTES + 1), name, ConfigError)
    except OSError as error:
        raise ConfigError(f"{name} cannot be read: {error.strerror}.", "Check its permissions.") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{name} holds {kind(content)}, not settings.", "Write one 'key: value' per line.")
    return content


def _with_server(config: Config, *, named: bool) -> Config:
    """Fill in the server's key; set ``uses_server`` if an address, a server model or a key is configured."""
    key = config.roboflow_api_key or os.environ.get(KEY_VARIABLE, "").strip()
    return replace(config, roboflow_api_key=key, uses_server=named or is_server(config.model) or bool(key))
