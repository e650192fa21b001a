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
"""So many prompts or videos are named in a warning, each this long at most; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Span:
    """Where a prompt can be seen: [start_s, end_s) in seconds, of the video of that name, "" for any."""

    prompt: str
    start_s: float
    end_s: float
    video: str = ""


@dataclass(frozen=True, slots=True)
class Absence:
    """A prompt that is known never to be there, in the video of that name, "" for any."""

    prompt: str
    video: str = ""


@dataclass(frozen=True, slots=True)
class Truth:
    """All that is known to be true.

    Attributes:
        spans: In the order in which they were given.
        absent: What is found for these prompts is false, unless a span says otherwise.
    """

    spans: tuple[Span, ...]
    absent: tuple[Absence, ...] = ()

    @property
    def prompts(self) -> tuple[str, ...]:
        """All prompts that something is known of, each once, those that are there first."""
        spans, absent = (span.prompt for span in self.spans), (absence.prompt for absence in self.absent)
        return tuple(dict.fromkeys([*spans, *absent]))

    def intervals(self, prompt: str) -> Times:
        """The spans of one prompt, float64 (m, 2), sorted by start."""
        return as_intervals(sorted((span.start_s, span.end_s) for span in self.spans if span.prompt == prompt))


def joined(first: Truth, second: Truth) -> Truth:
    """Return what both say; a prompt that one of them knows to be there is not absent."""
    spans = (*first.spans, *second.spans)
    seen = {span.prompt for span in spans}
    absent = dict.fromkeys(each for each in (*first.absent, *second.absent) if each.prompt not in seen)
    return Truth(spans, tuple(absent))


def of_video(truth: Truth, names: Collection[str]) -> tuple[Truth, list[str]]:
    """Return what a truth says of one video, and a sentence if it says something of others.

    Args:
        truth: As it was read.
        names: What the video may be called, such as its name and its id; folders, endings and capitals do not count.
            What names no video is of any.

    Raises:
        TruthError: All of it is of other videos.
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
    """Return what of a video's truth can judge these prompts, and a sentence for each thing that was changed.

    Prompts that are not judged are left out. Spans that end after the video are cut there, those that start after it
    are left out. Spans of one prompt that overlap are made one, for what is seen all along is one moment.

    Args:
        truth: Of this video.
        prompts: What is judged. One that the truth does not know is named, for it cannot be judged.
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
    """How a video may be named: with and without its folder and its ending; capitals do not count."""
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
