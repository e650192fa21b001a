"""What to look for in all videos: texts with negatives, pictures, or a place of a stored video."""

from __future__ import annotations

from dataclasses import dataclass

from clip_core.analysis.analyse import Picture
from clip_core.errors import PromptError
from clip_core.prompts import Prompt, parse_prompts

MOST_LETTERS = 2000


@dataclass(frozen=True, slots=True)
class Like:
    """A place of a stored video, to look for more like it.

    Attributes:
        start_s, end_s: The span whose frames are averaged; the nearest frame if both are equal.
    """

    video_id: str
    start_s: float
    end_s: float


@dataclass(frozen=True, eq=False)
class SearchQuery:
    """A query; at least one of its parts is given.

    Attributes:
        texts: Texts to look for, with their weights, and negative ones.
        pictures: Pictures to look for, each with its weight, > 0.
        like: A place to look for more like it, or None.
    """

    texts: tuple[Prompt, ...] = ()
    pictures: tuple[tuple[Picture, float], ...] = ()
    like: Like | None = None

    @property
    def positives(self) -> tuple[str, ...]:
        """The texts to look for."""
        return tuple(text.text for text in self.texts if not text.negative)

    @property
    def negatives(self) -> tuple[str, ...]:
        """The texts that must fit less."""
        return tuple(text.text for text in self.texts if text.negative)


def parse_query(text: str) -> SearchQuery:
    """Parse typed lines: each a text to look for, or with "- " in front a negative one.

    Raises:
        PromptError: There is no text to look for, or the text is too long.
    """
    if len(text) > MOST_LETTERS:
        raise PromptError(f"The query has {len(text):,} letters.", f"Shorten it to {MOST_LETTERS:,}.")
    query = SearchQuery(parse_prompts(text.splitlines()))
    if not query.positives:
        raise PromptError("There is nothing to look for.", "Type what a frame should show.")
    return query
