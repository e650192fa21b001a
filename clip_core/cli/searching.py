"""``search``: find the moments of all indexed videos that fit texts, pictures or a place of a video."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import click

from clip_core.analysis.analyse import Picture
from clip_core.cli import terminal
from clip_core.cli.files import check_file, write_file
from clip_core.cli.moments import write_reel
from clip_core.cli.named_videos import stored_video
from clip_core.cli.options import MODEL, PROGRAM, Options, about, command, place, text
from clip_core.cli.scoring import tell_warnings
from clip_core.encoders.base import Encoder
from clip_core.errors import ClipVideoError, NotIndexedError, PromptError, shown_name
from clip_core.export.formats import MOMENT_FORMATS, write_moments
from clip_core.library.identify import known_video
from clip_core.prompts import parse_prompts
from clip_core.retrieval.build_stretches import refresh_stretches
from clip_core.retrieval.filters import PictureShape, SearchFilter
from clip_core.retrieval.hit_files import hits_csv, hits_json
from clip_core.retrieval.query import Like, SearchQuery, place_name
from clip_core.retrieval.results import Hit, SearchResult
from clip_core.retrieval.search import search
from clip_core.retrieval.selection import file_moments_of, selection_of
from clip_core.retrieval.subtitles import SubtitleHit, search_subtitles
from clip_core.store.store import EmbeddingStore
from clip_core.text import alternatives, clock, counted, parse_time, short_id, shorten, value_text
from clip_core.video.images import read_image

HEADER = ("FROM", "TO", "VIDEO", "SCORE", "BEATS", "ID")
TABLE = "table"
OWN_FORMATS = ("json", "csv")
TIMELINES = ("otio", "edl")
FILM = "reel"
FORMS = (*OWN_FORMATS, *TIMELINES, FILM)
ENDINGS = {"mp4" if form == FILM else form: form for form in FORMS}
MARKERS = tuple(
    name for name, format_ in MOMENT_FORMATS.items() if name not in (*OWN_FORMATS, *TIMELINES) and not format_.binary
)
MOST_HITS = 10_000
MOST_OF_QUERY = 60
_DAY = "a day as 2026-05-31, or a time as 2026-05-31T14:00"


class _SearchCommand(click.Command):
    """Takes a text that begins with "- " as a negative one, not as an option."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(context, [f" {arg}" if arg.startswith("- ") else arg for arg in args])


def _time(value: str, *, to_end: bool = False) -> float:
    """Return a local day or time in seconds since 1970; the end of the day with ``to_end``."""
    try:
        when = datetime.fromisoformat(value.strip())
        if to_end and len(value.strip()) <= len("2026-05-31"):
            when += timedelta(days=1)
        return when.timestamp()
    except (ValueError, OverflowError, OSError) as error:
        raise click.BadParameter(f"{value[:40]!r} is neither a day such as 2026-05-31 nor a time") from error


def _end(value: str) -> float:
    return _time(value, to_end=True)


def _seconds(value: str) -> float:
    seconds = parse_time(value)
    if seconds is None:
        raise click.BadParameter(f"{value[:40]!r} is not a time such as 90 or 1:30")
    return seconds


_FILTERS: tuple[tuple[str, str, Callable[[str], Any], str], ...] = (
    ("--folder", "F", place, "only videos in this folder or its subfolders"),
    ("--name", "PART", text, "only videos with this in their name; capitals do not count"),
    ("--added-from", "DAY", _time, f"only videos stored since then: {_DAY}"),
    ("--added-to", "DAY", _end, "only videos stored until the end of that day, or that time"),
    ("--recorded-from", "DAY", _time, "only videos recorded since then, as their files say"),
    ("--recorded-to", "DAY", _end, "only videos recorded until the end of that day, or that time"),
    ("--shortest", "TIME", _seconds, "only videos of at least this length: seconds, or as 1:30"),
    ("--longest", "TIME", _seconds, "only videos of at most this length"),
)
_OPTIONS = [
    MODEL,
    *(click.Option((name,), metavar=metavar, type=kind, help=what) for name, metavar, kind, what in _FILTERS),
    click.Option(("--orientation",), type=click.Choice(get_args(PictureShape)), help="only such videos"),
    click.Option(("--hide-rejected",), is_flag=True, help="leave out what was rejected on the page for these texts"),
]


