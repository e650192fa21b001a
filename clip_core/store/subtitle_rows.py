"""Subtitles of videos: their cues, which can be searched by words, and where they were read."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from clip_core.store.errors import asked_again
from clip_core.store.tables import StorePart, Table, columns_of, of_video, of_videos, stamp
from clip_core.store.word_index import index_words, rows_with_words
from clip_core.subtitles import Cue

SUBTITLES, SUBTITLE_SOURCES = "subtitles", "subtitle_sources"
COLUMNS = columns_of(
    "video string, start_s float64, end_s float64, text string, source string, language string, at_ns int64"
)
SOURCE_COLUMNS = columns_of("video string, stamp string, source string, language string, notes string, at_ns int64")


@dataclass(frozen=True, slots=True)
class SubtitleSource:
    """Where the subtitles of a video were read.

    Attributes:
        stamp: Changes when a file that they may come from is changed, added or removed.
        source: The name of the file, or of the stream in the video; "" if there are no subtitles.
        language: As the file says, such as "en"; "" if it does not.
        notes: Sentences that say what could not be read.
    """

    stamp: str
    source: str = ""
    language: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Words:
    """Words to find in one cue; all of them must be there.

    Attributes:
        words: In any order.
        phrases: Each in this order, without words between.
    """

    words: str
    phrases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FoundCue:
    """A cue that was found, and how well it fits (BM25), > 0."""

    video_id: str
    cue: Cue
    score: float


class SubtitleRows(StorePart):
    """The store's subtitles. Rows are appended; those of the newest source of each video count."""

    def keep_subtitles(self, video_id: str, source: SubtitleSource, cues: Sequence[Cue]) -> None:
        """Store the subtitles of a video in place of the previous ones; nobody sees half of them."""
        self.keep_subtitles_of({video_id: (source, cues)})

    @asked_again
    def keep_subtitles_of(self, read: Mapping[str, tuple[SubtitleSource, Sequence[Cue]]]) -> None:
        """Store the subtitles of some videos, at least one: video id → source and cues; see ``keep_subtitles``."""
        with self._tables.writing(SUBTITLE_SOURCES, SOURCE_COLUMNS) as sources:
            past = sources.rows(("video", "at_ns"), of_videos(read)).to_pylist()
            at_ns = stamp(max((row["at_ns"] for row in past), default=0))
            for video_id, (source, cues) in read.items():
                if cues:
                    self._add_cues(video_id, source, cues, at_ns)
            sources.add_rows(*(_source_row(video_id, source, at_ns) for video_id, (source, _) in read.items()))
            replaced = {row["video"] for row in past}
            if replaced:
                sources.delete(f"{of_videos(replaced)} AND at_ns < {at_ns}")
        with_cues = {video_id for video_id, (_, cues) in read.items() if cues}  # a process may have left some half-way
        if replaced | with_cues:
            self._tables.delete([SUBTITLES], f"{of_videos(replaced | with_cues)} AND at_ns < {at_ns}")

    def _add_cues(self, video_id: str, source: SubtitleSource, cues: Sequence[Cue], at_ns: int) -> None:
        n = len(cues)
        values = {name: [getattr(cue, name) for cue in cues] for name in ("start_s", "end_s", "text")}
        same = {"video": video_id, "source": source.source, "language": source.language, "at_ns": at_ns}
        with self._tables.writing(SUBTITLES, COLUMNS) as table:
            index_words(table, "text")  # before the first row, so that no reader finds rows without it
            table.index("video")
            table.add(values | {name: [value] * n for name, value in same.items()})

    @asked_again
    def subtitle_sources(self, video_ids: Collection[str]) -> dict[str, SubtitleSource]:
        """Return video id → where its subtitles were read, for those of at least one video that were looked for."""
        with self._tables.reading(SUBTITLE_SOURCES) as table:
            return {video_id: source for video_id, (_, source) in _newest(table, of_videos(video_ids)).items()}

    def subtitle_source(self, video_id: str) -> SubtitleSource | None:
        """Return where the subtitles of a video were read; None if nobody has looked for any yet."""
        newest = self._newest_sources(video_id).get(video_id)
        return None if newest is None else newest[1]

    def subtitles(self, video_id: str) -> tuple[Cue, ...]:
        """Return the cues of a video, sorted by time."""
        newest = self._newest_sources(video_id).get(video_id)
        if newest is None or not newest[1].source:
            return ()
        at_ns = newest[0]

        def cues(table: Table | None) -> tuple[Cue, ...]:
            if table is None:
                return ()
            rows = table.rows(("start_s", "end_s", "text"), f"{of_video(video_id)} AND at_ns = {at_ns}").to_pylist()
            return tuple(sorted(map(_cue, rows), key=lambda cue: (cue.start_s, cue.end_s)))

        return self._tables.answered(SUBTITLES, (video_id, at_ns), cues)

    @asked_again
    def find_cues(
        self, wanted: Sequence[Words], *, limit: int, videos: Collection[str] | None = None
    ) -> list[FoundCue]:
        """Return the cues in which at least one of ``wanted`` occurs, the best first.

        Capitals and diacritics are ignored. Cues that were stored a moment ago are found, too.

        Args:
            wanted: What to find; each is text, not a query language.
            limit: At most so many cues.
            videos: Ids of the videos to search; None searches all.
        """
        if not wanted or (videos is not None and not videos):
            return []
        where = None if videos is None else of_videos(videos)
        newest = self._newest_sources()
        with self._tables.reading(SUBTITLES) as table:
            if table is None:
                return []
            columns = ("video", "start_s", "end_s", "text", "at_ns")
            rows = rows_with_words(table, _query(wanted), columns, where, limit).to_pylist()
        current = (row for row in rows if row["video"] in newest and row["at_ns"] == newest[row["video"]][0])
        return [FoundCue(row["video"], _cue(row), row["_score"]) for row in current]

    def _newest_sources(self, video_id: str | None = None) -> Mapping[str, tuple[int, SubtitleSource]]:
        """Return video id → when its subtitles were stored, in nanoseconds, and their source; of one video, or all."""
        own = None if video_id is None else of_video(video_id)
        return self._tables.answered(SUBTITLE_SOURCES, own, lambda table: _newest(table, own))


