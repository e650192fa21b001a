"""What every encoder can do, and what it demands of the pictures that come in and the vectors that go out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from clip_core.config import Crop
from clip_core.errors import EncoderError
from clip_core.types import Floats, Image


class Encoder(Protocol):
    """A model that puts images and texts into one space of unit vectors.

    One object may be used by several threads at once.

    Attributes:
        id: The name by which ``load_encoder`` found it, such as "sample".
        fingerprint: 64 hex digits that cover weights and preprocessing: what vectors are keyed by.
        dim: Length of a vector.
        logit_scale: The factor that the model was trained to multiply cosines with (about 100 for CLIP).
    """

    id: str
    fingerprint: str
    dim: int
    logit_scale: float

    def embed_images(self, images: Sequence[Image]) -> Floats:
        """Embed pictures.

        Args:
            images: uint8 RGB, each (height, width, 3); sizes may differ. May be empty.

        Returns:
            float32 (n, dim), rows of unit length, in the order given.

        Raises:
            EncoderError: The model failed or gave NaN or zero vectors. Where each picture costs, its ``finished``
                holds the vectors of those before the one that failed.
            ValueError: A picture has another shape or dtype.
        """
        ...

    def embed_texts(self, texts: Sequence[str]) -> Floats:
        """Embed texts, cut to the model's length.

        Args:
            texts: Any texts. May be empty.

        Returns:
            float32 (n, dim), rows of unit length, in the order given.

        Raises:
            EncoderError: The model failed or gave NaN or zero vectors; or it is on a server that cuts no
                text, and the text that the message names is too long.
        """
        ...


class ShownEncoder(Encoder, Protocol):
    """An Encoder that also says what the page shows of it.

    Attributes:
        name: To show.
        provider: What it runs on, such as "CPU", "CUDA" or the address of a server.
        precision: Of its weights, such as "fp32" or "int8"; "" if that is not known.
        default_threshold: A cosine to start with.
        default_smoothing_s: A window to start with, in seconds.
        image_size: (height, width) of what the model sees.
        framing: How a frame becomes that.
        sends_to: The host that frames and prompts are sent to; None if they stay on this machine.
    """

    name: str
    provider: str
    precision: str
    default_threshold: float
    default_smoothing_s: float
    image_size: tuple[int, int]
    framing: Crop
    sends_to: str | None

    def framed(self, crop: Crop | None) -> ShownEncoder:
        """The same model with its frames cut, squashed or fitted in, under another fingerprint.

        None is the model's own way, whatever this one does.
        """
        ...

    def cut_off(self, texts: Sequence[str]) -> list[str]:
        """For each text the words at its end that the model does not read, "" where it reads all."""
        ...


def need_rgb(images: Sequence[Image]) -> None:
    """Refuse what is no picture.

    Raises:
        ValueError: One is not uint8 (height, width, 3), or has no pixel.
    """
    for number, image in enumerate(images):
        shape, dtype = getattr(image, "shape", None), getattr(image, "dtype", None)
        if dtype != np.uint8 or shape is None or len(shape) != 3 or shape[2] != 3 or 0 in shape:
            raise ValueError(f"picture {number} must be uint8 RGB (height, width, 3), not {dtype} {shape}")


def unit(
    vectors: Floats,
    dim: int,
    model: str,
    what: str,
    next_step: str = "Use another model.",
    kind: type[EncoderError] = EncoderError,
) -> Floats:
    """Scale rows to unit length.

    Args:
        vectors: Floats (n, any number).
        dim: How long a row must be.
        model: Who gave them, for messages.
        what: What they were given for, such as "picture".
        next_step: What to do about bad ones.
        kind: What to raise.

    Returns:
        float32 (n, dim).

    Raises:
        EncoderError: A row has another length, or is NaN, infinite or zero.
    """
    if vectors.shape[1] != dim:
        raise kind(f"{model} gave a vector of {vectors.shape[1]} numbers instead of {dim}.", next_step)
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    for bad, name in ((~np.isfinite(lengths), "NaN or infinite"), (lengths < 1e-12, "zero")):
        if bad.any():
            raise kind(f"{model} gave a {name} vector for a {what}.", next_step)
    return np.asarray(vectors / lengths, dtype=np.float32)
