"""What the `transformers` library makes of the frames and the texts, from file to unit vector."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import BaseImageProcessor, PreTrainedModel, PreTrainedTokenizerBase
from transformers.modeling_outputs import BaseModelOutputWithPooling

from tests.support.parity_frames import frames
from tests.support.parity_wrongs import TELLING, WRONGS
from tools.parity.models import IMAGE_SIZE

Vectors = NDArray[np.float32]


def image_vectors(
    model: PreTrainedModel, processor: BaseImageProcessor, pictures: Sequence[NDArray[np.uint8]]
) -> Vectors:
    """Unit vectors (n, dim) of RGB pictures: the processor's pixel values through ``get_image_features``."""
    found = []
    for picture in pictures:
        # Told where the channels are: of a 1 × 1 picture transformers would otherwise take the rows for them.
        pixels = processor(images=picture, input_data_format="channels_last", return_tensors="pt")
        with torch.inference_mode():
            found.append(_unit(model.get_image_features(**pixels)))
    return np.concatenate(found)


def text_vectors(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], padding: str | bool
) -> Vectors:
    """Unit vectors (n, dim) of texts, each tokenized on its own.

    Args:
        model: CLIPModel or SiglipModel.
        tokenizer: Its tokenizer; cuts at its ``model_max_length``.
        texts: Any texts.
        padding: "max_length", or False for none.
    """
    found = []
    for text in texts:
        tokens = tokenizer([text], padding=padding, truncation=True, return_tensors="pt")
        with torch.inference_mode():
            found.append(_unit(model.get_text_features(**{name: tokens[name] for name in tokenizer.model_input_names})))
    return np.concatenate(found)


def _unit(features: torch.Tensor | BaseModelOutputWithPooling) -> Vectors:
    # A tensor up to transformers 4, an object from 5 on.
    tensor = features if isinstance(features, torch.Tensor) else features.pooler_output
    return np.asarray(torch.nn.functional.normalize(tensor, dim=-1).numpy(), dtype=np.float32)


def wrong_ways(kind: str, embed: Callable[[Sequence[NDArray[np.uint8]]], Vectors]) -> dict[str, dict[str, float]]:
    """Cosines with the right vector that nearly right preparations reach: way → frame → cosine.

    Args:
        kind: "clip" or "siglip".
        embed: Pictures → unit vectors.
    """
    pictures = {name: picture for name, picture in frames() if name in TELLING}
    right = embed(list(pictures.values()))
    found = {}
    for way, change in WRONGS[kind].items():
        wrong = embed([change(picture, IMAGE_SIZE) for picture in pictures.values()])
        found[way] = dict(zip(pictures, cosines(right, wrong), strict=True))
    return found


def cosines(one: Vectors, other: Vectors) -> list[float]:
    """Cosine of each pair of rows, to six places."""
    return [round(float(cosine), 6) for cosine in (one.astype(np.float64) * other).sum(axis=1)]


def most_alike(vectors: Vectors, names: Sequence[str]) -> Mapping[str, float]:
    """The two rows that are most alike, "name / name" → cosine: how well the model tells things apart."""
    table = vectors.astype(np.float64) @ vectors.T - 2 * np.eye(len(vectors))
    row, column = np.unravel_index(table.argmax(), table.shape)
    return {f"{names[row]} / {names[column]}": round(float(table[row, column]), 6)}
