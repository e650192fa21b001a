"""The two ways to watch a video, playing or frame by frame: both draw the same regions of the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from clip_core.analysis.report import timeline_of
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
    """What there is to see of a video at this rerun.

    ``to_walk`` are the moments to jump to and to repeat, and the candidates that come after them.
    """

    video: VideoChoice
    record: VideoRecord
    detection: MomentDetection
    to_walk: tuple[Sequence[Moment], Sequence[Moment]]
    prompts: Prompts
    signal: Signal
    head: Playhead

    def timeline(self, shown: Sequence[str], style: ChartLook, unfinished: Unfinished | None) -> Timeline:
        """What the chart shows; only the playhead is left to who draws it."""
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
"""How far the chips of verdicts, under the list, reach below a picture that has no buttons of its own."""


class Way(Protocol):
    """A way to watch. Each function draws one region; the page says in which order and where.

    ``taken_px``: what the chart gives up in height, so that the page need not scroll. ``plays``: whether the video
    plays in the browser, which then knows better which frame is on the screen.
    """

    taken_px: int
    plays: bool

    def draw_picture(self) -> None:
        """Draw the video."""

    def draw_ranking(self) -> None:
        """Draw how well each prompt fits the frame on the screen."""

    def draw_transport(self) -> None:
        """Draw the row of buttons, if it is not a part of the picture."""

    def draw_chart(self, view: Timeline, edges: Edges | None = None, *, fits: bool) -> None:
        """Draw the curves, and where it can be dragged, the moment that is selected.

        ``fits``: as high as the window leaves room, where the browser can say so.
        """


class Playing:
    """The player: it runs in the browser, and so do its ranking and its curves."""

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
        """Draw the ranking that runs along."""
        scene = self._scene
        player.draw_ranking(scene.record, scene.detection, scene.prompts, scene.signal, self._series)

    def draw_transport(self) -> None:
        """Nothing: it is a part of the screen."""

    def draw_chart(self, view: Timeline, edges: Edges | None = None, *, fits: bool) -> None:
        """Draw the curves with the playhead that runs along, and the edges to drag."""
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


def see_what_plays(video: VideoChoice, record: VideoRecord, settings: Config) -> Playable:
    """Say what the player may play, if it is wanted, and stop what plays frame by frame where the player takes over."""
    if not transport.wants_player():
        return Playable(None)
    playable = see_to_proxy(video, record, settings)
    if playable.source is not None:
        pause()
    return playable


def choose(scene: Scene, playable: Playable) -> Way:
    """The player where something can be played; else frame by frame."""
    return FrameByFrame(scene) if playable.source is None else Playing(scene, playable)
