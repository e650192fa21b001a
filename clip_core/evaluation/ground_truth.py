"""What is true: when each prompt can be seen, and whether that fits what is judged."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

from clip_core.errors import TruthError, shown_name
from clip_core.evaluation.intervals import as_intervals, merged
from clip_core.text import clock
from clip_core.types import Times

MOST_NAMED, MOST_NAMED_LENGTH = 3, 40
"""A warning names this many prompts or videos, each at most this long, and counts the rest."""


@dataclass(frozen=True, slots=True)
class Span:
    """When a prompt is visible: [start_s, end_s) in seconds, in the video of that name; "" means any video."""

    prompt: str
    start_s: float
    end_s: float
    video: str = ""


@dataclass(frozen=True, slots=True)
class Absence:
    """A prompt known never to be visible in the video of that name; "" means any video."""

    prompt: str
    video: str = ""


@dataclass(frozen=True, slots=True)
class Truth:
    """Ground truth of any number of prompts.

    Attributes:
        spans: In the order of the input.
        absent: Prompts whose moments are all false, unless a span says otherwise.
    """

    spans: tuple[Span, ...]
    absent: tuple[Absence, ...] = ()

    @property
    def prompts(self) -> tuple[str, ...]:
        """All prompts, each once, those with spans first."""
        spans, absent = (span.prompt for span in self.spans), (absence.prompt for absence in self.absent)
        return tuple(dict.fromkeys([*spans, *absent]))

    def intervals(self, prompt: str) -> Times:
        """Return the spans of one prompt, float64 (m, 2), sorted by start."""
        return as_intervals(sorted((span.start_s, span.end_s) for span in self.spans if span.prompt == prompt))


def joined(first: Truth, second: Truth) -> Truth:
    """Merge two ground truths; a prompt with a span in either is not absent."""
    spans = (*first.spans, *second.spans)
    seen = {span.prompt for span in spans}
    absent = dict.fromkeys(each for each in (*first.absent, *second.absent) if each.prompt not in seen)
    return Truth(spans, tuple(absent))


def of_video(truth: Truth, names: Collection[str]) -> tuple[Truth, list[str]]:
    """Return the ground truth of one video, with a warning if there are entries for other videos.

    Args:
        truth: As read from a file.
        names: What the video may be called, such as its name and id; folder, extension and case are ignored. Entries
            without a video apply to every video.

    Raises:
        TruthError: All of it is for other videos.
    """
    known = {form for name in names for form in _forms(name)}
    everything: list[Span | Absence] = [*truth.spans, *truth.absent]
    ours = {video for video in {each.video for each in everything} if not video or known & _forms(video)}
    others = list(dict.fromkeys(each.video for each in everything if each.video not in ours))
    if not others:
        return truth, []
    kept = Truth(
        tuple(span for span in truth.spans if span.video in ours),
        tuple(absence for absence in truth.absent if absence.video in ours),
    )
    if not kept.prompts:
        raise TruthError(f"All of the truth is of another video: {_named(others)}.", "Give the truth of this one.")
    count = len(everything) - len(kept.spans) - len(kept.absent)
    return kept, [f"{_count(count, 'entry is', 'entries are')} of another video ({_named(others)}): left out."]


def fit_truth(truth: Truth, prompts: Sequence[str], end_s: float) -> tuple[Truth, list[str]]:
    """Return the part of a video's ground truth that can judge these prompts, with a warning for each change.

    Prompts that are not judged are left out. Spans that reach beyond the end of the video end there, and spans that
    start after it are left out. Overlapping spans of one prompt are merged, as continuous visibility is one moment.

    Args:
        truth: Of this video.
        prompts: The prompts to judge. A warning names those without ground truth, which cannot be judged.
        end_s: Where the video ends.

    Raises:
        TruthError: Nothing is left to judge by.
    """
    told: list[str] = []
    judged, known = set(prompts), set(truth.prompts)
    if unknown := [prompt for prompt in truth.prompts if prompt not in judged]:
        told.append(f"The truth names what is not judged here: {_named(unknown)}.")
    if unjudged := [prompt for prompt in prompts if prompt not in known]:
        told.append(f"The truth says nothing of {_named(unjudged)}: not judged.")
    spans = _joined(_within([span for span in truth.spans if span.prompt in judged], end_s, told), told)
    seen = {span.prompt for span in truth.spans}
    absent = tuple(each for each in truth.absent if each.prompt in judged and each.prompt not in seen)
    if not spans and not absent:
        raise TruthError(" ".join(["The truth judges nothing here.", *told[:1]]), "Check its prompts and times.")
    return Truth(spans, absent), told


def _forms(name: str) -> set[str]:
    """Return the names a video may have: with and without extension, never with a folder, in lower case."""
    path = PurePath(name.strip().casefold().replace("\\", "/"))
    return {path.name, path.stem}


def _within(spans: Sequence[Span], end_s: float, told: list[str]) -> list[Span]:
    after = [span.prompt for span in spans if span.start_s >= end_s]
    late = [span.prompt for span in spans if span.start_s < end_s < span.end_s]
    where = f"after the end of the video at {clock(end_s)}"
    if after:
        told.append(f"{_count(len(after), 'span starts', 'spans start')} {where} ({_named(after)}): left out.")
    if late:
        told.append(f"{_count(len(late), 'span ends', 'spans end')} {where} ({_named(late)}): cut there.")
    return [replace(span, end_s=min(span.end_s, end_s)) for span in spans if span.start_s < end_s]


def _joined(spans: Sequence[Span], told: list[str]) -> tuple[Span, ...]:
    by_prompt: dict[str, list[Span]] = {}
    for span in spans:
        by_prompt.setdefault(span.prompt, []).append(span)
    joined: list[Span] = []
    overlapping: list[str] = []
    for prompt, own in by_prompt.items():
        one = merged(as_intervals((span.start_s, span.end_s) for span in own)).tolist()
        joined += [Span(prompt, start_s, end_s, own[0].video) for start_s, end_s in one]
        overlapping += [prompt] if len(one) < len(own) else []
    if overlapping:
        told.append(f"Spans that overlap were made one: {_named(overlapping)}.")
    return tuple(joined)


def _named(texts: Sequence[str]) -> str:
    each = list(dict.fromkeys(texts))
    shown = [f"“{shown_name(text.replace('/', '∕'), MOST_NAMED_LENGTH)}”" for text in each[:MOST_NAMED]]
    rest = len(each) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest else "")


def _count(count: int, one: str, more: str) -> str:
    return f"{count:,} {one if count == 1 else more}"
