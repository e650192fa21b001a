"""Write moments as chapters: for YouTube's descriptions, and as metadata for FFmpeg."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from clip_core.export.text import by_time, title_of
from clip_core.text import counted
from clip_core.types import Moment

LEAST_CHAPTERS, LEAST_CHAPTER_S = 3, 10
MOST_CHAPTER_TITLE = 100
MOST_DESCRIPTION = 5000
"""A description on YouTube has at most so many characters."""
START = "Start"
_NOT_IN_DESCRIPTIONS = str.maketrans({"<": "‹", ">": "›"})
_ESCAPED = re.compile(r"[=;#\\\n]")


def chapters_youtube(moments: Sequence[Moment], first_frame_s: Fraction, end_s: float) -> str:
    """Return a line per chapter for a description on YouTube: its start as [H:]MM:SS, and its title.

    The first is at 0:00: a moment that begins in the first 10 s, or else "Start". YouTube shows chapters only if
    there are three and each lasts 10 s, so of moments that begin within 10 s only the first is taken, and none in the
    last 10 s (``left_out_of_youtube`` says so). A chapter lasts to the next one: where moments end is not kept. See
    YouTube Help, "Video Chapters", https://support.google.com/youtube/answer/9884579.

    Args:
        moments: In any order.
        first_frame_s: When the first frame is shown, in seconds from the start of the file.
        end_s: Where the video ends, in seconds from the first frame.
    """
    lines = []
    for time_s, moment in _youtube(moments, first_frame_s, end_s):
        title = START if moment is None else title_of(moment)
        minutes, seconds = divmod(time_s, 60)
        at = f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}" if minutes >= 60 else f"{minutes}:{seconds:02d}"
        lines.append(f"{at} {title.translate(_NOT_IN_DESCRIPTIONS)[:MOST_CHAPTER_TITLE]}\n")
    return "".join(lines)


def left_out_of_youtube(moments: Sequence[Moment], first_frame_s: Fraction, end_s: float) -> str:
    """Return what ``chapters_youtube`` cannot keep and what YouTube would not show, or ""."""
    chapters = _youtube(moments, first_frame_s, end_s)
    taken = sum(moment is not None for _, moment in chapters)
    notes = []
    if taken < len(moments):
        notes.append(
            f"{counted(len(moments) - taken, 'moment')} of {len(moments)} left out: a chapter lasts at least "
            f"{LEAST_CHAPTER_S} s."
        )
    if len(chapters) < LEAST_CHAPTERS:
        notes.append(f"YouTube shows chapters only if there are {LEAST_CHAPTERS}; here are {len(chapters)}.")
    if len(chapters_youtube(moments, first_frame_s, end_s)) > MOST_DESCRIPTION:
        notes.append(f"A description has at most {MOST_DESCRIPTION:,} characters: shorten the list.")
    return " ".join(notes)


def _youtube(moments: Sequence[Moment], first_frame_s: Fraction, end_s: float) -> list[tuple[int, Moment | None]]:
    """Return the chapters: whole seconds from the start of the file, and the moment; None for an added start."""
    last_s, chapters = float(first_frame_s) + end_s - LEAST_CHAPTER_S, list[tuple[int, Moment | None]]()
    for moment in sorted(moments, key=by_time):
        at_s = int(float(first_frame_s) + moment.start_s)
        if not chapters and at_s < LEAST_CHAPTER_S:
            at_s = 0
        elif not chapters:
            chapters.append((0, None))
        is_late = bool(chapters) and at_s > last_s
        if not is_late and (not chapters or at_s >= chapters[-1][0] + LEAST_CHAPTER_S):
            chapters.append((at_s, moment))
    return chapters or [(0, None)]


def chapters_ffmetadata(moments: Sequence[Moment], first_frame_s: Fraction = Fraction(0)) -> str:
    """Return chapters for FFmpeg, in milliseconds from the start of the file: ``ffmpeg -i VIDEO -i FILE -codec copy``.

    A chapter has a moment's span, at least 1 ms, and its prompt and label as title. They may overlap and leave gaps,
    which Matroska keeps; in MP4 each lasts to the next one, and the first begins at 0. See FFmpeg, "FFmpeg Formats
    Documentation", "Metadata".
    """
    lines = [";FFMETADATA1"]
    for moment in sorted(moments, key=by_time):
        start = max(0, round((float(first_frame_s) + moment.start_s) * 1000))
        end = max(start + 1, round((float(first_frame_s) + moment.end_s) * 1000))
        title = _ESCAPED.sub(r"\\\g<0>", title_of(moment))
        lines += ["[CHAPTER]", "TIMEBASE=1/1000", f"START={start}", f"END={end}", f"title={title}"]
    return "\n".join([*lines, ""])
