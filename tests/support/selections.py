"""Videos of a selection that there are no files of, and moments in them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from clip_core.export.selection import SelectedVideo, Selection, select_from_one
from clip_core.export.source import Source
from clip_core.types import Moment


def film(
    rate: Fraction = Fraction(25), name: str = "a film.mp4", size: tuple[int, int] = (640, 360), **more: Any
) -> Source:
    """A video of 100 s."""
    return Source(name, f"/films/{name}", *size, rate, 100.0, **more)


def in_film(moments: Sequence[Moment], **more: Any) -> Selection:
    """Moments of one video; see ``select_from_one``."""
    return select_from_one(moments, film(), **more)


def over(*parts: tuple[Source, Sequence[Moment]], unit: str = "corrected") -> Selection:
    """Moments of several videos, one video after the other; their ids are "0" * 64, "1" * 64 …"""
    videos = [SelectedVideo(source, None, str(place) * 64) for place, (source, _) in enumerate(parts)]
    rows = [(video, moment) for video, (_, moments) in zip(videos, parts, strict=True) for moment in moments]
    return Selection(videos, rows, settings={"unit": unit})
