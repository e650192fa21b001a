"""What an encoder gave is looked at before it is kept: a bad vector would stay in the store for good."""

from __future__ import annotations

import numpy as np

from clip_core.encoders.base import Encoder
from clip_core.errors import EncoderError
from clip_core.values import Floats

SLACK = 1e-3


def checked(vectors: Floats, count: int, encoder: Encoder) -> Floats:
    """Return the vectors as float32 (count, dim) of unit length.

    Args:
        vectors: What ``encoder`` gave.
        count: How many it was asked for.
        encoder: Says which length they must have.

    Raises:
        EncoderError: They have another shape, are not finite, or are zero.
    """
    found = np.asarray(vectors)
    if found.shape != (count, encoder.dim):
        what = f"The model {encoder.id} gave vectors of shape {found.shape} instead of {(count, encoder.dim)}."
        raise EncoderError(what, "Use another model.")
    lengths = np.linalg.norm(found.astype(np.float64), axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or not (lengths > 0).all():
        raise EncoderError(f"The model {encoder.id} gave a zero, NaN or infinite vector.", "Use another model.")
    if np.abs(lengths - 1.0).max(initial=0.0) > SLACK:
        found = found / lengths
    return np.asarray(found, dtype=np.float32)
