"""What every encoder demands of the pictures that come in and of the vectors that go out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clip_core.errors import EncoderError
from clip_core.values import Floats, Image


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