@command(
    'search "a red car"',
    'search "a dog" "- a person" --limit 5',
    "search --like holiday.mp4@1:02.5 --json",
    shared=_OPTIONS,
    kind=_SearchCommand,
)
@click.argument("texts", metavar="[TEXT]...", nargs=-1)
@click.option("--image", "images", metavar="FILE", type=place, multiple=True, help="a picture; may be repeated")
@click.option("--like", metavar="VIDEO@TIME", type=text, help="more like this place, or this span: VIDEO@1:02-1:05")
@click.option("--include-own", is_flag=True, help="with --like, also what lies around that place")
@click.option("--limit", metavar="N", type=click.IntRange(1, MOST_HITS), default=24, help="how many (default: 24)")
@click.option("--per-video", metavar="N", type=click.IntRange(1), default=3, help="of one video (default: 3)")
@click.option("--video", "videos", metavar="V", type=text, multiple=True, help="only in this one; may be repeated")
@click.option("--json", is_flag=True, help="write JSON: everything that is known of the answer")
@click.option("--csv", is_flag=True, help="write CSV, a row for each hit")
@click.option("--otio", is_flag=True, help="write an OpenTimelineIO timeline of all hits")
@click.option("--edl", is_flag=True, help="write an EDL (CMX 3600) of all hits")
@click.option("--reel", is_flag=True, help="join the hits into one film (MP4); needs --out")
@click.option("--markers", metavar="F", type=text, help=f"write for another tool: {alternatives(MARKERS)}")
@click.option("-o", "--out", metavar="FILE", type=place, help="where to write (default: standard output)")
def run_search(
    options: Options, texts: Sequence[str], images: Sequence[str], like: str | None, videos: Sequence[str],
    markers: str | None, out: str | None, limit: int, per_video: int, include_own: bool, **filters: Any,  # noqa: ANN401
) -> int:  # fmt: skip
    """Find the moments of all indexed videos that fit best.

    Several texts, pictures and a place are looked for together; a frame must fit a text that begins with "- " less.
    Lines of subtitles that hold the words of a text follow.
    VIDEO is a path, a name, or the first digits of an id as `list` shows it. With --reel, the exit code is 3 if hits
    are left out.
    """
    kind = _form([form for form in FORMS if filters.pop(form)], markers, out)
    if include_own and like is None:
        raise ClipVideoError("--include-own says nothing without --like.", "Name a place with --like, or leave it out.")
    store = options.store
    if out is not None:
        _check_out(out, images, store)
    query = _query(texts, images, like, options)
    if not store.summaries():
        raise NotIndexedError(f"Nothing is stored in {store.location}.", f"Index a video: {PROGRAM} index VIDEO")
    among = [stored_video(video, options).video_id for video in videos] or None
    encoder = options.load_encoder()
    prepare_search(store, encoder)
    where = _where(filters)
    result = search(
        query, store, encoder, limit=limit, videos=among, where=where, most_per_video=per_video,
        include_own=include_own,
    )  # fmt: skip
    said = search_subtitles(query, store, limit=limit, videos=among, where=where) if kind in (TABLE, "json") else []
    tell_warnings(result.warnings)
    if kind == TABLE:
        lines = [text.line for text in query.texts]
        places = [f"like {shown_name(named)}" for named in (*images, *([like] if like else []))]
        _show("; ".join([*lines, *places]), result)
        _show_said(said)
    code = _join(query, result, store, str(out)) if kind == FILM else 0
    if kind not in (TABLE, FILM):
        _write(kind, query, result, said, store, out)
    if result.unsearched:
        unsearched = counted(len(result.unsearched), "stored video was", "stored videos were")
        terminal.note(f"{unsearched} not searched: not indexed with the model {shown_name(encoder.id)}.")
    options.tell_notices()
    return code


