"""Subtitles: the cues of a SubRip or WebVTT file as plain text with times, whatever state the file is in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cue:
    """What is said in a span of a video.

    Attributes:
        start_s, end_s: The span [start_s, end_s), in seconds.
        text: Plain text without markup; lines are separated by a line feed.
    """

    start_s: float
    end_s: float
    text: str
