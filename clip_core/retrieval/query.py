"""What to look for in all videos: texts with negatives, pictures, or a place of a stored video."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from clip_core.analysis.analyse import Picture
from clip_core.errors import PromptError
from clip_core.prompts import Prompt, parse_prompts
from clip_core.text import clean_prompt, clock

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
    """A query; at least one of its parts that are not negative is given.

    Several parts are looked for together: a frame is compared with the weighted mean of their vectors.

    Attributes:
        texts: Texts to look for, with their weights, > 0, and negative ones, which a frame must fit less.
        pictures: Pictures to look for, each with its weight, > 0.
        like: A place to look for more like it, of weight 1, or None.
        name: What to call it where it has no text to look for: hits are judged under it.
    """

    texts: tuple[Prompt, ...] = ()
    pictures: tuple[tuple[Picture, float], ...] = ()
    like: Like | None = None
    name: str = ""

    @property
    def judged_as(self) -> tuple[str, ...]:
        """The prompts of annotations of its hits: the texts to look for, or else its name."""
        name = clean_prompt(self.name)
        return self.positives or ((name,) if name else ())

    @property
    def title(self) -> str:
        """Its texts as lines, or else its name: what files of hits call it."""
        return "\n".join(text.line for text in self.texts) or clean_prompt(self.name)

    @property
    def positives(self) -> tuple[str, ...]:
        """The texts to look for."""
        return tuple(text.text for text in self.texts if not text.negative)


def place_name(video: str, start_s: float, end_s: float) -> str:
    """Return the name of a query for a place of a video, such as "frame at 0:12.400 of beach.mp4"."""
    return f"{'frame' if start_s == end_s else 'moment'} at {clock(start_s)} of {video}"


def parse_query(text: str) -> SearchQuery:
    """Parse typed lines: each a text to look for, or with "- " in front a negative one.

    Raises:
        PromptError: There is no text to look for, or the text is too long.
    """
    _check_length(len(text))
    query = SearchQuery(parse_prompts(text.splitlines()))
    if not query.positives:
        raise PromptError("There is nothing to look for.", "Type what a frame should show.")
    return query


def checked_query(query: str | SearchQuery) -> SearchQuery:
    """Return a query with its texts cleaned.

    Raises:
        PromptError: There is nothing to look for, a text is empty or too long, a weight is no finite number above 0, a
            picture is not uint8 (height, width, 3), or the times of ``like`` are no span.
    """
    if isinstance(query, str):
        return parse_query(query)
    _check_length(sum(len(text.text) for text in query.texts))
    texts = tuple(replace(text, text=clean_prompt(text.text)) for text in query.texts)
    if any(not text.text for text in texts):
        raise PromptError("A text of the query is empty.", "Give each text at least one character.")
    for weight in (*(text.weight for text in texts), *(weight for _, weight in query.pictures)):
        if not (math.isfinite(weight) and weight > 0):
            raise PromptError(f"A weight of the query is {weight}.", "Give finite numbers above 0.")
    for picture, _ in query.pictures:
        shape, kind = np.shape(picture.rgb), getattr(picture.rgb, "dtype", type(picture.rgb).__name__)
        if kind != np.uint8 or len(shape) != 3 or shape[2] != 3 or 0 in shape:
            raise PromptError(f"A picture of the query is {kind} {shape}.", "Give uint8 RGB (height, width, 3).")
    if query.like is not None and not (0 <= query.like.start_s <= query.like.end_s < math.inf):
        what = f"A place from {query.like.start_s} s to {query.like.end_s} s is no span."
        raise PromptError(what, "Give times from 0 on, the earlier first.")
    asked = replace(query, texts=texts)
    if not (asked.positives or asked.pictures or asked.like):
        raise PromptError("There is nothing to look for.", "Add a text, a picture or a place to look for.")
    return asked


def _check_length(letters: int) -> None:
    if letters > MOST_LETTERS:
        raise PromptError(f"The query has {letters:,} letters.", f"Shorten it to {MOST_LETTERS:,}.")
