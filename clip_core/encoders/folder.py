"""Read a model's folder: which files it has, and what its JSON files say."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clip_core.encoders.model_json import ModelJson, read_object
from clip_core.encoders.precision import (
    AUTO,
    CONFIG,
    PREPROCESSOR,
    TOKENIZER,
    Precision,
    TowerFiles,
    best_precision,
    choose_towers,
    no_towers,
    onnx_files,
    providers_here,
)
from clip_core.encoders.preprocess import Preprocessing
from clip_core.errors import EncoderError, shown_name

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


@dataclass(frozen=True)
class ModelFolder:
    """The contents of a model folder in the transformers.js layout.

    Attributes:
        path: The folder.
        name: The name to show.
        is_siglip: Whether texts are always padded to the full length.
        text_length: The number of tokens that the text tower can read.
        lowers_texts: See TextRules.lower.
        logit_scale: See Encoder. exp(logit_scale_init_value) if that value differs from CLIP's initial
            2.6592, clamped to [1, 200]; else 100.
        default_threshold: A cosine that separates "present" from "absent" for this kind of model.
        default_smoothing_s: A suitable smoothing window, in seconds.
        preprocessing: How pictures are prepared.
        precision: The precision of the chosen files.
        vision, text: The chosen .onnx files, relative to the folder.
    """

    path: Path
    name: str
    is_siglip: bool
    text_length: int
    lowers_texts: bool
    logit_scale: float
    default_threshold: float
    default_smoothing_s: float
    preprocessing: Preprocessing
    precision: Precision
    vision: str
    text: str

    @classmethod
    def read(cls, path: Path, precision: str = AUTO, title: str = "") -> ModelFolder:
        """Read and check a folder's JSON files, and check that the other files exist.

        Args:
            path: The folder.
            precision: "auto" chooses the available one that runs best here, see ``best_precision``.
            title: The model's name; the folder's name if empty.

        Raises:
            EncoderError: A file is missing or unreadable, or asks for something unsupported.
        """
        name = title or shown_name(path.resolve())
        towers = _need_files(path, name, precision)
        config = ModelJson(read_object(path / CONFIG, name), CONFIG, name)
        own = config.inner("clip_video_investigator")
        kind = config.text("model_type", "clip")
        is_siglip = kind.startswith("siglip")
        texts = config.inner("text_config")
        length = 64 if is_siglip else JINA_LENGTH if kind == "jina_clip" else 77
        return cls(
            path=path,
            name=own.text("name", name),
            is_siglip=is_siglip,
            text_length=texts.integer("max_position_embeddings", 1, 8192, length),
            lowers_texts=is_siglip and texts.integer("vocab_size", 1, 10_000_000, 1) == GEMMA_WORDS,
            logit_scale=_scale(config.number("logit_scale_init_value", -10.0, 10.0, UNTRAINED_LOG_SCALE)),
            default_threshold=own.number("default_threshold", -1.0, 1.0, 0.08 if is_siglip else 0.27),
            default_smoothing_s=own.number("default_smoothing_s", 0.0, 3600.0, 1.0),
            preprocessing=Preprocessing.read(_preprocessor(path, name), name),
            precision=towers.precision,
            vision=towers.vision,
            text=towers.text,
        )


def _preprocessor(path: Path, name: str) -> Mapping[str, Any]:
    """Return the content of preprocessor_config.json, which transformers 5 writes into processor_config.json."""
    if (path / PREPROCESSOR).is_file():
        return read_object(path / PREPROCESSOR, name)
    return ModelJson(read_object(path / PROCESSOR, name), PROCESSOR, name).inner("image_processor").values


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
