"""The menu that exports what was judged by hand in the selected videos."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from functools import partial
from pathlib import Path

import streamlit as st

from clip_core.analysis.judged_moments import ACCEPTED, accepted_file_moments, accepted_selection, judged_videos
from clip_core.export.formats import MOMENT_FORMATS, write_moments
from clip_core.files import named_after
from clip_core.library.videos import is_allowed
from clip_core.media.exports_folder import REEL
from clip_core.media.reel import make_reel
from clip_core.media.training_pairs import export_pairs
from clip_core.store.store import EmbeddingStore, StoredVideo
from clip_core.text import counted
from clip_core.types import Annotation, Progress
from pages.shared import cache
from pages.shared.export_task import ExportButton, draw_export_button

WIDTH_PX = 420


def draw_export(selected: Sequence[StoredVideo], store: EmbeddingStore) -> None:
    """Draw the menu. Each file is made when its button is pressed, not before."""
    with (
        st.popover(
            "Export", icon=":material/download:", key="library_export", disabled=not selected,
            help="The accepted moments of the ticked videos as one file",
        ),
        st.container(width=WIDTH_PX, gap="xsmall"),
    ):  # fmt: skip
        annotations = store.all_annotations() if selected else {}
        counts = {
            video.record.video_id: sum(a.verdict in ACCEPTED for a in annotations.get(video.record.video_id, ()))
            for video in selected
        }
        _draw_pairs([video for video in selected if video.record.video_id in annotations], annotations, store)
        ids = [video_id for video_id, count in counts.items() if count]
        if not ids:
            st.caption("No moment of these videos was accepted by hand. Accept some on Search or Investigate.")
            return
        names = [video.record.name for video in selected if video.record.video_id in ids]
        st.caption(f"{counted(sum(counts.values()), 'accepted moment')} in {counted(len(ids), 'video')}")
        with st.container(horizontal=True, gap="xsmall"):
            for kind, written in MOMENT_FORMATS.items():
                if len(ids) == 1 or not written.one_video:
                    name = named_after(names[0], written.file_name) if len(ids) == 1 else written.file_name
                    st.download_button(
                        written.title, partial(_write, kind, ids, store), name, written.mime,
                        key=f"library_as_{kind}", on_click="ignore", help=f"{written.file_name}. {written.hint}",
                    )  # fmt: skip
        _draw_reel([video for video in selected if video.record.video_id in ids], annotations, store)
        if len(ids) > 1:
            st.caption("Subtitles and chapters are of one video: tick one.")


def _draw_pairs(
    videos: Sequence[StoredVideo], annotations: Mapping[str, Sequence[Annotation]], store: EmbeddingStore
) -> None:
    """Draw the button that makes training pairs of what was accepted and rejected."""
    config = cache.config()
    ids = [video.record.video_id for video in videos if is_allowed(Path(video.record.path), config)]
    if not any(a.verdict for video_id in ids for a in annotations[video_id]):
        return

    def make(path: Path) -> Generator[Progress, None, None]:
        records = (record for video_id in ids if (record := store.video(video_id)) is not None)
        yield from export_pairs(list(judged_videos(records, store)), path)

    content = [(video_id, annotations[video_id]) for video_id in ids]
    help_text = "Pictures of accepted and rejected moments, with their texts. Made in the background, kept for a day."
    draw_export_button(ExportButton("zip_pairs", "Training pairs", help_text, content, make, "training"))


def _draw_reel(
    videos: Sequence[StoredVideo], annotations: Mapping[str, Sequence[Annotation]], store: EmbeddingStore
) -> None:
    """Draw the button that joins what was accepted into one film."""
    config = cache.config()
    ids = [video.record.video_id for video in videos if is_allowed(Path(video.record.path), config)]
    if not ids:
        return

    def make(path: Path) -> Generator[Progress, None, None]:
        yield from make_reel(accepted_file_moments(ids, store), path)

    content = [(video_id, annotations[video_id]) for video_id in ids]
    help_text = "The accepted moments one after another, as one film. Made in the background, kept for a day."
    draw_export_button(ExportButton("reel_accepted", "Reel", help_text, content, make, "accepted", REEL))


def _write(kind: str, video_ids: Sequence[str], store: EmbeddingStore) -> bytes:
    return write_moments(kind, accepted_selection(video_ids, store))
