"""Which videos and moments a query is restricted to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from clip_core.store.videos import VideoSummary
from clip_core.types import Annotation

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
        hide_rejected: Whether to leave out moments that were rejected by hand for the query's texts, or
            for its name if it has none.
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

    def includes(self, record: VideoSummary) -> bool:
        """Return whether a video is searched."""
        return all(self._tests(record))

    def _tests(self, record: VideoSummary) -> Iterator[bool]:
        if self.folder is not None:
            yield Path(record.path).absolute().is_relative_to(Path(self.folder).absolute())
        if self.name is not None:
            yield self.name.casefold() in record.name.casefold()
        if self.orientation is not None:
            yield self.orientation == shape_of(record.width, record.height)
        yield _within(record.added_s, self.added_from_s, self.added_to_s)
        if self.recorded_from_s is not None or self.recorded_to_s is not None:
            recorded_s = record.recorded_s
            yield recorded_s is not None and _within(recorded_s, self.recorded_from_s, self.recorded_to_s)
        length_s = record.end_s
        yield self.shortest_s is None or length_s >= self.shortest_s
        yield self.longest_s is None or length_s <= self.longest_s


def shape_of(width: int, height: int) -> PictureShape:
    """Return the shape of a video's pictures from their size in pixels."""
    return "square" if width == height else "landscape" if width > height else "portrait"


def _within(time_s: float, from_s: float | None, to_s: float | None) -> bool:
    return (from_s is None or time_s >= from_s) and (to_s is None or time_s < to_s)


def rejected_spans(annotations: tuple[Annotation, ...], texts: tuple[str, ...]) -> list[tuple[float, float]]:
    """Return the spans [start_s, end_s) of the moments that were rejected for any of these texts."""
    return [(a.start_s, a.end_s) for a in annotations if a.verdict == "rejected" and a.prompt in texts]
