"""Which videos and moments a query is restricted to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

PictureShape: TypeAlias = Literal["landscape", "portrait", "square"]


@dataclass(frozen=True, slots=True)
class SearchFilter:
    """A restriction of a query; a value of None restricts nothing.

    Attributes:
        folder: The videos' files lie in this folder or below it.
        name: Part of the video's name, ignoring capitals.
        added_from_s, added_to_s: When the video was first stored, seconds since 1970; half-open.
        recorded_from_s, recorded_to_s: When it was recorded by its container, seconds since 1970; half-open. Videos
            that do not say are left out.
        shortest_s, longest_s: Its length in seconds.
        orientation: Of its pictures.
        hide_rejected: Whether to leave out moments that were rejected by hand for the query's texts.
    """

    folder: str | None = None
    name: str | None = None
    added_from_s: float | None = None
    added_to_s: float | None = None
    recorded_from_s: float | None = None
    recorded_to_s: float | None = None
    shortest_s: float | None = None
    longest_s: float | None = None
    orientation: PictureShape | None = None
    hide_rejected: bool = False
