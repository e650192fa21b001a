"""Compute all that moments are made from for a video and a model, keeping results so that only new work is done."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clip_core.analysis.score_prompts import (
    clean_prompts,
    learn_prompts,
    read_new_frames,
    table_of,
    text_vectors,
    unread_notes,
)
from clip_core.encoders.base import Encoder
from clip_core.indexing.embed_frames import checked
from clip_core.scoring.detection import detect
from clip_core.scoring.null_bank import BankKind, NullBank, PromptBank, bank_texts, kind_of, prompt_banks
from clip_core.scoring.prompt_detection import VerdictKind
from clip_core.scoring.segments import Neighbours, Segmenter, Segments, find_shot_boundaries
from clip_core.scoring.similarity_table import SimilarityTable, ensemble_key, image_key
from clip_core.scoring.spans import sample_spans
from clip_core.scoring.templates import filled, ribbon
from clip_core.scoring.video_scores import VideoScores
from clip_core.settings import Settings
from clip_core.store.store import EmbeddingStore
from clip_core.tabular import Tabular, texts
from clip_core.types import Floats, Image, Moment, Scores, TimeTable


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture to compare frames with, uint8 (height, width, 3).

    ``picture_id`` is the SHA-256 of its pixels and shape, so that the same picture is embedded once.
    """

    rgb: Image
    picture_id: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        digest = hashlib.sha256(str(self.rgb.shape).encode() + self.rgb.tobytes()).hexdigest()
        object.__setattr__(self, "picture_id", digest)


