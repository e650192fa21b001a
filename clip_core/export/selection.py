"""A selection: moments of one video or of several, from which every format of moments is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from clip_core.export.source import DROPPING, USUAL_RATE, Source, timecode
from clip_core.export.text import by_time, one_line
from clip_core.text import counted
from clip_core.types import Moment, TimeTable


@dataclass(frozen=True, eq=False)
class SelectedVideo:
    """A video of a selection.

    Attributes:
        source: The video as timelines refer to it.
        table: The presentation times of its frames, for frame numbers.
        video_id: SHA-256 of its bytes; empty if unknown.
    """

    source: Source
    table: TimeTable | None = None
    video_id: str = ""


@dataclass(frozen=True, eq=False)
class Selection:
    """Moments of one video, or of several.

    Attributes:
        videos: The videos, each once; those of one that has no moments too.
        rows: Each moment with its video, in the order to write.
        prompts: All prompts, including those without a moment.
        settings: The settings that made the moments, as JSON values; "unit" is the unit of peak and mean.
    """

    videos: Sequence[SelectedVideo]
    rows: Sequence[tuple[SelectedVideo, Moment]]
    prompts: Sequence[str] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def moments(self) -> list[Moment]:
        """The moments in the order to write."""
        return [moment for _, moment in self.rows]

    @property
    def unit(self) -> str:
        """The unit of peak and mean; empty if unknown."""
        return str(self.settings.get("unit", ""))

    @property
    def name(self) -> str:
        """The name of the only video on one line, or how many videos there are."""
        return one_line(self.videos[0].source.name) if len(self.videos) == 1 else counted(len(self.videos), "video")

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the largest video, by area."""
        sizes = ((video.source.width, video.source.height) for video in self.videos)
        return max(sizes, key=lambda size: size[0] * size[1], default=(0, 0))

    @property
    def video(self) -> SelectedVideo:
        """The only video.

        Raises:
            ValueError: There are several, or none.
        """
        if len(self.videos) != 1:
            raise ValueError(f"this format holds the moments of one video, not of {len(self.videos)}")
        return self.videos[0]

    @property
    def note(self) -> str:
        """What the user should know about the frame rate of timelines; empty if it is that of all videos."""
        rates = {video.source.timeline_rate for video in self.videos}
        if len(rates) < 2:
            return next((video.source.note for video in self.videos if video.source.note), "")
        return (
            f"The videos have different frame rates: the timeline counts in {float(max(rates)):.6g} frames per "
            "second, the highest, and cuts may be one frame off."
        )

    def by_video(self) -> Iterator[tuple[SelectedVideo, list[Moment]]]:
        """Yield each video with its moments by time; the video of the first row first."""
        groups: dict[int, tuple[SelectedVideo, list[Moment]]] = {}
        for video, moment in self.rows:
            groups.setdefault(id(video), (video, []))[1].append(moment)
        for video, moments in groups.values():
            yield video, sorted(moments, key=by_time)


def select_from_one(
    moments: Sequence[Moment],
    source: Source,
    settings: Mapping[str, Any] | None = None,
    *,
    prompts: Sequence[str] = (),
    table: TimeTable | None = None,
    video_id: str = "",
) -> Selection:
    """Return the selection of moments of one video; see ``Selection`` and ``SelectedVideo``."""
    video = SelectedVideo(source, table, video_id)
    return Selection([video], [(video, moment) for moment in moments], prompts, settings or {})


@dataclass(frozen=True, slots=True)
class CutEvent:
    """A piece of a video on a timeline.

    Attributes:
        video: What is shown.
        moments: The one that is shown, or all in the video if it is shown whole.
        first, stop: [first, stop) in frames of the source, counted from its earliest stream.
        at, frames: Where it lies on the timeline and how long it is, in frames of the timeline.
    """

    video: SelectedVideo
    moments: Sequence[Moment]
    first: int
    stop: int
    at: int
    frames: int

    @property
    def moment(self) -> Moment:
        """The moment that is shown, or the first in the video."""
        return self.moments[0]


@dataclass(frozen=True, slots=True)
class CutMarker:
    """The span [at, at + frames) of a moment, in frames of a timeline."""

    moment: Moment
    at: int
    frames: int


@dataclass(frozen=True)
class Cut:
    """A timeline of pieces of videos, one after another.

    It counts in the highest of the videos' standard rates, so that every frame of every video has a place on it, and
    their timecodes are valid in lists that know only one rate. An event of a slower video ends on the last frame of
    the timeline that it fills wholly.

    Attributes:
        rate: Frames per second.
        drops: Whether its timecodes are drop-frame: if those of all videos of that rate are.
        events: In order.
        frames: Its length.
        start_frame: The frame number of its start timecode.
    """

    rate: Fraction
    drops: bool
    events: Sequence[CutEvent]
    frames: int
    start_frame: int = 0

    def timecode(self, frame: int) -> str:
        """Return the timecode of a frame counted from the beginning of the timeline."""
        return timecode(self.start_frame + frame, self.rate, self.drops)

    def markers(self) -> Iterator[CutMarker]:
        """Yield where each moment lies on the timeline, in the order of the events; each has at least one frame."""
        for event in self.events:
            scale = self.rate / event.video.source.timeline_rate
            for moment in event.moments:
                first, stop = event.video.source.frame_range(moment)
                frames = max(1, int((stop - first) * scale))
                yield CutMarker(moment, event.at + int((first - event.first) * scale), frames)

    def seconds(self, frames: int) -> str:
        """Return frames as rational seconds, such as ``1001/30000s``; whole seconds have no denominator."""
        return f"{Fraction(frames) / self.rate}s"


def cut_of(selection: Selection) -> Cut:
    """Return the timeline of a selection: its moments, video by video, and by time within each."""
    sources = [video.source for video in selection.videos]
    rate = max((source.timeline_rate for source in sources), default=USUAL_RATE)
    drops = rate in DROPPING and all(source.drops for source in sources if source.timeline_rate == rate)
    events, at = list[CutEvent](), 0
    for video, moments in selection.by_video():
        for moment in moments:
            first, stop = video.source.frame_range(moment)
            frames = max(1, int((stop - first) * rate / video.source.timeline_rate))
            events.append(CutEvent(video, (moment,), first, stop, at, frames))
            at += frames
    return Cut(rate, drops, events, at)


def marked_timeline(selection: Selection) -> Cut:
    """Return the timeline that markers lie on: one video whole, from its own start timecode; several as ``cut_of``."""
    if len(selection.videos) != 1:
        return cut_of(selection)
    video, moments = selection.video, sorted(selection.moments, key=by_time)
    source = video.source
    event = CutEvent(video, moments, 0, source.frames, 0, source.frames)
    return Cut(source.timeline_rate, source.drops, [event], source.frames, source.start_frame)
