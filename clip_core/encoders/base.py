"""The interface of encoders, and the checks of their input pictures and output vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from clip_core.config import Crop
from clip_core.errors import EncoderError
from clip_core.text import short_prompt, single_line
from clip_core.types import Floats, Image

MOST_UNKNOWN_SHOWN, LONGEST_SHOWN = 5, 30
MOST_CUT_SHOWN = 100


@dataclass(frozen=True, slots=True)
class UnreadWords:
    """The words of a text that a model does not read, and those that it does.

    Attributes:
        text: The text.
        cut_off: The words at its end that are beyond the model's length, or "".
        unknown: The words before ``cut_off`` that the model does not know, each once. It cannot tell them apart.
        read: The words that it knows; "" if it knows none, and the vector says nothing about the text.
    """

    text: str
    cut_off: str
    unknown: tuple[str, ...]
    read: str

    @property
    def notes(self) -> list[str]:
        """What to tell the user: up to one note about what is cut off, and one about unknown words."""
        return [note for note in (self.cut_note, self.unknown_note) if note]

    @property
    def cut_note(self) -> str:
        """Which words at the end the model does not read; "" if it reads to the end."""
        end, size = self.cut_off[:MOST_CUT_SHOWN], len(self.cut_off)
        more = f"… ({size:,} characters)" if size > MOST_CUT_SHOWN else ""
        return f"“{short_prompt(self.text)}” is longer than the model reads. Not read: “{end}{more}”" if size else ""

    @property
    def unknown_note(self) -> str:
        """Which words the model does not know, and what it reads; "" if it knows all."""
        if self.read and not self.unknown:
            return ""
        words = [f"“{single_line(word, LONGEST_SHOWN)}”" for word in self.unknown[:MOST_UNKNOWN_SHOWN]]
        if (more := len(self.unknown) - MOST_UNKNOWN_SHOWN) > 0:
            words.append(f"and {more} more")
        what = f"the model does not know {', '.join(words)}" if words else "the model does not know such characters"
        left = "It reads nothing else, so the scores say nothing about this prompt."
        if self.read:
            left = f"It reads only “{short_prompt(self.read)}”."
        return f"“{short_prompt(self.text)}”: {what}. {left}"


class Encoder(Protocol):
    """A model that embeds images and texts as unit vectors in one space.

    Several threads may use one object at the same time.

    Attributes:
        id: The name under which ``load_encoder`` found it, such as "sample".
        fingerprint: 64 hex digits that cover weights and preprocessing; vectors are stored under it.
        dim: Length of a vector.
        logit_scale: The factor by which the model was trained to multiply cosines (about 100 for CLIP).
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
            float32 (n, dim), rows of unit length, in the order of the pictures.

        Raises:
            EncoderError: The model failed or gave NaN or zero vectors. If it runs on a server, the error's
                ``finished`` holds the vectors of the pictures before the one that failed. ``waits.on_wait`` says
                what happens if the server asks to wait.
            ValueError: A picture has another shape or dtype.
        """
        ...

    def embed_texts(self, texts: Sequence[str]) -> Floats:
        """Embed texts, truncated to the model's length, as float32 (n, dim) like ``embed_images``.

        Raises:
            EncoderError: The model failed or gave NaN or zero vectors; or it is on a server that does not
                truncate, and the text named in the message is too long.
        """
        ...


@runtime_checkable
class NamesUnreadWords(Protocol):
    """What can tell which words a model does not read. An Encoder need not."""

    def unread(self, texts: Sequence[str]) -> list[UnreadWords]:
        """Return for each text which of its words the model does not read."""
        ...


@runtime_checkable
class RunsInBatches(Protocol):
    """What gives its model several pictures in one run. An Encoder need not tell.

    Attributes:
        images_at_once: At most so many; more on a GPU than on a CPU.
    """

    images_at_once: int


class ShownEncoder(Encoder, NamesUnreadWords, Protocol):
    """An Encoder with the facts that the page shows.

    Attributes:
        name: The name to show.
        provider: What it runs on, such as "CPU", "CUDA" or the address of a server.
        precision: Precision of its weights, such as "fp32" or "int8"; "" if unknown.
        default_threshold: Default threshold, a cosine.
        framing: How a frame is fitted to the model's input.
        sends_to: The host that frames and prompts are sent to; None if they stay on this machine.
    """

    name: str
    provider: str
    precision: str
    default_threshold: float
    framing: Crop
    sends_to: str | None

    def framed(self, crop: Crop | None) -> ShownEncoder:
        """Return the same model with frames cropped, squashed or padded, under another fingerprint.

        None means the model's own framing, whatever the framing of this object.
        """
        ...


def need_rgb(images: Sequence[Image]) -> None:
    """Raise ValueError if an image is not uint8 (height, width, 3), or has no pixels."""
    for number, image in enumerate(images):
        shape, dtype = getattr(image, "shape", None), getattr(image, "dtype", None)
        if dtype != np.uint8 or shape is None or len(shape) != 3 or shape[2] != 3 or 0 in shape:
            raise ValueError(f"picture {number} must be uint8 RGB (height, width, 3), not {dtype} {shape}")


def unit_length(
    vectors: Floats,
    dim: int,
    model: str,
    what: str,
    next_step: str = "Use another model.",
    kind: type[EncoderError] = EncoderError,
) -> Floats:
    """Scale rows to unit length, float32 (n, dim).

    Args:
        vectors: Floats (n, any number).
        dim: The required length of a row.
        model, what, next_step: The model, what was embedded ("picture"), and what to do about it, for messages.
        kind: The class of the error that is raised if a row has another length, or is NaN, infinite or zero.
    """
    if vectors.shape[1] != dim:
        raise kind(f"{model} gave a vector of {vectors.shape[1]} numbers instead of {dim}.", next_step)
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    for bad, name in ((~np.isfinite(lengths), "NaN or infinite"), (lengths < 1e-12, "zero")):
        if bad.any():
            raise kind(f"{model} gave a {name} vector for a {what}.", next_step)
    return np.asarray(vectors / lengths, dtype=np.float32)
