"""Prompt templates: the wordings of a prompt, their ensemble vector, and how far they disagree."""

from __future__ import annotations

import re

import numpy as np

from clip_core.settings import Templates
from clip_core.types import Floats

SIMPLE_IMAGENET_TEMPLATES = (
    "itap of a {}.",
    "a bad photo of the {}.",
    "a origami {}.",
    "a photo of the large {}.",
    "a {} in a video game.",
    "art of the {}.",
    "a photo of the small {}.",
)
"""The 7 of OpenAI's notebook Prompt_Engineering_for_ImageNet; SIMPLE_IMAGENET_TEMPLATES in open_clip."""

OPENAI_IMAGENET_TEMPLATES = (
    "a bad photo of a {}.", "a photo of many {}.", "a sculpture of a {}.", "a photo of the hard to see {}.",
    "a low resolution photo of the {}.", "a rendering of a {}.", "graffiti of a {}.", "a bad photo of the {}.",
    "a cropped photo of the {}.", "a tattoo of a {}.", "the embroidered {}.", "a photo of a hard to see {}.",
    "a bright photo of a {}.", "a photo of a clean {}.", "a photo of a dirty {}.", "a dark photo of the {}.",
    "a drawing of a {}.", "a photo of my {}.", "the plastic {}.", "a photo of the cool {}.",
    "a close-up photo of a {}.", "a black and white photo of the {}.", "a painting of the {}.", "a painting of a {}.",
    "a pixelated photo of the {}.", "a sculpture of the {}.", "a bright photo of the {}.", "a cropped photo of a {}.",
    "a plastic {}.", "a photo of the dirty {}.", "a jpeg corrupted photo of a {}.", "a blurry photo of the {}.",
    "a photo of the {}.", "a good photo of the {}.", "a rendering of the {}.", "a {} in a video game.",
    "a photo of one {}.", "a doodle of a {}.", "a close-up photo of the {}.", "a photo of a {}.", "the origami {}.",
    "the {} in a video game.", "a sketch of a {}.", "a doodle of the {}.", "a origami {}.",
    "a low resolution photo of a {}.", "the toy {}.", "a rendition of the {}.", "a photo of the clean {}.",
    "a photo of a large {}.", "a rendition of a {}.", "a photo of a nice {}.", "a photo of a weird {}.",
    "a blurry photo of a {}.", "a cartoon {}.", "art of a {}.", "a sketch of the {}.", "a embroidered {}.",
    "a pixelated photo of a {}.", "itap of the {}.", "a jpeg corrupted photo of the {}.", "a good photo of a {}.",
    "a plushie {}.", "a photo of the nice {}.", "a photo of the small {}.", "a photo of the weird {}.",
    "the cartoon {}.", "art of the {}.", "a drawing of the {}.", "a photo of the large {}.",
    "a black and white photo of a {}.", "the plushie {}.", "a dark photo of a {}.", "itap of a {}.",
    "graffiti of the {}.", "a toy {}.", "itap of my {}.", "a photo of a cool {}.", "a photo of a small {}.",
    "a tattoo of the {}.",
)  # fmt: skip
"""The 80 that OpenAI chose for ImageNet, in the order of open_clip's OPENAI_IMAGENET_TEMPLATES."""

TEMPLATE_SETS: dict[Templates, tuple[str, ...]] = {
    "none": ("{}",),
    "simple": SIMPLE_IMAGENET_TEMPLATES,
    "openai": OPENAI_IMAGENET_TEMPLATES,
}
"""Name → templates, each with one "{}" where the prompt goes; "none" leaves a prompt as typed."""
LONGEST_NAME_WORDS = 5
"""A longer prompt is a sentence, which no template improves."""
BLOCK_SAMPLES = 8192
SHORTEST = 1e-6

_ARTICLE = re.compile(r"(?:an?|the)\s+(?=\S)", re.IGNORECASE)
_BRINGS_ITS_OWN = re.compile(r"\b(?:an?|the|my|one|many)\b[^{]*\{\}")


def filled(prompt: str, templates: Templates) -> list[str]:
    """Put ``prompt`` into each template of a set; each text is returned once.

    The templates are made for bare class names. A leading "a", "an" or "the" of the prompt is dropped where a template
    has its own determiner: "a dog" in "a photo of the {}." becomes "a photo of the dog.". A prompt of more than 5 words
    is taken for a sentence and returned once, as typed. A prompt that is only an article keeps it.

    Raises:
        ValueError: The template set is unknown.
    """
    if templates not in TEMPLATE_SETS:
        raise ValueError(f"there is no template set {templates!r}; there are {', '.join(TEMPLATE_SETS)}")
    if len(prompt.split()) > LONGEST_NAME_WORDS:
        return [prompt]
    bare = _ARTICLE.sub("", prompt, count=1) if _ARTICLE.match(prompt) else prompt
    texts = [t.replace("{}", bare if _BRINGS_ITS_OWN.search(t) else prompt) for t in TEMPLATE_SETS[templates]]
    return list(dict.fromkeys(texts))


def ensemble(vectors: Floats) -> Floats:
    """Return the ensemble vector of a prompt's texts: normalise each, average, normalise again (open_clip).

    Takes float32 (k, dim) and returns float32 (dim,), unit length: the first vector if they cancel out.

    Raises:
        ValueError: There are no vectors, or one is zero.
    """
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    if len(vectors) == 0 or not np.all(lengths > 0):
        raise ValueError(f"an ensemble needs at least one vector, none of them zero; there are {len(vectors)}")
    units = vectors / lengths
    mean = units.mean(axis=0)
    length = float(np.linalg.norm(mean))
    return np.asarray(mean / length if length > 1e-12 else units[0], np.float32)


def ribbon(frames: Floats, texts: Floats) -> tuple[Floats, Floats]:
    """Return how far a prompt's templates disagree at each sample: mean ± standard deviation, around its curve.

    The ensemble's vector is the normalised mean, so its cosines are the mean of the templates' cosines divided by the
    length of the mean vector. The edges are divided by the same length.

    A spike inside the ribbon is just noise of the wording. Works in blocks: at most 8,192 × k cosines in memory.

    Args:
        frames: float32 (n, dim), unit length.
        texts: float32 (k, dim), k ≥ 1, unit length: one vector per template.

    Returns:
        The lower and the upper edge, both float32 (n,).
    """
    length = max(float(np.linalg.norm(texts.astype(np.float64).mean(axis=0))), SHORTEST)
    low, high = np.empty(len(frames), np.float32), np.empty(len(frames), np.float32)
    for start in range(0, len(frames), BLOCK_SAMPLES):
        block = slice(start, start + BLOCK_SAMPLES)
        cosines = frames[block] @ texts.T
        mean, spread = cosines.mean(axis=1), cosines.std(axis=1)
        low[block], high[block] = (mean - spread) / length, (mean + spread) / length
    return low, high
