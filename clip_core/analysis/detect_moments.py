"""Detect the moments of prompts in an indexed video from a script, with the results that the page shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from clip_core.analysis.analyse import Analysis
from clip_core.analysis.score_prompts import clean_prompts
from clip_core.encoders.base import Encoder
from clip_core.scoring.detection import detect
from clip_core.scoring.prompt_detection import VerdictKind
from clip_core.settings import Settings
from clip_core.store.store import EmbeddingStore
from clip_core.types import Moment


@dataclass(frozen=True)
class Detection:
    """What was detected in a video.

    Attributes:
        moments: Moments of prompts whose verdict is "there" or "throughout"; ranked by peak.
        candidates: The likeliest places, at most three, of each prompt that is "not sure".
        verdicts: Prompt → "there", "throughout" (all or most of the video) or "not sure".
        confidence: Prompt → share of the null bank (300 neutral texts) that it beats, in [0, 1]; None if not compared.
        reasons: Prompt → a sentence that explains the verdict.
        shot_boundaries_s: Where one shot ends and the next begins, in seconds, rising.
    """

    moments: Sequence[Moment]
    candidates: Sequence[Moment]
    verdicts: Mapping[str, VerdictKind]
    confidence: Mapping[str, float | None]
    reasons: Mapping[str, str]
    shot_boundaries_s: Sequence[float]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values for JSON."""
        return {
            "moments": [asdict(moment) for moment in self.moments],
            "candidates": [asdict(moment) for moment in self.candidates],
            "verdicts": dict(self.verdicts),
            "confidence": dict(self.confidence),
            "reasons": dict(self.reasons),
            "shot_boundaries_s": list(self.shot_boundaries_s),
        }


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
    )
