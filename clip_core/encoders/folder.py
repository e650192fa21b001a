"""Read a model's folder: which files it has, and what its JSON files say."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from clip_core.encoders.model_files import (
    AUTO,
    CONFIG,
    PREPROCESSOR,
    TOKENIZER,
    TowerFiles,
    best_precision,
    choose_towers,
    no_towers,
    onnx_files,
    providers_here,
    read_object,
)
from clip_core.encoders.model_inputs import Preprocessing
from clip_core.errors import EncoderError, shown_name
from clip_core.validation import allowed, refusal, shown, where

MAX_EDGE = 4096
# The initial value 1/0.07 of training in every published CLIP config. The learned value is nowhere in the folder,
# but OpenAI clipped it at 100, and all their models reached that.
UNTRAINED_LOG_SCALE = 2.6592
TRAINED_SCALE = 100.0
# Jina CLIP's config names no length, and transformers reads up to 8192 tokens. This is enough for any prompt, and the
# cost grows with the square of the length.
JINA_LENGTH = 512
# SigLIP 2 has Gemma's vocabulary and was trained on lower-case texts; transformers' own class for its tokenizer
# lower-cases (huggingface/transformers#43101), but the published tokenizer.json may not.
GEMMA_WORDS = 256_000
PROCESSOR = "processor_config.json"
MAX_SCALE = 200.0  # SigLIP models reach about 117
JINA = "JinaCLIPImageProcessor"
JINA_RESAMPLE = {"bilinear": 2, "bicubic": 3}  # Pillow's numbers

# Keys that name a class or an array format; pictures are RGB already.
HARMLESS = {
    "_valid_processor_keys", "data_format", "device", "disable_grouping", "do_convert_rgb", "feature_extractor_type",
    "image_processor_type", "input_data_format", "processor_class", "return_tensors",
}  # fmt: skip

_Values = TypeVar("_Values", bound=BaseModel)


def _whole(least: int, most: int) -> Any:  # noqa: ANN401 - like pydantic's Field
    return allowed(f"a whole number from {least} to {most}", ge=least, le=most)


def _number(least: float, most: float) -> Any:  # noqa: ANN401
    return allowed(f"a number from {least:g} to {most:g}", ge=least, le=most)


def _without_nulls(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


_Flag: TypeAlias = Annotated[bool, allowed("true or false")]
_EdgePixels: TypeAlias = Annotated[int, _whole(1, MAX_EDGE)]
_Filter: TypeAlias = Annotated[int, _whole(0, 5)]
_Mean: TypeAlias = Annotated[float, _number(-1000, 1000)]
_Std: TypeAlias = Annotated[float, _number(1e-6, 1000)]
_ShortText: TypeAlias = Annotated[
    str, where(str.isprintable), allowed("a text of 1 to 100 printable characters", min_length=1, max_length=100)
]
_EDGES = allowed(f"a whole number from 1 to {MAX_EDGE}")
_OBJECT = allowed("an object")


class _Keys(BaseModel):
    """The keys of a JSON object that matter here. A null counts as missing."""

    model_config = ConfigDict(strict=True)

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, values: Any) -> Any:  # noqa: ANN401 - any JSON value
        return _without_nulls(values) if isinstance(values, Mapping) else values


class _TextTower(_Keys):
    max_position_embeddings: Annotated[int | None, _whole(1, 8192)] = None
    vocab_size: Annotated[int, _whole(1, 10_000_000)] = 1


class _OurKeys(_Keys):
    """What this program adds to a model's config."""

    name: _ShortText = ""
    default_threshold: Annotated[float | None, _number(-1, 1)] = None


class _Config(_Keys):
    clip_video_investigator: Annotated[_OurKeys, _OBJECT] = _OurKeys()
    model_type: _ShortText = "clip"
    text_config: Annotated[_TextTower, _OBJECT] = _TextTower()
    logit_scale_init_value: Annotated[float, _number(-10, 10)] = UNTRAINED_LOG_SCALE


class _Processor(_Keys):
    image_processor: Annotated[dict[str, Any], _OBJECT] = {}


class _Steps(_Keys):
    do_resize: _Flag
    do_center_crop: _Flag
    do_rescale: _Flag
    do_normalize: _Flag
    default_to_square: _Flag


