"""What every encoder can do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from clip_core.values import Floats, Image


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
            EncoderError: The model failed or gave NaN or zero vectors.
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
            EncoderError: The model failed or gave NaN or zero vectors.
        """
        ...
