"""Vectors of films with planted truth, whose curves behave as those of real CLIP models do.

Figures from clip_statistics.json of the realclip set (OpenAI CLIP ViT-B/32, 1,334 home videos, 1 sample a second):
a cosine of 0.206 on the average, texts that lie higher or lower in all frames (hubness, standard deviation 0.012),
48 % of a curve's variance common to all texts, an autocorrelation of 0.36 over a second, two texts 0.745 alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from clip_core.scoring.null_bank import NullBank, PromptBank, prompt_banks
from clip_core.scoring.prompt_detection import PromptDetection, detect_prompt
from clip_core.scoring.segments import Segmenter, Segments
from clip_core.scoring.spans import sample_spans
from clip_core.types import Floats, Times

MEAN, HUBNESS, NOISE, COMMON, LAG_1S, ALIKE = 0.206, 0.012, 0.0064, 0.48, 0.36, 0.745
BANK, REST = 300, 64
Events = Mapping[str, Sequence[tuple[int, int]]]


@dataclass(frozen=True, eq=False)
class Film:
    """What was planted, and what the product makes of it.

    Attributes:
        vectors: float32 (n, dim), unit length, one a sample.
        times_s: float64 (n,).
        texts: Prompt → its vector, float32 (dim,).
        bank: 300 texts that are never there.
        truth: Prompt → when it is there, in seconds.
    """

    vectors: Floats
    times_s: Times
    texts: Mapping[str, Floats]
    bank: NullBank
    truth: Mapping[str, list[tuple[float, float]]]
    segments: Segments = field(init=False)
    banks: Mapping[str, PromptBank] = field(init=False)

    def __post_init__(self) -> None:
        order = np.arange(len(self.vectors))
        end_s = float(self.times_s[-1]) + 1.0 if len(self.times_s) else 0.0
        spans = sample_spans(self.times_s, 0.0, end_s)
        segments = Segmenter().segments(self.vectors, order, spans, self.times_s, np.empty(0))
        object.__setattr__(self, "segments", segments)
        object.__setattr__(self, "banks", prompt_banks([*self.texts], self.bank, self.vectors, order, segments))

    def curve(self, prompt: str) -> Floats:
        """Its cosines, float32 (n,)."""
        return self.vectors @ self.texts[prompt]

    def detect(self, prompt: str, confidence: float = 0.95, *, ask_bank: bool = True) -> PromptDetection:
        """What is found of a prompt."""
        return detect_prompt(self.curve(prompt), self.segments, self.banks[prompt] if ask_bank else None, confidence)

    def seconds(self, found: PromptDetection) -> list[tuple[float, float]]:
        """Its runs, from half a sample before the first sample on, in the order of time."""
        edges = np.append(self.times_s, self.times_s[-1] + np.diff(self.times_s)[-1])
        return sorted((float(edges[run.first]), float(edges[run.stop])) for run in found.runs)


def planted_film(
    events: Events,
    *,
    absent: int = 0,
    rise: float = 0.03,
    seconds: int = 120,
    per_s: int = 1,
    own_hubness: float = 0.0,
    seed: int = 0,
) -> Film:
    """Make a film in which each prompt is there at its events.

    Args:
        events: Prompt → [first, stop) in seconds; a prompt with none is of typical height, and never there.
        absent: How many further prompts, "absent 0" and so on, are as the texts of the bank are: never there, and
            some of them high throughout.
        rise: How much higher a cosine lies in its events.
        seconds: How long it is.
        per_s: Samples a second.
        own_hubness: How much higher the prompts with events lie than texts do on the average, in all frames.
        seed: Of all that is random.
    """
    rng, n = np.random.default_rng(seed), seconds * per_s
    names = [*events, *(f"absent {k}" for k in range(absent))]
    count = BANK + len(names)
    heights = MEAN + rng.normal(0, HUBNESS, count)
    heights[BANK : BANK + len(events)] = MEAN + own_hubness
    scene, cosines = np.zeros(n, np.int64), np.zeros((n, count))
    for column, spans in enumerate(events.values(), BANK):
        for first, stop in spans:
            cosines[first * per_s : stop * per_s, column] += rise
            scene[first * per_s :] += 1
            scene[stop * per_s :] += 1
    shared = NOISE * np.sqrt(COMMON / (1 - COMMON)) * _wandering(rng, n, 1, per_s)
    cosines += heights + NOISE * _wandering(rng, n, count, per_s)
    texts, vectors = _as_vectors(cosines, shared[:, 0], _scenes(rng, scene, per_s))
    return Film(
        vectors,
        np.arange(n) / per_s,
        dict(zip(names, texts[BANK:], strict=True)),
        NullBank([f"neutral {k}" for k in range(BANK)], texts[:BANK], 100.0),
        {name: [(float(a), float(b)) for a, b in events.get(name, ())] for name in names},
    )


def _wandering(rng: np.random.Generator, n: int, columns: int, per_s: int) -> np.ndarray:
    """AR(1) noise of deviation 1, (n, columns)."""
    keep = LAG_1S ** (1 / per_s)
    steps = rng.normal(size=(n, columns))
    for k in range(1, n):
        steps[k] = keep * steps[k - 1] + np.sqrt(1 - keep**2) * steps[k]
    return steps


def _scenes(rng: np.random.Generator, scene: np.ndarray, per_s: int) -> np.ndarray:
    """What else is in the picture, unit length (n, REST): about 0.05 in cosine away from one second to the next."""
    bases = rng.normal(size=REST) + 0.5 * rng.normal(size=(int(scene.max(initial=0)) + 1, REST))
    rest = bases[scene] + 0.2 * _wandering(rng, len(scene), REST, per_s)
    return rest / np.linalg.norm(rest, axis=1, keepdims=True)


def _as_vectors(cosines: np.ndarray, common: np.ndarray, scenes: np.ndarray) -> tuple[Floats, Floats]:
    """Texts (m, dim) that share a direction, and frames (n, dim) with the cosines (n, m) + (n,) to them."""
    (n, m), shared = cosines.shape, np.sqrt(ALIKE)
    texts = np.zeros((m, 1 + m + REST), np.float32)
    texts[:, 0] = shared
    texts[np.arange(m), 1 + np.arange(m)] = np.sqrt(1 - ALIKE)
    frames = np.zeros((n, 1 + m + REST))
    frames[:, 0] = (MEAN + common) / shared
    frames[:, 1 : 1 + m] = (cosines - MEAN) / np.sqrt(1 - ALIKE)
    left = 1 - np.sum(frames**2, axis=1)
    frames[:, 1 + m :] = scenes * np.sqrt(np.maximum(left, 0))[:, None]
    return texts, frames.astype(np.float32)
