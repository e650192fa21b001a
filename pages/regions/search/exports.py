"""Download the selected hits, or all of them, as a file."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import streamlit as st

from clip_core.export.formats import MOMENT_FORMATS, Format, write_moments
from clip_core.export.selection import Selection
from clip_core.files import named_after
from clip_core.library.videos import is_allowed
from clip_core.media.clips_of_videos import zip_clips
from clip_core.media.exports_folder import REEL
from clip_core.media.reel import make_reel
from clip_core.retrieval.hit_files import hits_csv, hits_json
from clip_core.retrieval.results import Hit
from clip_core.retrieval.selection import file_moments_of, selection_of
from clip_core.types import Progress
from pages.regions.search.results import Found
from pages.regions.search.state import search_state
from pages.shared import cache
from pages.shared.export_task import ExportButton, draw_export_button

HIT_FORMATS: Mapping[str, tuple[str, str]] = {
    "csv": ("CSV", "text/csv"),
    "json": ("JSON", "application/json"),
}
"""Formats of hits: the title and the MIME type. The others are those of moments."""


def draw_exports(found: Found) -> None:
    """Draw the menu."""
    hits, selected = found.picked, len(search_state().selected)
    label = f"Export · {selected}" if selected else "Export"
    help_text = "The selected hits as a file" if selected else "All hits as a file; Space selects single ones"
    with st.popover(label, icon=":material/download:", key="search_export", help=help_text, disabled=not hits):
        for kind, (title, mime) in HIT_FORMATS.items():
            _draw_button(kind, title, mime, f"hits.{kind}", hits, found)
        in_one_video = len({hit.video_id for hit in hits}) == 1
        for kind in [kind for kind in MOMENT_FORMATS if kind not in HIT_FORMATS]:
            written: Format[[Selection]] = MOMENT_FORMATS[kind]
            if in_one_video or not written.one_video:
                name = named_after(hits[0].name, written.file_name) if in_one_video else written.file_name
                _draw_button(kind, written.title, written.mime, name, hits, found)
        _draw_media(hits, found)
        if hits and not in_one_video:
            st.caption("Subtitles and chapters are of one video: select hits of one.")


def _draw_media(hits: Sequence[Hit], found: Found) -> None:
    """Draw the buttons that cut the hits; there is no session in the thread where they are cut."""
    text, unit, config = found.query.title, found.result.unit, cache.config()
    hits = [hit for hit in hits if is_allowed(Path(found.records[hit.video_id].path), config)]
    if not hits:
        return

    def make_zip(path: Path) -> Generator[Progress, None, None]:
        moments = file_moments_of(hits, found.store, query=found.query)
        yield from zip_clips(moments, path, texts={"hits.csv": hits_csv(hits, text, unit).encode()})

    def make_film(path: Path) -> Generator[Progress, None, None]:
        yield from make_reel(file_moments_of(hits, found.store, query=found.query), path)

    content = [(hit.video_id, hit.start_s, hit.end_s, text) for hit in hits]
    help_text = "A clip of each hit in `video_dirs`, and hits.csv. It is made in the background, and kept for a day."
    draw_export_button(ExportButton("zip_hits", "ZIP of clips", help_text, content, make_zip, "hits"))
    help_text = "The hits in `video_dirs` one after another, as one film. It is made in the background, kept for a day."
    draw_export_button(ExportButton("reel_hits", "Reel", help_text, content, make_film, "hits", REEL))


def _draw_button(kind: str, title: str, mime: str, file_name: str, hits: Sequence[Hit], found: Found) -> None:
    st.download_button(
        title,
        partial(write_hits, kind, hits, found),
        file_name,
        mime,
        key=f"export_hits_{kind}",
        on_click="ignore",
        width="stretch",
    )


def write_hits(kind: str, hits: Sequence[Hit], found: Found) -> bytes:
    """Return the content of a file of hits: the one place where hits are handed to an exporter.

    Args:
        kind: A key of ``HIT_FORMATS`` or of ``MOMENT_FORMATS``.
        hits: What to write, at least one; in one video if the format is ``one_video``.
        found: The search that they are from.
    """
    if kind == "csv":
        return hits_csv(hits, found.query.title, found.result.unit).encode()
    if kind == "json":
        said = () if search_state().selected else found.said
        return hits_json(replace(found.result, hits=tuple(hits)), found.query.title, said).encode()
    return write_moments(kind, selection_of(hits, found.store, query=found.query, unit=found.result.unit))