def _form(forms: Sequence[str], markers: str | None, out: str | None) -> str:
    """Return the format to write, by its option or else by the ending of the file's name."""
    given = [f"--{form}" for form in (*forms, *(["markers"] if markers else []))]
    if len(given) > 1:
        what = f"{' and '.join(given)} are given, but only one format is written."
        raise ClipVideoError(what, f"Leave out {'one' if len(given) == 2 else 'all but one'}.")
    if markers is not None and markers not in MARKERS:
        raise ClipVideoError(f"There is no format “{shown_name(markers, 20)}”.", f"There are: {', '.join(MARKERS)}.")
    if out is None and FILM in forms:
        raise ClipVideoError("A film is not text for a terminal.", "Give a file: --out hits.mp4")
    if given or out is None:
        return markers or next(iter(forms), TABLE)
    ending = Path(out).suffix[1:].lower()
    if ending not in ENDINGS:
        what = f"The name {shown_name(out)} does not say in which format to write."
        raise ClipVideoError(what, f"Give one: {alternatives([f'--{form}' for form in (*FORMS, 'markers')])}.")
    return ENDINGS[ending]


def _check_out(out: str, images: Sequence[str], store: EmbeddingStore) -> None:
    check_file(out, **{f"picture {image}": image for image in images})
    if Path(out).is_file() and known_video(out, store) is not None:
        raise ClipVideoError(f"{shown_name(out)} is a stored video.", "Choose another place for --out.")


def _query(texts: Sequence[str], images: Sequence[str], like: str | None, options: Options) -> SearchQuery:
    lines = [line for given in texts for line in given.splitlines()]
    pictures = tuple((Picture(_image(path)), 1.0) for path in images)
    at, name = (None, "") if like is None else _like(like, options)
    name = ", ".join([*(Path(path).name for path in images), *([name] if name else [])])
    query = SearchQuery(parse_prompts(lines), pictures, at, name)
    if not (query.positives or pictures or query.like):
        raise PromptError("There is nothing to look for.", f'Such as: {PROGRAM} search "a red car"')
    return query


def _image(path: str) -> Any:  # noqa: ANN401
    if not Path(path).exists():
        raise ClipVideoError(f"There is no file {shown_name(path)}.", "Check --image.")
    rgb = read_image(Path(path)) if Path(path).is_file() else None
    if rgb is None:
        raise ClipVideoError(f"{shown_name(path)} cannot be read as a picture.", "Give a PNG or JPEG file to --image.")
    return rgb


def _like(named: str, options: Options) -> tuple[Like, str]:
    """Return the place that VIDEO@TIME or VIDEO@FROM-TO names, and what to call it, as the page does."""
    video, _, times = named.rpartition("@")
    spans = [parse_time(time) for time in times.split("-")]
    if not video or len(spans) > 2 or any(time_s is None for time_s in spans):
        raise ClipVideoError(f"{shown_name(named)} names no place of a video.", "Such as: --like holiday.mp4@1:02.5")
    start_s, end_s = (float(time_s or 0.0) for time_s in (spans[0], spans[-1]))
    stored = stored_video(video, options)
    if start_s >= stored.end_s:
        what = f"{shown_name(named)} lies after the end of the video, which lasts {clock(stored.end_s)}."
        raise ClipVideoError(what, "Give an earlier time.")
    return Like(stored.video_id, start_s, end_s), place_name(stored.name, start_s, end_s)


def _where(filters: dict[str, Any]) -> SearchFilter:
    """Return the filter; options that are days end with ``_s`` there."""
    names = {
        name if name in SearchFilter.__dataclass_fields__ else f"{name}_s": value for name, value in filters.items()
    }
    if names["folder"] is not None:
        names["folder"] = os.path.abspath(names["folder"])  # noqa: PTH100 - links stay, as in the store
    return SearchFilter(**names)