class Analysis:
    """What is known so far about an indexed video under the model that its frames were embedded with.

    Not thread-safe.
    """

    def __init__(self, video_id: str, encoder: Encoder, store: EmbeddingStore) -> None:
        self._video_id, self._encoder, self._store = video_id, encoder, store
        self.similarities = SimilarityTable()
        self._neighbours, self._segmenter, self._generation = Neighbours(), Segmenter(), 0
        self._banks: dict[BankKind, NullBank] = {}
        self._known: tuple[object, VideoScores] | None = None

    def bank_is_ready(self, prompts: Iterable[str]) -> bool:
        """Return whether this object holds the null bank (neutral texts) of these prompts already."""
        return all(kind_of(prompt) in self._banks for prompt in prompts)

    def prepare_bank(self, prompts: Iterable[str]) -> None:
        """Load the null bank (neutral texts) of these prompts; texts that the store lacks are embedded and stored.

        Raises:
            EncoderError: The model failed.
        """
        for kind in sorted({kind_of(prompt) for prompt in prompts} - self._banks.keys()):
            texts = bank_texts(kind)
            vectors = text_vectors(texts, self._encoder, self._store)
            self._banks[kind] = NullBank(texts, np.stack([vectors[t] for t in texts]), self._encoder.logit_scale)

    def video_scores(
        self, settings: Settings, *, pictures: Mapping[str, Picture] | None = None, ask_bank: bool = True
    ) -> VideoScores:
        """Read new frames from the store and return all scores.

        Args:
            settings: Its prompts, negatives, templates and weights are used.
            pictures: Name → picture, to score in place of the prompts. The null bank and the negatives are texts, so
                they are not used then.
            ask_bank: Whether prompts are compared with the null bank.

        Raises:
            NotIndexedError: The video was never indexed with this model.
            PromptError: A prompt is empty.
            EncoderError: The model failed on new prompts, new pictures or the bank.
        """
        columns = None if pictures is None else self._learn_pictures(pictures)
        run = read_new_frames(self.similarities, self._video_id, self._encoder, self._store)
        table = table_of(self._video_id, self._store)
        asked = (settings.positives, settings.negatives, settings.templates, tuple(sorted(settings.weights.items())))
        frames = (len(self.similarities), self.similarities.generation, run.finished, table.confirmed, table.end_s)
        key = (asked, None if columns is None else tuple(columns.items()), ask_bank, frames)
        if self._known is None or self._known[0] != key:
            self._known = (key, self._compute(settings, columns, table, complete=run.finished, ask_bank=ask_bank))
        return self._known[1]

    def _learn_pictures(self, pictures: Mapping[str, Picture]) -> dict[str, str]:
        """Add missing picture vectors to the curves; return name → key of its column."""
        keys = {name: image_key(picture.picture_id) for name, picture in pictures.items()}
        lacking = self.similarities.unknown(keys.values())
        if lacking:
            new = [picture for name, picture in pictures.items() if keys[name] in lacking]
            vectors = checked(self._encoder.embed_images([p.rgb for p in new]), len(new), self._encoder)
            self.similarities.add_prompts({image_key(p.picture_id): v for p, v in zip(new, vectors, strict=True)})
        return keys

    def _compute(
        self, settings: Settings, columns: Mapping[str, str] | None, table: TimeTable, *, complete: bool, ask_bank: bool
    ) -> VideoScores:
        prompts = settings.positives if columns is None else ()
        if columns is not None:
            raw, negatives = self._scores(columns, table, complete=complete), self._scores({}, table)
            raw = replace(raw, values=raw.values.clip(-1, 1))  # rounding puts a frame with itself slightly above 1
        else:
            if ask_bank:
                self.prepare_bank(prompts)
            texts = [*prompts, *settings.negatives]
            learn_prompts(self.similarities, texts, settings.templates, self._encoder, self._store)
            keys = {text: ensemble_key(text, settings.templates) for text in texts}
            raw = self._scores({text: keys[text] for text in prompts}, table, complete=complete)
            negatives = self._scores({text: keys[text] for text in settings.negatives}, table, complete=complete)
        self._start_anew_if_forgotten()
        vectors, order = self._vectors, self.similarities.order
        shot_boundaries_s = find_shot_boundaries(self._neighbours.distances(vectors, order), raw.times_s)
        spans = sample_spans(raw.times_s, raw.start_s, raw.end_s)
        segments = self._segmenter.segments(vectors, order, spans, raw.times_s, shot_boundaries_s)
        return VideoScores(
            raw,
            negatives,
            weights=settings.weights,
            logit_scale=self._encoder.logit_scale,
            banks=self._prompt_banks(prompts, segments) if ask_bank else {},
            shot_boundaries_s=shot_boundaries_s,
            segments=segments,
        )

    @property
    def _vectors(self) -> Floats:
        """The vectors of all frames, float32 (n, dim), also for n = 0."""
        return self.similarities.vectors().reshape(-1, self._encoder.dim)

    def _start_anew_if_forgotten(self) -> None:
        """Drop cached results if the video was forgotten meanwhile, because its rows are no longer the same."""
        if self.similarities.generation != self._generation:
            self._neighbours, self._segmenter, self._generation = (
                Neighbours(),
                Segmenter(),
                self.similarities.generation,
            )
            for bank in self._banks.values():
                bank.forget()

    def _prompt_banks(self, prompts: Sequence[str], segments: Segments) -> dict[str, PromptBank]:
        found: dict[str, PromptBank] = {}
        for kind, bank in self._banks.items():
            if own := [prompt for prompt in prompts if kind_of(prompt) == kind]:
                found |= prompt_banks(own, bank, self._vectors, self.similarities.order, segments)
        return found

    def _scores(self, columns: Mapping[str, str], table: TimeTable, *, complete: bool = True) -> Scores:
        """Return the columns with these keys (name → key), under their names."""
        return replace(self.similarities.scores([*columns.values()], table, complete=complete), prompts=tuple(columns))

    def ribbons(self, settings: Settings) -> dict[str, tuple[Floats, Floats]]:
        """Return prompt → lower and upper edge of its cosines over the templates, for prompts with several wordings."""
        vectors = self.similarities.vectors()[self.similarities.order]
        found = {}
        for prompt in settings.positives:
            wordings = filled(prompt, settings.templates)
            if len(wordings) > 1:
                known = text_vectors(wordings, self._encoder, self._store)
                found[prompt] = ribbon(vectors, np.stack([known[text] for text in wordings]))
        return found


