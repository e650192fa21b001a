"""Which models there are, and how a name becomes an encoder.

Nothing heavy is loaded before a model is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from clip_core.errors import EncoderError, UnknownModelError, shown_name

if TYPE_CHECKING:
    from clip_core.config import Config
    from clip_core.encoders.onnx import OnnxEncoder
    from clip_core.encoders.roboflow import RoboflowEncoder

SAMPLE = "sample"
SAMPLE_FOLDER = Path(__file__).parents[2] / "data" / "models" / "sample"
LAYOUT = "config.json, preprocessor_config.json, tokenizer.json, onnx/vision_model.onnx and onnx/text_model.onnx"
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model that can be loaded.

    Attributes:
        name: What ``load_encoder`` takes.
        folder: Where its files lie.
    """

    name: str
    folder: Path


def available_models(config: Config | None = None) -> tuple[ModelChoice, ...]:
    """List the models at hand: the sample first, then the folders directly below each of ``model_dirs``.

    A folder counts if it holds config.json and onnx/. Names are unique: a second folder of one name
    is called "name (2)".

    Args:
        config: Whose ``model_dirs`` are looked through; without it there is the sample only.

    Raises:
        EncoderError: One of ``model_dirs`` cannot be listed.
    """
    choices = [ModelChoice(SAMPLE, SAMPLE_FOLDER)] if _looks_like_model(SAMPLE_FOLDER) else []
    names, seen = {SAMPLE}, {SAMPLE_FOLDER.resolve()}
    for folder in _folders(config):
        if folder.resolve() in seen:
            continue
        seen.add(folder.resolve())
        name, number = folder.name, 2
        while name in names:
            name, number = f"{folder.name} ({number})", number + 1
        names.add(name)
        choices.append(ModelChoice(name, folder))
    return tuple(choices)


def load_encoder(name: str, config: Config | None = None) -> OnnxEncoder | RoboflowEncoder:
    """Load a model.

    Args:
        name: "sample", a name from ``available_models``, the path of a folder, or "roboflow" and
            "roboflow:VERSION" for a Roboflow Inference server, which is not asked before it has to embed.
        config: Whose ``model_dirs`` are looked through, and where the server is.

    Raises:
        UnknownModelError: There is no such model; the message lists what there is.
        EncoderError: The folder lacks a file, or a file does not fit.
    """
    if name == "roboflow" or name.startswith("roboflow:"):
        from clip_core.encoders.roboflow import RoboflowEncoder  # it brings requests and Pillow: only now

        return RoboflowEncoder(name, config)
    choices = {choice.name: choice.folder for choice in available_models(config)}
    if name == SAMPLE:
        folder = SAMPLE_FOLDER
    elif name in choices:
        folder = choices[name]
    elif name and _is_folder(Path(name)):
        folder = Path(name)
    else:
        raise _unknown(name, list(choices))
    from clip_core.encoders.onnx import OnnxEncoder  # it brings ONNX Runtime: only now

    return OnnxEncoder(folder, name)


def _folders(config: Config | None) -> Iterator[Path]:
    for directory in config.model_dirs if config is not None else ():
        try:
            if not directory.is_dir():
                continue
            found = sorted(folder for folder in directory.iterdir() if _looks_like_model(folder))
        except OSError as error:
            raise EncoderError(
                f"The model folder {shown_name(directory)} cannot be listed ({error.strerror}).",
                "Check its permissions, or take it out of model_dirs in config.yaml.",
            ) from error
        yield from found


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # too long for a name, or behind a door that is shut
        return False


def _looks_like_model(folder: Path) -> bool:
    return (folder / "config.json").is_file() and (folder / "onnx").is_dir()


def _unknown(name: str, names: list[str]) -> UnknownModelError:
    is_hub_id = _HUB_ID.fullmatch(name) is not None
    shown = "/".join(shown_name(part) for part in name.split("/")) if is_hub_id else shown_name(name)
    there_is = "There is: " + ", ".join(shown_name(known) for known in names[:10]) + "." if names else ""
    if is_hub_id:
        return UnknownModelError(
            f"Models from the Hugging Face hub ({shown}) are not supported in this version.",
            f"Download it and give the folder, with {LAYOUT}. {there_is}".strip(),
        )
    return UnknownModelError(f"There is no model {shown!r}.", there_is or "Give a model's folder.")
