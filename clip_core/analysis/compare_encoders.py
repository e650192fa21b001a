"""Compare two encoders on the same frames and prompts: their vectors and their scores."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from clip_core.analysis.score_prompts import clean_prompts
from clip_core.encoders.base import Encoder
from clip_core.errors import EncoderError
from clip_core.indexing.embed_frames import checked
from clip_core.types import Floats, Frame, Times
from clip_core.video import open_video

FRAMES_AT_ONCE = 4


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """The results of two encoders on the same n frames and p prompts.

    Attributes:
        times_s: float64 (n,), presentation times of the frames.
        image_cosines: float32 (n,), cosine similarity of each frame's two vectors.
        text_cosines: float32 (p,), the same for the prompts.
        scores: float32 (2, n, p), cosine similarity of each frame and prompt under the first and the second encoder.
    """

    times_s: Times
    prompts: tuple[str, ...]
    image_cosines: Floats
    text_cosines: Floats
    scores: Floats

    @property
    def changes(self) -> Floats:
        """float32 (n, p): scores of the second encoder minus scores of the first."""
        return np.asarray(self.scores[1] - self.scores[0])


def compare_encoders(
    path: str | os.PathLike[str],
    first: Encoder,
    second: Encoder,
    prompts: Sequence[str],
    *,
    frames: int = 16,
    on_frames: Callable[[int], None] | None = None,
) -> Comparison:
    """Embed the same frames and prompts with two encoders of one family.

    The video is divided into ``frames`` equal parts; the frame on screen at the middle of each is used, each once.

    ``on_frames`` is called with the number of frames done so far. There may be no prompts.

    Raises:
        EncoderError: The encoders differ in dimension, or one of them failed.
        VideoError: The file cannot be opened or decoded, or was changed meanwhile.
        PromptError: A prompt is empty.
        ValueError: ``frames`` is below 1.
    """
    if frames < 1:
        raise ValueError(f"frames must be at least 1, not {frames}.")
    if first.dim != second.dim:
        what = f"{first.id} gives vectors of {first.dim} numbers, {second.id} of {second.dim}: nothing to compare."
        raise EncoderError(what, "Choose two encoders of one model, such as ViT-B/16 here and on a server.")
    cleaned = clean_prompts(prompts)
    texts = [checked(encoder.embed_texts(cleaned), len(cleaned), encoder) for encoder in (first, second)]
    vectors: tuple[list[Floats], list[Floats]] = ([], [])
    times_s: list[float] = []
    for batch in _batches(path, frames):
        for encoder, kept in zip((first, second), vectors, strict=True):
            kept.append(checked(encoder.embed_images([frame.rgb for frame in batch]), len(batch), encoder))
        times_s += [frame.time_s for frame in batch]
        if on_frames is not None:
            on_frames(len(times_s))
    images = [np.concatenate(kept) for kept in vectors]
    return Comparison(
        times_s=np.array(times_s),
        prompts=cleaned,
        image_cosines=np.einsum("nd,nd->n", *images),
        text_cosines=np.einsum("pd,pd->p", *texts),
        scores=np.stack([image @ text.T for image, text in zip(images, texts, strict=True)]),
    )


def _batches(path: str | os.PathLike[str], frames: int) -> Iterator[list[Frame]]:
    """Yield the frames in small batches to limit memory."""
    with open_video(Path(path)) as video:
        middles_s = (np.arange(frames) + 0.5) * (video.table.end_s / frames)
        numbers = np.unique(np.searchsorted(video.times_s, middles_s, side="right").clip(1) - 1).tolist()
        for start in range(0, len(numbers), FRAMES_AT_ONCE):
            with video.watched.telling():
                batch = [video.frame_at(index=number) for number in numbers[start : start + FRAMES_AT_ONCE]]
                video.watched.check_frames()
            yield batch
