"""What every encoder can do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from clip_core.config import Crop
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