def _newest(table: Table | None, where: str | None) -> dict[str, tuple[int, SubtitleSource]]:
    """Return video id → when its subtitles were stored last, in nanoseconds, and their source."""
    rows = [] if table is None else table.rows(tuple(SOURCE_COLUMNS), where).to_pylist()
    return {row["video"]: (row["at_ns"], _source(row)) for row in sorted(rows, key=lambda row: row["at_ns"])}


def _source_row(video_id: str, source: SubtitleSource, at_ns: int) -> dict[str, Any]:
    row = {name: getattr(source, name) for name in ("stamp", "source", "language")}
    return row | {"video": video_id, "notes": json.dumps(source.notes), "at_ns": at_ns}


def _cue(row: Mapping[str, Any]) -> Cue:
    return Cue(row["start_s"], row["end_s"], row["text"])


def _source(row: Mapping[str, Any]) -> SubtitleSource:
    return SubtitleSource(row["stamp"], row["source"], row["language"], tuple(json.loads(row["notes"])))


def _query(wanted: Sequence[Words]) -> Any:  # noqa: ANN401
    """Return LanceDB's query: texts stay texts, whatever characters they hold."""
    fts: Any = import_module("lancedb.query")  # its types ask for arguments that have defaults

    def one(each: Words) -> Any:  # noqa: ANN401
        words = [fts.MatchQuery(each.words, "text", operator=fts.FullTextOperator.AND)] if each.words else []
        parts = (*words, *(fts.PhraseQuery(phrase, "text") for phrase in each.phrases))
        return fts.BooleanQuery([(fts.Occur.MUST, part) for part in parts])

    return fts.BooleanQuery([(fts.Occur.SHOULD, one(each)) for each in wanted])
