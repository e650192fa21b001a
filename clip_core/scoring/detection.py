"""Turn the scores of a video into moments by the settings; the page and the command line share this code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from clip_core.errors import SettingsError
from clip_core.scoring.combine import Combination, combine
from clip_core.scoring.moments import Rules, find_moments, moments_of_runs
from clip_core.scoring.prompt_detection import PromptDetection, Verdict
from clip_core.scoring.smoothing import smooth_as
from clip_core.scoring.spans import sample_spans
from clip_core.scoring.units import convert_prompt_threshold
from clip_core.scoring.video_scores import VideoScores
from clip_core.settings import Settings
from clip_core.types import Floats, Moment, Scores, Times, Unit

CANDIDATE = "candidate"
"""Label of candidates in lists and files."""
_NOT_POSSIBLE: Mapping[Unit, tuple[str, str]] = {
    "margin": ("Margin needs a negative prompt.",
               'Add a line such as "- a person" to the prompts, or choose another unit.'),
    "corrected": ("Corrected scores need the null bank, which cannot be asked here.",
                  "Choose another unit, such as z or cosine."),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class MomentDetection:
    """The moments that the settings give for the scores of a video.

    Attributes:
        video_scores, settings: The scores and settings used.
        scores: The curves in the unit of the settings.
        smoothed: float32 of the same shape.
        thresholds: Flagged prompt → threshold in that unit: the one set by hand, or the level that all moments of a
            detected prompt reach. Prompts that are not sure have none.
        moments: Of the flagged prompts, ranked by peak; then those of combinations.
        candidates: The likeliest places of flagged prompts that are "not sure", the likeliest prompt first.
        verdicts: One for every prompt.
    """

    video_scores: VideoScores
    settings: Settings
    scores: Scores
    smoothed: Floats
    thresholds: Mapping[str, float]
    moments: list[Moment]
    candidates: list[Moment] = field(default_factory=list)
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)

    @property
    def not_sure(self) -> tuple[str, ...]:
        """Flagged prompts whose verdict is "not sure"."""
        asked = (prompt for prompt in self.scores.prompts if prompt not in self.settings.unflagged)
        return tuple(prompt for prompt in asked if prompt not in self.thresholds)

    @property
    def detects(self) -> bool:
        """Whether any flagged prompt is detected on segments, where smoothing only changes the drawn curve."""
        by_hand = thresholds_by_hand(self.settings, self.scores.prompts)
        return any(p not in by_hand and p not in self.settings.unflagged for p in self.scores.prompts)

    @property
    def shot_boundaries_s(self) -> Times | None:
        """The shot boundaries that smoothing did not cross."""
        return shot_boundaries_for(self.settings, self.video_scores)

    @property
    def offsets(self) -> dict[str, float]:
        """Prompt → score at which its moments end, at or below its threshold."""
        return {prompt: onset - self.settings.hysteresis for prompt, onset in self.thresholds.items()}

    def scale_to_unit(self, prompt: str, cosines: Floats) -> Floats:
        """Convert other cosines of a prompt, such as a band around its curve, to the unit corrected, cosine or z.

        Raises:
            ValueError: The unit is another one, in which a single cosine has no value.
        """
        scale, column = self.video_scores.scale, self.scores.prompts.index(prompt)
        if self.scores.unit == "cosine":
            return cosines
        if self.scores.unit == "corrected":
            return np.asarray(cosines - self.video_scores.banks[prompt].level, np.float32)
        if self.scores.unit == "z":
            return np.asarray((cosines - scale.median[column]) / scale.spread[column], np.float32)
        raise ValueError(f"a single cosine has no place in {self.scores.unit}")

    def within(self, prompt: str, score_range: tuple[float, float]) -> Floats:
        """Return a prompt's curve, float32 (n,), with NaN outside the score range or the time range of the settings."""
        curve, times_s = self.scores.column(prompt), self.scores.times_s
        inside = (curve >= np.float32(score_range[0])) & (curve <= np.float32(score_range[1]))
        if self.settings.time_range is not None:
            inside &= (times_s >= self.settings.time_range[0]) & (times_s < self.settings.time_range[1])
        return np.where(inside, curve, np.nan).astype(np.float32)

    def measure(self, prompt: str, start_s: float, end_s: float) -> Moment | None:
        """Return a prompt's moment with these edges; peak and mean are of the samples inside, or of the nearest one.

        Returns None if the prompt has no curve or there are no samples.
        """
        if prompt not in self.scores.prompts or not len(self.scores):
            return None
        times_s = self.scores.times_s
        first, stop = np.searchsorted(times_s, [start_s, end_s])
        if first == stop:
            first = int(np.argmin(np.abs(times_s - (start_s + end_s) / 2)))
            stop = first + 1
        inside = self.smoothed[first:stop, self.scores.prompts.index(prompt)].astype(np.float64)
        lengths_s = sample_spans(times_s, self.scores.start_s, self.scores.end_s).lengths_s[first:stop]
        top = int(np.argmax(inside))
        mean = float(np.average(inside, weights=lengths_s)) if lengths_s.sum() > 0 else float(inside.mean())
        return Moment(prompt, start_s, end_s, float(times_s[first + top]), float(inside[top]), mean)


