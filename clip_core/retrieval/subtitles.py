"""Find words in the subtitles of all videos. Nothing is transcribed: only what a file says is searched."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from clip_core.retrieval.filters import SearchFilter
from clip_core.retrieval.query import SearchQuery, parse_query
from clip_core.store.store import EmbeddingStore
from clip_core.store.subtitle_rows import FoundCue, Words
from clip_core.text import clock, single_line

_QUOTED = re.compile(r'"([^"]*)"|“([^”]*)”|„([^“”]*)[“”]|«([^»]*)»')


@dataclass(frozen=True, slots=True)
class SubtitleHit:
    """A cue of a video's subtitles in which words of the query occur.

    Attributes:
        video_id, name: The video, and the name to show for it.
        start_s, end_s: The span [start_s, end_s) of the cue, in seconds from the first frame.
        text: What is said; lines are separated by a line feed.
        score: How well it fits (BM25), > 0; not comparable with the scores of pictures.
    """

    video_id: str
    name: str
    start_s: float
    end_s: float
    text: str
    score: float

    @property
    def line(self) -> str:
        """The hit as one line for a terminal: time, video, text."""
        return f"{clock(self.start_s)}  {single_line(self.name, 40)}  {single_line(self.text)}"


def search_subtitles(
    query: str | SearchQuery,
    store: EmbeddingStore,
    *,
    limit: int = 24,
    videos: Collection[str] | None = None,
    where: SearchFilter | None = None,
) -> list[SubtitleHit]:
    """Return the cues of subtitles in which the words of a query occur, the best first.

    Each text to look for is searched on its own: a cue must hold all of its words, in any order; words in quotation
    marks must follow one another. Capitals and diacritics are ignored. Negative texts and pictures say what a frame
    shows, so they are left out.

    Args:
        query: Lines of text, or a ``SearchQuery``; one without texts finds nothing.
        store: Holds the subtitles.
        limit: At most so many hits.
        videos: Ids of the videos to search; None searches all.
        where: A further restriction of the videos.

    Raises:
        PromptError: ``query`` is a text with nothing to look for, or is too long.
    """
    asked = parse_query(query) if isinstance(query, str) else query
    wanted = [words for text in asked.positives if (words := words_of(text)).words or words.phrases]
    stored = store.summaries()
    names = {video.video_id: video.name for video in stored if where is None or where.includes(video)}
    among = videos if len(names) == len(stored) else [i for i in names if videos is None or i in videos]
    found = store.find_cues(wanted, limit=limit, videos=among)
    hits = [_hit(each, names[each.video_id]) for each in found if each.video_id in names]
    return sorted(hits, key=lambda hit: (-hit.score, hit.name, hit.start_s))


def words_of(text: str) -> Words:
    """Return the words of a text, and the phrases that stand in quotation marks in it."""
    phrases = (_plain("".join(filter(None, found.groups()))) for found in _QUOTED.finditer(text))
    return Words(_plain(_QUOTED.sub(" ", text)), tuple(phrase for phrase in phrases if phrase))


def _plain(text: str) -> str:
    """Return a text without the marks that stand alone in it: they are no words, and nothing would be found."""
    return " ".join(word for word in text.split() if any(map(str.isalnum, word)))


def _hit(found: FoundCue, name: str) -> SubtitleHit:
    cue = found.cue
    return SubtitleHit(found.video_id, name, cue.start_s, cue.end_s, cue.text, found.score)