class _SizeKeys(BaseModel):
    """Edges in pixels, from an object with just these keys, or from one number for all."""

    model_config = ConfigDict(strict=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _spread(cls, value: Any) -> Any:  # noqa: ANN401 - any JSON value
        if isinstance(value, Mapping):
            return dict(
                islice(value.items(), len(cls.model_fields) + 1)
            )  # pydantic lists each unknown key: one is enough
        return dict.fromkeys(cls.model_fields, value)


class _ShortestEdge(_SizeKeys):
    shortest_edge: _EdgePixels


class _Box(_SizeKeys):
    height: _EdgePixels
    width: _EdgePixels

    @property
    def edges(self) -> tuple[int, int]:
        return self.height, self.width


class _Shrink(_Keys):
    size: Annotated[_ShortestEdge, _EDGES]
    resample: _Filter


class _Squash(_Keys):
    size: Annotated[_Box, _EDGES]
    resample: _Filter


class _CenterCrop(_Keys):
    crop_size: Annotated[_Box, _EDGES]


class _Rescale(_Keys):
    rescale_factor: Annotated[float, _number(1e-6, 1)] = 1 / 255


class _Normalize(_Keys):
    # Not strict: JSON has lists instead of tuples.
    image_mean: Annotated[tuple[_Mean, _Mean, _Mean], Field(strict=False), allowed("three numbers from -1000 to 1000")]
    image_std: Annotated[tuple[_Std, _Std, _Std], Field(strict=False), allowed("three numbers from 1e-06 to 1000")]


PICTURE_KEYS = {key for step in (_Steps, _Squash, _CenterCrop, _Rescale, _Normalize) for key in step.model_fields}


class _Jina(_Keys):
    size: _EdgePixels
    resize_mode: Annotated[Literal["shortest"], allowed("shortest")] = "shortest"
    interpolation: Annotated[Literal["bilinear", "bicubic"], allowed("bilinear or bicubic")] = "bicubic"


@dataclass(frozen=True)
class _JsonFile:
    """The object in a JSON file, and for messages the names of the file and its model."""

    values: Mapping[str, Any]
    name: str
    model: str

    def read(self, kind: type[_Values]) -> _Values:
        """Return the values of some keys; raise EncoderError, which names the first that is missing or wrong."""
        try:
            return kind.model_validate(self.values)
        except ValidationError as error:
            key, value, words = refusal(kind, self.values, error)
        if not words:
            raise self.unsupported(key)
        given = "nothing" if value is None else shown(reprlib.repr(value))
        raise self.error(f"gives '{key}' as {given}; it must be {words}.")

    def unsupported(self, key: str) -> EncoderError:
        return self.error(f"asks for '{shown(key)}', which is not supported.")

    def error(self, problem: str) -> EncoderError:
        what = f"{self.name} of {shown_name(self.model)} {problem}"
        return EncoderError(what, "Use another model, or correct the file.")


def read_preprocessing(raw: Mapping[str, Any], model: str) -> Preprocessing:
    """Read the content of a preprocessor_config.json, in CLIP's or Jina's format.

    A setting that is null, or an unknown ``do_…`` that is false, has no effect. A step that is switched off needs no
    settings. An old file's ``"size": 224`` means the shorter edge if a centre crop follows (CLIP), else a square (ViT).

    Args:
        raw: The file's JSON object.
        model: The model's name, for messages.

    Raises:
        EncoderError: A setting is unknown, missing, of the wrong type or out of range.
    """
    values = _without_nulls(in_clip_terms(raw, model))
    crops, size = values.get("do_center_crop", "crop_size" in values), values.get("size")
    usual = {"do_resize": "size" in values, "do_center_crop": crops, "do_normalize": "image_mean" in values}
    values = usual | {"do_rescale": True, "default_to_square": not crops} | values
    if isinstance(size, Mapping):
        values["default_to_square"] = set(size) != {"shortest_edge"}
    file = _JsonFile(values, PREPROCESSOR, model)
    for key, value in values.items():
        if key not in PICTURE_KEYS | HARMLESS and (value is not False or not key.startswith("do_")):
            raise file.unsupported(key)
    steps = file.read(_Steps)
    crop = squash = shortest = None
    resample, factor, mean, std = 0, 1.0, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    if steps.do_center_crop:
        crop = file.read(_CenterCrop).crop_size.edges
    if steps.do_resize and steps.default_to_square:
        squashing = file.read(_Squash)
        squash, resample = squashing.size.edges, squashing.resample
    elif steps.do_resize:
        shrinking = file.read(_Shrink)
        shortest, resample = shrinking.size.shortest_edge, shrinking.resample
    if crop is None and squash is None:
        raise file.error("gives pictures of differing sizes: it neither crops nor resizes to one size.")
    if steps.do_rescale:
        factor = file.read(_Rescale).rescale_factor
    if steps.do_normalize:
        normal = file.read(_Normalize)
        mean, std = normal.image_mean, normal.image_std
    return Preprocessing(shortest, squash, resample, crop, factor, mean, std)


def in_clip_terms(raw: Mapping[str, Any], model: str) -> Mapping[str, Any]:
    """Translate Jina CLIP's preprocessor_config.json to CLIPImageProcessor's format; return any other unchanged.

    Jina's format is defined by processing_clip.py and transform.py of jinaai/jina-clip-implementation. ``auto_map``
    names Python code for the transformers library; it is never run.
    """
    if raw.get("image_processor_type") != JINA:
        return raw
    jina = _JsonFile(raw, PREPROCESSOR, model).read(_Jina)
    # fill_color is the padding colour, and "shortest" does not pad.
    own = {"auto_map", "fill_color", "interpolation", "mean", "resize_mode", "size", "std"}
    return {key: value for key, value in raw.items() if key not in own} | {
        "size": {"shortest_edge": jina.size},
        "crop_size": {"height": jina.size, "width": jina.size},
        "do_center_crop": True,
        "resample": JINA_RESAMPLE[jina.interpolation],
        "image_mean": raw.get("mean"),
        "image_std": raw.get("std"),
        "do_normalize": True,
    }


@dataclass(frozen=True)
class ModelFolder:
    """The contents of a model folder in the transformers.js layout.

    Attributes:
        name: The name to show.
        is_siglip: Whether texts are always padded to the full length.
        text_length: The number of tokens that the text tower can read.
        lowers_texts: See Tokens.
        logit_scale: See Encoder. exp(logit_scale_init_value) if that value differs from CLIP's initial
            2.6592, clamped to [1, 200]; else 100.
        default_threshold: A cosine that separates "present" from "absent" for this kind of model.
        preprocessing: How pictures are prepared.
        towers: The chosen .onnx files.
    """

    name: str
    is_siglip: bool
    text_length: int
    lowers_texts: bool
    logit_scale: float
    default_threshold: float
    preprocessing: Preprocessing
    towers: TowerFiles

    @classmethod
    def read(cls, path: Path, precision: str = AUTO, title: str = "") -> ModelFolder:
        """Read and check a folder's JSON files, and check that the other files exist.

        Args:
            path: The folder.
            precision: See ``best_precision``.
            title: The model's name; the folder's name if empty.

        Raises:
            EncoderError: A file is missing or unreadable, or asks for something unsupported.
        """
        name = title or shown_name(path.resolve())
        towers = _need_files(path, name, precision)
        config = _JsonFile(read_object(path / CONFIG, name), CONFIG, name).read(_Config)
        own, texts, kind = config.clip_video_investigator, config.text_config, config.model_type
        is_siglip = kind.startswith("siglip")
        length = 64 if is_siglip else JINA_LENGTH if kind == "jina_clip" else 77
        threshold = 0.08 if is_siglip else 0.27
        return cls(
            name=own.name or name,
            is_siglip=is_siglip,
            text_length=texts.max_position_embeddings or length,
            lowers_texts=is_siglip and texts.vocab_size == GEMMA_WORDS,
            logit_scale=_scale(config.logit_scale_init_value),
            default_threshold=threshold if own.default_threshold is None else own.default_threshold,
            preprocessing=read_preprocessing(_preprocessor(path, name), name),
            towers=towers,
        )


def _preprocessor(path: Path, name: str) -> Mapping[str, Any]:
    """Return the content of preprocessor_config.json, which transformers 5 writes into processor_config.json."""
    if (path / PREPROCESSOR).is_file():
        return read_object(path / PREPROCESSOR, name)
    return _JsonFile(read_object(path / PROCESSOR, name), PROCESSOR, name).read(_Processor).image_processor


def _need_files(path: Path, name: str, precision: str) -> TowerFiles:
    for file in (CONFIG, PREPROCESSOR, TOKENIZER):
        instead = file == PREPROCESSOR and (path / PROCESSOR).is_file()
        if not instead and not (path / file).is_file():
            raise EncoderError(f"The model {name} lacks the file {file}.", f"Copy it into the folder {name}.")
    names = onnx_files(path)
    order = best_precision(precision, providers_here())
    towers = choose_towers(names, order)
    if towers is None:
        raise no_towers(name, names, order)
    return towers


def _scale(log_scale: float) -> float:
    if math.isclose(log_scale, UNTRAINED_LOG_SCALE, abs_tol=1e-3):
        return TRAINED_SCALE
    return min(max(math.exp(log_scale), 1.0), MAX_SCALE)
