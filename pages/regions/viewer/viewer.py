"""The two ways to watch a video: the player, or frame by frame. Both draw the same regions of the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import streamlit as st

from clip_core.addresses import is_address
from clip_core.analysis.annotations import Reviewed
from clip_core.analysis.export_bundle import ExportBundle, timeline_of
from clip_core.charts.view import Line, Timeline, Unfinished
from clip_core.config import Config
from clip_core.encoders.base import ShownEncoder
from clip_core.library.videos import VideoChoice
from clip_core.scoring.detection import MomentDetection
from clip_core.store.store import EmbeddingStore
from clip_core.types import Moment, VideoRecord
from pages.player.components import series
from pages.regions.chart.chart import with_extras
from pages.regions.sidebar.prompts import Prompts
from pages.regions.sidebar.signal import Signal
from pages.regions.viewer import frames, parts
from pages.regions.viewer.bucket import draw_fetch, fetch_px
from pages.regions.viewer.playhead import Playhead, draw_frame_chart, pause
from pages.regions.viewer.proxy import Playable, draw_proxy_status, see_to_proxy, status_px
from pages.regions.viewer.view_menu import ChartLook, wants_player
from pages.shared.theme import theme_name

CHIPS_BELOW_PX = 36
"""How far the verdict chips under the list extend below a picture that has no buttons of its own."""


def see_what_plays(video: VideoChoice, record: VideoRecord, config: Config) -> Playable:
    """Return what the player can play, if it is wanted; stop frame-by-frame playback if the player takes over."""
    if not wants_player():
        return Playable(None)
    playable = see_to_proxy(video, record, config)
    if playable.source is not None:
        pause()
    return playable


@dataclass(frozen=True)
class Scene:
    """What this rerun shows of a video: in the player if something can be played, else frame by frame.

    ``to_walk`` holds the moments to jump to and to repeat, and the candidates that follow them. ``store`` holds the
    subtitles of the video; with None, none are shown.
    """

    video: VideoChoice
    record: VideoRecord
    detection: MomentDetection
    to_walk: tuple[Sequence[Moment], Sequence[Moment]]
    prompts: Prompts
    signal: Signal
    head: Playhead
    playable: Playable
    store: EmbeddingStore | None = None

    @property
    def plays(self) -> bool:
        """Whether the video plays in the browser, which then knows the current frame better than the server."""
        return self.playable.source is not None

    @property
    def taken_px(self) -> int:
        """How much lower the chart is, so that the page need not scroll."""
        chips_px = 0 if self.plays else CHIPS_BELOW_PX
        return status_px(self.playable) + fetch_px(self.record) + chips_px + parts.lane_px(self.record, self.store)

    @cached_property
    def _series(self) -> dict[str, Any]:
        return series(self.detection.scores, self.detection.smoothed)

    def draw_picture(self) -> None:
        """Draw the video with its transport, or the frame under the playhead."""
        if self.plays:
            moments, candidates = self.to_walk
            parts.draw_screen(self.record, self.playable, moments, self.head, candidates=candidates)
        elif is_address(self.record.path):
            frames.draw_stored_picture(self.record, self.detection.scores, self.head)
        else:
            frames.draw_picture(self.video, self.record, self.head)

    def draw_ranking(self) -> None:
        """Draw how well each prompt fits the frame on the screen."""
        if not self.prompts.texts or not len(self.detection.scores):
            st.markdown("##### This frame")
            no_prompts = "Type a prompt in the sidebar: one per line."
            st.caption("No sample is indexed yet." if self.prompts.texts else no_prompts)
        elif self.plays:
            parts.draw_ranking(self.record, self.detection, self.prompts, self.signal, self._series)
        else:
            frames.draw_ranking(self.detection, self.head, self.prompts, self.signal)

    def draw_transport(self) -> None:
        """Draw the row of buttons, unless it is part of the picture, and what is said of the proxy."""
        if not self.plays:
            frames.draw_transport(self.record.table, self.detection.scores, *self.to_walk, self.head)
        draw_proxy_status(self.playable, self.record)
        draw_fetch(self.record)

    def timeline(self, shown: Sequence[str], look: ChartLook, unfinished: Unfinished | None) -> Timeline:
        """Return what the chart shows, without the playhead; the code that draws the chart adds it."""
        view = timeline_of(self.detection, self.detection.moments)
        view = replace(
            view,
            lines=[Line(prompt, self.prompts.numbers[prompt]) for prompt in shown],
            score_range=self.signal.axis,
            theme=theme_name(),
            axis=look.axis,
            height_px=look.height_px,
            raw=look.raw and view.raw,
            unfinished=unfinished,
            shot_boundaries_s=view.shot_boundaries_s if look.shot_boundaries else (),
            kind=look.kind,
        )
        return with_extras(view, self.detection, look, shown)

    def draw_chart(self, view: Timeline, edges: parts.Edges | None = None, *, fits: bool) -> None:
        """Draw the curves with the playhead, and below them the subtitles.

        Args:
            view: What they show.
            edges: The edges of the selected moment; only the player's chart lets them be dragged.
            fits: Whether the player's chart is as high as the window has room for.
        """
        if self.plays:
            parts.draw_timeline(self.record, view, self._series, edges=edges, fits=fits)
        else:
            draw_frame_chart(view, self.head)
        if self.store is not None:
            parts.draw_subtitles(self.record, self.store, self.head, direct=self.plays)

    def bundle(self, moments: Sequence[Moment], reviewed: Sequence[Reviewed], encoder: ShownEncoder) -> ExportBundle:
        """Return what files with these moments are made from; ``reviewed``: all moments with their annotations."""
        pictures = None if self.prompts.pictures is None else self.prompts.texts
        return ExportBundle(self.detection, moments, self.record, str(self.video.path), encoder, reviewed, pictures)
