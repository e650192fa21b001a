"""The two ways to watch a video: the player, or frame by frame. Both draw the same regions of the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from clip_core.analysis.export_bundle import ExportBundle
from clip_core.analysis.report import timeline_of
from clip_core.charts.timeline import Line, Timeline, Unfinished
from clip_core.config import Config
from clip_core.encoders.base import ShownEncoder
from clip_core.library.videos import VideoChoice
from clip_core.scoring.detection import MomentDetection
from clip_core.scoring.reviewed import Reviewed
from clip_core.types import Moment, VideoRecord
from pages.player.components import series
from pages.regions.chart.chart import compute_extras
from pages.regions.sidebar.prompts import Prompts
from pages.regions.sidebar.signal import Signal
from pages.regions.viewer import frames, parts
from pages.regions.viewer.parts import Edges
from pages.regions.viewer.playhead import Playhead, draw_chart, pause
from pages.regions.viewer.proxy import Playable, draw_proxy_status, see_to_proxy, status_px
from pages.regions.viewer.view_menu import ChartLook, wants_player
from pages.shared.theme import theme_name


@dataclass(frozen=True)
class Scene:
    """What this rerun shows of a video.

    ``to_walk`` holds the moments to jump to and to repeat, and the candidates that follow them.
    """

    video: VideoChoice
    record: VideoRecord
    detection: MomentDetection
    to_walk: tuple[Sequence[Moment], Sequence[Moment]]
    prompts: Prompts
    signal: Signal
    head: Playhead

    def timeline(self, shown: Sequence[str], look: ChartLook, unfinished: Unfinished | None) -> Timeline:
        """Return what the chart shows, without the playhead; the code that draws the chart adds it."""
        usual, extras = timeline_of(self.detection, self.detection.moments), compute_extras(self.detection, look)
        return replace(
            usual,
            lines=[Line(prompt, self.prompts.numbers[prompt]) for prompt in shown],
            score_range=self.signal.axis,
            theme=theme_name(),
            axis=look.axis,
            height_px=look.height_px,
            raw=look.raw and usual.raw,
            unfinished=unfinished,
            rate=extras.rate,
            spikes=extras.spikes,
            ribbon={prompt: edges for prompt, edges in extras.ribbon.items() if prompt in shown},
            shot_boundaries_s=usual.shot_boundaries_s if look.shot_boundaries else (),
            winners=extras.winners,
            kind=look.kind,
        )

    def bundle(self, moments: Sequence[Moment], reviewed: Sequence[Reviewed], encoder: ShownEncoder) -> ExportBundle:
        """Return what files with these moments are made from; ``reviewed``: all moments with their annotations."""
        pictures = None if self.prompts.pictures is None else self.prompts.texts
        return ExportBundle(self.detection, moments, self.record, str(self.video.path), encoder, reviewed, pictures)


CHIPS_BELOW_PX = 36
"""How far the verdict chips under the list extend below a picture that has no buttons of its own."""


class Playing:
    """The player. It runs in the browser, and so do its ranking and its curves.

    Attributes:
        plays: Whether the video plays in the browser, which then knows the current frame better than the server.
        taken_px: How much lower the chart is, so that the page need not scroll.
    """

    plays = True

    def __init__(self, scene: Scene, playable: Playable) -> None:
        self._scene, self._playable = scene, playable
        self._series = series(scene.detection.scores, scene.detection.smoothed)
        self.taken_px = status_px(playable)

    def draw_picture(self) -> None:
        """Draw the video with its transport."""
        scene = self._scene
        moments, candidates = scene.to_walk
        parts.draw_screen(scene.record, self._playable, moments, scene.head, candidates=candidates)

    def draw_ranking(self) -> None:
        """Draw how well each prompt fits the frame on the screen; it follows the video."""
        scene = self._scene
        parts.draw_ranking(scene.record, scene.detection, scene.prompts, scene.signal, self._series)

    def draw_transport(self) -> None:
        """Draw what is said of the proxy: the screen includes the transport."""
        draw_proxy_status(self._playable, self._scene.record)

    def draw_chart(self, view: Timeline, edges: Edges | None = None, *, fits: bool) -> None:
        """Draw the curves, a playhead that follows the video, and the edges of the selected moment to drag.

        ``fits``: as high as the window has room for.
        """
        parts.draw_timeline(self._scene.record, view, self._series, edges=edges, fits=fits)


class FrameByFrame:
    """One exact picture at a time, sent by the server. It has what ``Playing`` has."""

    plays = False

    def __init__(self, scene: Scene, playable: Playable) -> None:
        self._scene, self._playable = scene, playable
        self.taken_px = CHIPS_BELOW_PX + status_px(playable)

    def draw_picture(self) -> None:
        """Draw the frame under the playhead."""
        frames.draw_picture(self._scene.video, self._scene.record, self._scene.head)

    def draw_ranking(self) -> None:
        """Draw the ranking of that frame."""
        scene = self._scene
        frames.draw_ranking(scene.detection, scene.head, scene.prompts, scene.signal)

    def draw_transport(self) -> None:
        """Draw the buttons and the slider, and what is said of the proxy."""
        scene = self._scene
        frames.draw_transport(scene.record.table, scene.detection.scores, *scene.to_walk, scene.head)
        draw_proxy_status(self._playable, scene.record)

    def draw_chart(self, view: Timeline, edges: Edges | None = None, *, fits: bool) -> None:  # noqa: ARG002 - it does neither
        """Draw the curves; a click on them moves the playhead."""
        draw_chart(view, self._scene.head)


Viewer: TypeAlias = Playing | FrameByFrame


def see_what_plays(video: VideoChoice, record: VideoRecord, config: Config) -> Playable:
    """Return what the player can play, if it is wanted; stop frame-by-frame playback if the player takes over."""
    if not wants_player():
        return Playable(None)
    playable = see_to_proxy(video, record, config)
    if playable.source is not None:
        pause()
    return playable


def choose_viewer(scene: Scene, playable: Playable) -> Viewer:
    """Return the player if something can be played, else frame by frame."""
    return FrameByFrame(scene, playable) if playable.source is None else Playing(scene, playable)