def detect(settings: Settings, video_scores: VideoScores, *, smoothed: Floats | None = None) -> MomentDetection:
    """Turn curves into moments.

    A threshold set by hand is applied to the smoothed curve (``find_moments``). The other prompts are detected on
    segments of the video (``scoring.prompt_detection``), whatever the unit and the smoothing.

    Args:
        settings: The settings.
        video_scores: The scores of the video.
        smoothed: ``MomentDetection.smoothed`` for the same unit and smoothing, if already computed.

    Raises:
        SettingsError: The unit is margin and there is no negative prompt, or corrected and there is no null bank.
    """
    if settings.unit not in video_scores.scale.units:
        raise SettingsError(*_NOT_POSSIBLE[settings.unit])
    scores = video_scores.scale.in_unit(settings.unit)
    if smoothed is None:
        smoothed = smooth_as(settings, scores, shot_boundaries_for(settings, video_scores))
    by_hand = thresholds_by_hand(settings, video_scores.raw.prompts)
    moments = _apply_thresholds(settings, video_scores, scores, smoothed, by_hand)
    detected = {p: video_scores.detected(p, settings.confidence) for p in scores.prompts if p not in by_hand}
    candidates: list[Moment] = []
    for prompt, found in detected.items():
        runs = _as_moments(settings, video_scores, scores, smoothed, prompt, found)
        (moments if found.verdict.sure else candidates).extend(runs)
    moments.sort(key=lambda m: (-m.peak, m.start_s))
    lines = by_hand | {p: _line(settings, video_scores, p, f, moments) for p, f in detected.items() if f.verdict.sure}
    flagged = [prompt for prompt in scores.prompts if prompt not in settings.unflagged]
    verdicts = {prompt: _verdict(prompt, settings, video_scores, by_hand, moments) for prompt in scores.prompts}
    return MomentDetection(
        video_scores=video_scores,
        settings=settings,
        scores=scores,
        smoothed=smoothed,
        thresholds={prompt: lines[prompt] for prompt in flagged if prompt in lines},
        moments=[m for m in moments if m.prompt in flagged] + _combined(moments, settings, scores.prompts),
        candidates=sorted(
            (replace(m, label=CANDIDATE) for m in candidates if m.prompt in flagged),
            key=lambda m: (-(verdicts[m.prompt].confidence or 0.0), scores.prompts.index(m.prompt), -m.peak),
        ),
        verdicts=verdicts,
    )


def shot_boundaries_for(settings: Settings, video_scores: VideoScores) -> Times | None:
    """Return the shot boundaries that smoothing must not cross, or None if it may cross them all."""
    return None if settings.across_cuts else video_scores.shot_boundaries_s