def prepare_search(store: EmbeddingStore, encoder: Encoder) -> None:
    """Build what a search needs of videos that were indexed by an earlier version or a moment ago."""
    with terminal.ProgressBar("Preparing") as bar:
        for progress in refresh_stretches(store, encoder):
            if progress.total:
                text = f"{progress.done:.0f} of {counted(int(progress.total), 'video')}"
                bar.update(progress.share, text + terminal.time_left(progress.seconds_left), done=False)


def _show(asked: str, result: SearchResult) -> None:
    """Write the verdict on what was asked, the table of hits, and what is not in it."""
    terminal.line(f"{shorten(asked, MOST_OF_QUERY)}: {result.verdict}. {result.reason}".rstrip())
    if result.hits:
        rows = [_row(hit, result) for hit in result.hits]
        terminal.table(HEADER, rows, right=("FROM", "TO", "SCORE", "BEATS"))
    searched = f"{counted(result.videos, 'video')} with {counted(result.frames, 'frame')} searched"
    more = sum(result.more.values())
    further = f"; {more:,} more in these videos, see --per-video" if more else ""
    terminal.line(f"{counted(len(result.hits), 'hit')}; {searched}{further}")


def _show_said(said: Sequence[SubtitleHit]) -> None:
    """Write the cues of subtitles that hold the words, if there are any."""
    if said:
        terminal.line(f"{counted(len(said), 'line')} of subtitles:")
    for hit in said:
        terminal.line(hit.line)


def _row(hit: Hit, result: SearchResult) -> tuple[str, ...]:
    beats = "-" if hit.beats is None else f"{int(100 * hit.beats)} %"
    also = f" (also in {counted(len(hit.also_in), 'file')})" if hit.also_in else ""
    score = value_text(hit.score, result.unit)
    return clock(hit.start_s), clock(hit.end_s), hit.name + also, score, beats, short_id(hit.video_id)


def _write(
    kind: str, query: SearchQuery, result: SearchResult, said: Sequence[SubtitleHit], store: EmbeddingStore,
    out: str | None,
) -> None:  # fmt: skip
    notes = list[str]()
    if kind == "json":
        content = hits_json(result, query.title, said).encode()
    elif kind == "csv":
        content = hits_csv(result.hits, query.title, result.unit).encode()
    else:
        content, notes = _timeline(kind, query, result, store)
    if out is None:
        terminal.write(content.decode())
    else:
        write_file(out, content)
        terminal.line(f"{counted(len(result.hits), 'hit')} in {shown_name(out)}")
    if kind != "json":
        notes.append(f"{result.verdict}. {result.reason}")
    tell_warnings(notes)


def _timeline(kind: str, query: SearchQuery, result: SearchResult, store: EmbeddingStore) -> tuple[bytes, list[str]]:
    """Return the hits in the format of another tool, and what the user should know about it."""
    named = MOMENT_FORMATS[kind]
    _need_hits(result)
    videos = len({hit.video_id for hit in result.hits})
    if named.one_video and videos > 1:
        what = f"{named.title} holds the moments of one video, and these are of {videos}."
        raise ClipVideoError(what, "Choose one with --video.")
    selection = selection_of(result.hits, store, query=query, unit=result.unit)
    notes = [selection.note] if named.counts_frames and selection.note else []
    if named.left_out is not None and (said := named.left_out(selection)):
        notes.append(said)
    return write_moments(kind, selection), notes


def _join(query: SearchQuery, result: SearchResult, store: EmbeddingStore, out: str) -> int:
    """Join the hits into one film, the best first; return the exit code."""
    _need_hits(result)
    with about(out), terminal.when_stopped("Nothing of the film is kept."):
        code = write_reel(file_moments_of(result.hits, store, query=query), Path(out), out)
    tell_warnings([f"{result.verdict}. {result.reason}"])
    return code


def _need_hits(result: SearchResult) -> None:
    if not result.hits:
        raise ClipVideoError("Nothing was found, so there is nothing to write.", "Widen the filter.")
