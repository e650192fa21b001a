"""Turn the scores of a video into moments by the settings; the page and the command line share this code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from clip_core.errors import SettingsError
from clip_core.scoring.combine import Combination, combine
from clip_core.scoring.moments import Rules, find_moments, moments_of_runs, outside_limits
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
        without = {*self.settings.unflagged, *self.thresholds}
        return tuple(prompt for prompt in self.scores.prompts if prompt not in without)

    @property
    def detects(self) -> bool:
        """Whether any flagged prompt is detected on segments, where smoothing only changes the drawn curve."""
        without = {*self.settings.unflagged, *thresholds_by_hand(self.settings, self.scores.prompts)}
        return any(prompt not in without for prompt in self.scores.prompts)

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
        if self.scores.unit == "cosine":
            return cosines
        if self.scores.unit == "corrected":
            return np.asarray(cosines - self.video_scores.banks[prompt].level, np.float32)
        if self.scores.unit == "z":
            scale, column = self.video_scores.scale, self.scores.prompts.index(prompt)
            return np.asarray((cosines - scale.median[column]) / scale.spread[column], np.float32)
        raise ValueError(f"a single cosine has no place in {self.scores.unit}")

    def within(self, prompt: str, score_range: tuple[float, float]) -> Floats:
        """Return a prompt's curve, float32 (n,), with NaN outside the score range or the time range of the settings."""
        curve = self.scores.column(prompt).copy()
        outside = outside_limits(curve, self.scores.times_s, score_range, self.settings.time_range)
        if outside is not None:
            curve[outside] = np.nan
        return curve

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
    segments of the video (``scoring.prompt_detection``), whatever the unit and the smoothing. ``smoothed`` is the
    ``MomentDetection.smoothed`` of the same unit and smoothing, if already computed.

    Raises:
        SettingsError: The unit is margin and there is no negative prompt, or corrected and there is no null bank.
    """
    if settings.unit not in video_scores.scale.units:
        raise SettingsError(*_NOT_POSSIBLE[settings.unit])
    scores = video_scores.scale.in_unit(settings.unit)
    if smoothed is None:
        smoothed = smooth_as(settings, scores, shot_boundaries_for(settings, video_scores))
    by_hand = thresholds_by_hand(settings, scores.prompts)
    moments = find_moments(
        scores,
        threshold=by_hand,
        offset={prompt: onset - settings.hysteresis for prompt, onset in by_hand.items()},
        score_range=settings.score_range,
        time_range=settings.time_range,
        smoothed=smoothed,
        min_gap_s=settings.min_gap_s,
        min_duration_s=settings.min_duration_s,
        pad_s=settings.pad_s,
        allowed=video_scores.beating_bank(settings.bank_share / 100) if settings.bank_share > 0 else None,
    )
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
    thresholds = {prompt: settings.thresholds.get(prompt, settings.threshold) for prompt in prompts}
    return {prompt: threshold for prompt, threshold in thresholds.items() if threshold is not None}


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
    unit: Unit = "corrected" if video_scores.has_bank else "cosine"
    line = convert_prompt_threshold(video_scores.scale, prompt, found.line, unit, settings.unit)
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
    for combination in (Combination(*parts) for parts in settings.combinations):
        if {combination.a, combination.b} <= known:
            found += combine([*moments, *found], combination)
            known.add(combination.name)
    return found


def convert_threshold(
    threshold: float, unit: Unit, new_unit: Unit, video_scores: VideoScores, prompt: str | None = None
) -> float | None:
    """Convert a threshold to another unit; a common threshold becomes the median of its values for each prompt.

    Returns None if there are no samples, or no such prompt.
    """
    scale, prompts = video_scores.scale, [p for p in video_scores.raw.prompts if prompt in (None, p)]
    if not prompts or not len(video_scores.raw):
        return None
    return float(np.median([convert_prompt_threshold(scale, p, threshold, unit, new_unit) for p in prompts]))