def thresholds_by_hand(settings: Settings, prompts: Sequence[str]) -> dict[str, float]:
    """Return prompt → threshold set by hand (its own, else the common one); detected prompts are left out."""
    given = {prompt: settings.thresholds.get(prompt, settings.threshold) for prompt in prompts}
    return {prompt: threshold for prompt, threshold in given.items() if threshold is not None}


def _apply_thresholds(
    settings: Settings, video_scores: VideoScores, scores: Scores, smoothed: Floats, thresholds: Mapping[str, float]
) -> list[Moment]:
    """Return the moments of the prompts whose threshold was set by hand."""
    return find_moments(
        scores,
        threshold=thresholds,
        offset={prompt: onset - settings.hysteresis for prompt, onset in thresholds.items()},
        score_range=settings.score_range,
        time_range=settings.time_range,
        smoothed=smoothed,
        min_gap_s=settings.min_gap_s,
        min_duration_s=settings.min_duration_s,
        pad_s=settings.pad_s,
        allowed=video_scores.beating_bank(settings.bank_share / 100) if settings.bank_share > 0 else None,
    )


def _as_moments(
    settings: Settings, video_scores: VideoScores, scores: Scores, smoothed: Floats, prompt: str, found: PromptDetection
) -> list[Moment]:
    """Turn runs of samples into moments in the unit of the settings, and apply the rules to them."""
    column = scores.prompts.index(prompt)
    return moments_of_runs(
        scores,
        prompt,
        smoothed[:, column],
        video_scores.levels(settings.unit, prompt),
        [(run.first, run.stop) for run in found.runs],
        rules=Rules(settings.min_gap_s, settings.min_duration_s, settings.pad_s),
        score_range=settings.score_range,
        time_range=settings.time_range,
    )


def _line(
    settings: Settings, video_scores: VideoScores, prompt: str, found: PromptDetection, moments: Sequence[Moment]
) -> float:
    """Return the level that all moments of a detected prompt reach, in the unit of the settings; the chart draws it."""
    line = found.line
    if settings.unit != "corrected" and video_scores.has_bank:
        line = convert_prompt_threshold(video_scores.scale, prompt, line, "corrected", settings.unit)
    elif not video_scores.has_bank:
        line = convert_prompt_threshold(video_scores.scale, prompt, line, "cosine", settings.unit)
    return min([line, *(moment.peak for moment in moments if moment.prompt == prompt)])


def _verdict(
    prompt: str, settings: Settings, video_scores: VideoScores, by_hand: Mapping[str, float], moments: Sequence[Moment]
) -> Verdict:
    """Return the verdict of a prompt; with a threshold set by hand, the null bank is mentioned but does not decide."""
    verdict = video_scores.detected(prompt, settings.confidence).verdict
    if prompt not in by_hand:
        return verdict
    there = any(moment.prompt == prompt for moment in moments)
    reason = f"Its threshold was set by hand, so neutral texts do not decide. {verdict.reason}"
    return replace(verdict, kind="there" if there else "not sure", reason=reason)


def _combined(moments: list[Moment], settings: Settings, prompts: tuple[str, ...]) -> list[Moment]:
    """Return the moments of the combinations, which may use earlier combinations and unflagged prompts.

    A combination of a prompt that no longer exists is skipped: there is no curve for it.
    """
    known, found = set(prompts), list[Moment]()
    for combination in (Combination(*given) for given in settings.combinations):
        if {combination.a, combination.b} <= known:
            found += combine([*moments, *found], combination)
            known.add(combination.name)
    return found


def convert_threshold(
    threshold: float, given: Unit, wanted: Unit, video_scores: VideoScores, prompt: str | None = None
) -> float | None:
    """Convert a threshold to another unit; a common threshold becomes the median of its values for each prompt.

    Returns None if there are no samples, or no such prompt.
    """
    prompts = (
        video_scores.raw.prompts if prompt is None else tuple(p for p in (prompt,) if p in video_scores.raw.prompts)
    )
    if not prompts or not len(video_scores.raw):
        return None
    return float(
        np.median([convert_prompt_threshold(video_scores.scale, p, threshold, given, wanted) for p in prompts])
    )
