"""The two ways to watch a video: the player, or frame by frame. Both draw the same regions of the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from clip_core.analysis.export_bundle import timeline_of
from clip_core.charts.timeline import Line, Timeline, Unfinished
from clip_core.config import Config
from clip_core.library.videos import VideoChoice
from clip_core.scoring.detection import MomentDetection
from clip_core.types import Moment, VideoRecord
from pages.player import draw as player
from pages.player.components import series
from pages.player.draw import Edges
from pages.regions.chart import chart
from pages.regions.chart.chart import compute_extras
from pages.regions.sidebar.prompts import Prompts
from pages.regions.sidebar.signal import Signal
from pages.regions.viewer import frame_view, transport
from pages.regions.viewer.playhead import Playhead, pause
from pages.regions.viewer.proxy import Playable, see_to_proxy
from pages.regions.viewer.transport import ChartLook
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

    def timeline(self, shown: Sequence[str], style: ChartLook, unfinished: Unfinished | None) -> Timeline:
        """Return what the chart shows, without the playhead; the code that draws the chart adds it."""
        found = self.detection
        usual, extras = timeline_of(found, found.moments), compute_extras(found, style)
        return replace(
            usual,
            lines=[Line(prompt, self.prompts.numbers[prompt]) for prompt in shown],
            score_range=self.signal.axis,
            theme=theme_name(),
            axis=style.axis,
            height_px=style.height_px,
            raw=style.raw and usual.raw,
            unfinished=unfinished,
            rate=extras.rate,
            spikes=extras.spikes,
            ribbon={prompt: edges for prompt, edges in extras.ribbon.items() if prompt in shown},
            shot_boundaries_s=usual.shot_boundaries_s if style.shot_boundaries else (),
            winners=extras.winners,
            kind=style.kind,
        )


CHIPS_BELOW_PX = 36
"""How far the verdict chips under the list extend below a picture that has no buttons of its own."""


class Way(Protocol):
    """A way to watch. Each method draws one region; the page decides order and position.

    ``taken_px``: how much lower the chart is, so that the page need not scroll. ``plays``: whether the video plays in
    the browser, which then knows the current frame better than the server.
    """

    taken_px: int
    plays: bool

    def draw_picture(self) -> None:
        """Draw the video."""

    def draw_ranking(self) -> None:
        """Draw how well each prompt fits the frame on the screen."""

    def draw_transport(self) -> None:
        """Draw the row of buttons, unless it is part of the picture."""

    def draw_chart(self, view: Timeline, edges: Edges | None = None, *, fits: bool) -> None:
        """Draw the curves and, where they can be dragged, the edges of the selected moment.

        ``fits``: as high as the window has room for, if the browser can measure that.
        """


class Playing:
    """The player. It runs in the browser, and so do its ranking and its curves."""

    taken_px = 0
    plays = True

    def __init__(self, scene: Scene, playable: Playable) -> None:
        self._scene, self._playable = scene, playable
        self._series = series(scene.detection.scores, scene.detection.smoothed)

    def draw_picture(self) -> None:
        """Draw the video with its transport."""
        scene = self._scene
        moments, candidates = scene.to_walk
        player.draw_screen(scene.record, self._playable, moments, scene.head, candidates=candidates)

    def draw_ranking(self) -> None:
        """Draw the ranking, which follows the video."""
        scene = self._scene
        player.draw_ranking(scene.record, scene.detection, scene.prompts, scene.signal, self._series)

    def draw_transport(self) -> None:
        """Do nothing: the screen includes the transport."""

    def draw_chart(self, view: Timeline, edges: Edges | None = None, *, fits: bool) -> None:
        """Draw the curves, a playhead that follows the video, and the edges to drag."""
        player.draw_timeline(self._scene.record, view, self._series, edges=edges, fits=fits)


class FrameByFrame:
    """One exact picture at a time, sent by the server."""

    taken_px = CHIPS_BELOW_PX
    plays = False

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def draw_picture(self) -> None:
        """Draw the frame under the playhead."""
        frame_view.draw_picture(self._scene.video, self._scene.record, self._scene.head)

    def draw_ranking(self) -> None:
        """Draw the ranking of that frame."""
        scene = self._scene
        frame_view.draw_ranking(scene.detection, scene.head, scene.prompts, scene.signal)

    def draw_transport(self) -> None:
        """Draw the buttons and the slider."""
        scene = self._scene
        detection = scene.detection
        transport.draw_transport(scene.record.table, detection.scores, *scene.to_walk, scene.head)

    def draw_chart(self, view: Timeline, edges: Edges | None = None, *, fits: bool) -> None:  # noqa: ARG002 - it does neither
        """Draw the curves; a click on them moves the playhead."""
        chart.draw_chart(view, self._scene.head)


def see_what_plays(video: VideoChoice, record: VideoRecord, config: Config) -> Playable:
    """Return what the player can play, if it is wanted; stop frame-by-frame playback if the player takes over."""
    if not transport.wants_player():
        return Playable(None)
    playable = see_to_proxy(video, record, config)
    if playable.source is not None:
        pause()
    return playable


def choose(scene: Scene, playable: Playable) -> Way:
    """Return the player if something can be played, else frame by frame."""
    return FrameByFrame(scene) if playable.source is None else Playing(scene, playable)