@dataclass(frozen=True)
class Detection(Tabular):
    """What was detected in a video.

    Attributes:
        moments: Moments of prompts whose verdict is "there" or "throughout"; ranked by peak.
        candidates: The likeliest places, at most three, of each prompt that is "not sure".
        verdicts: Prompt → "there", "throughout" (all or most of the video) or "not sure".
        confidence: Prompt → share of the null bank (300 neutral texts) that it beats, in [0, 1]; None if not compared.
        reasons: Prompt → a sentence that explains the verdict.
        shot_boundaries_s: Where one shot ends and the next begins, in seconds, rising.
        warnings: Sentences that name the words of prompts that the model does not read.
    """

    moments: Sequence[Moment]
    candidates: Sequence[Moment]
    verdicts: Mapping[str, VerdictKind]
    confidence: Mapping[str, float | None]
    reasons: Mapping[str, str]
    shot_boundaries_s: Sequence[float]
    warnings: Sequence[str] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values for JSON."""
        return asdict(self)

    def columns(self) -> dict[str, NDArray[Any]]:
        """A row per moment, then per candidate.

        The columns are prompt, label, the verdict of the prompt ("" for a combination), start_s, end_s, peak_s, peak,
        mean, confidence (of the prompt, NaN if not compared) and is_candidate.
        """
        rows = [*self.moments, *self.candidates]
        named: dict[str, NDArray[Any]] = {
            "prompt": texts([m.prompt for m in rows]),
            "label": texts([m.label for m in rows]),
            "verdict": texts([self.verdicts.get(m.prompt, "") for m in rows]),
        }
        for name in ("start_s", "end_s", "peak_s", "peak", "mean"):
            named[name] = np.array([getattr(m, name) for m in rows], np.float64)
        named["confidence"] = np.array([self.confidence.get(m.prompt) for m in rows], np.float64)
        named["is_candidate"] = np.arange(len(rows)) >= len(self.moments)
        return named


def detect_moments(
    video_id: str,
    prompts: Sequence[str],
    encoder: Encoder,
    store: EmbeddingStore,
    *,
    settings: Settings | None = None,
    confidence: float | None = None,
) -> Detection:
    """Detect the moments of prompts in an indexed video, as the page does.

    Args:
        video_id: An indexed video.
        prompts: Texts; one that begins with "- " is a negative prompt. A duplicate is used once.
        encoder: The model that the frames were embedded with.
        store: Holds the frames.
        settings: How curves become moments; None means the page's defaults. Prompts in the settings are ignored.
        confidence: A prompt is there if it beats more than this share of the null bank (300 neutral texts), 0.5 to
            0.999; None uses that of the settings, 0.95 by default.

    Raises:
        NotIndexedError: The video was never indexed with this model.
        PromptError: A prompt is empty.
        SettingsError: The unit of the settings is not available for these prompts, or the confidence is out of range.
        EncoderError: The model failed.
    """
    used = replace(settings or Settings(), prompts=clean_prompts(prompts))
    if confidence is not None:
        used = replace(used, confidence=confidence)
    found = detect(used, Analysis(video_id, encoder, store).video_scores(used, ask_bank=used.needs_bank))
    return Detection(
        moments=tuple(found.moments),
        candidates=tuple(found.candidates),
        verdicts={prompt: verdict.kind for prompt, verdict in found.verdicts.items()},
        confidence={prompt: verdict.confidence for prompt, verdict in found.verdicts.items()},
        reasons={prompt: verdict.reason for prompt, verdict in found.verdicts.items()},
        shot_boundaries_s=tuple(found.video_scores.shot_boundaries_s.tolist()),
        warnings=unread_notes(used.texts, encoder),
    )
