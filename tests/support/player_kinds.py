"""Videos of every kind that a player must be exact with; each frame carries its number, see
``tests/support/video_maker.py``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from clip_core import EmbeddingStore, open_video
from clip_core.library.identify import file_stamp, record_of
from tests.support.video_maker import (
    KINDS,
    PlantedVideo,
    VideoSpec,
    make_variable_rate,
    number_picture,
    planted,
    write_video,
)

HZ = 48_000
SIZE = (320, 180)
GROUPS_OF_30 = {"g": "30", "sc_threshold": "0"}
MS = Fraction(1, 1000)
VP9 = {"deadline": "realtime", "cpu-used": "8", "g": "30"}


def with_sound(path: Path, seconds: float, first_s: float = 0.0, codec: str = "aac") -> None:
    """Lay a hum of that length, from ``first_s`` on, beside the pictures of a file."""
    silent = path.with_name(f"silent-{path.name}")
    path.rename(silent)
    with av.open(str(silent)) as source, av.open(str(path), "w") as target:
        given = source.streams.video[0]
        picture, sound = target.add_stream_from_template(given), target.add_stream(codec, rate=HZ)
        packets = [packet for packet in source.demux(given) if packet.dts is not None]
        for packet in packets:
            packet.stream = picture
        packets += _hum(sound, seconds, first_s)
        for packet in sorted(packets, key=lambda packet: float(packet.dts * packet.time_base)):
            target.mux(packet)
    silent.unlink()


def _hum(sound: av.AudioStream, seconds: float, first_s: float) -> list[av.Packet]:
    samples, packets = round(seconds * HZ), []
    tone = (np.sin(np.arange(samples) * 440 * 2 * np.pi / HZ) * 0.05).astype(np.float32)
    for start in range(0, samples, 1024):
        frame = av.AudioFrame.from_ndarray(tone[None, start : start + 1024], format="fltp", layout="mono")
        frame.sample_rate, frame.time_base, frame.pts = HZ, Fraction(1, HZ), start + round(first_s * HZ)
        packets += sound.encode(frame)
    return packets + list(sound.encode(None))


def with_times(
    folder: Path, name: str, steps_ms: Sequence[int], spec: VideoSpec | None = None, size: tuple[int, int] = SIZE
) -> PlantedVideo:
    """A video whose frames stand for these times, one after the other."""
    ticks = np.cumsum([0, *steps_ms[:-1]]).tolist()
    spec = spec or VideoSpec(options=GROUPS_OF_30)
    return planted(folder, name, len(steps_ms), spec, ticks=ticks, tick=MS, size=size)


def constant(
    folder: Path,
    name: str,
    count: int = 90,
    *,
    spec: VideoSpec | None = None,
    sound_s: tuple[float, float] | None = None,
    **options: str,
) -> PlantedVideo:
    """30 frames a second in groups of 30, or as told; with a hum of (length, start) in seconds."""
    spec = spec or VideoSpec(options=GROUPS_OF_30 | options)
    video = planted(folder, name, count, spec, size=SIZE)
    if sound_s is not None:
        with_sound(video.path, *sound_s, codec="libopus" if spec.suffix == ".webm" else "aac")
    return video


def edit_list(folder: Path, name: str, count: int, hidden: int, **options: str) -> PlantedVideo:
    """An MP4 that shows its frames only from ``hidden`` on, in the middle of a group."""
    spec = VideoSpec(options={"g": "50", "sc_threshold": "0"} | options, first_pts=-hidden)
    whole = planted(folder, name, count, spec, size=SIZE)
    return replace(whole, numbers=whole.numbers[hidden:], times_s=[k / 30 for k in range(count - hidden)], start_s=0.0)


def _ntsc(folder: Path) -> PlantedVideo:
    return constant(folder, "ntsc", spec=VideoSpec(rate=Fraction(30000, 1001), options=GROUPS_OF_30 | {"bf": "3"}))


def _uneven(folder: Path) -> PlantedVideo:
    """Variable rate with B-frames and a late first frame: the frame before a keyframe is hard to reach."""
    steps = np.random.default_rng(2).integers(20, 47, 360) * 90
    options = GROUPS_OF_30 | {"bf": "2", "preset": "superfast"}
    spec = VideoSpec(options=options, container_options={"movflags": "+faststart"})
    return planted(folder, "uneven", 360, spec, ticks=np.cumsum(steps).tolist(), tick=Fraction(1, 90_000), size=SIZE)


PLAYED: dict[str, Callable[[Path], PlantedVideo]] = {
    "constant": lambda folder: constant(folder, "constant", 150, bf="0"),
    "b-frames": lambda folder: constant(folder, "b-frames", bf="3"),
    "groups of 250": lambda folder: constant(folder, "groups of 250", 300, g="250", bf="2"),
    "variable": make_variable_rate,
    "uneven": _uneven,
    "ntsc": _ntsc,
    "portrait 90": lambda folder: planted(folder, "portrait 90", 40, VideoSpec(rotation=90), size=(180, 320)),
    "portrait 270": lambda folder: planted(folder, "portrait 270", 40, VideoSpec(rotation=270), size=(180, 320)),
    "turned 180": lambda folder: planted(folder, "turned 180", 40, VideoSpec(rotation=180), size=SIZE),
    "vp9 late": lambda folder: constant(
        folder, "vp9 late", spec=VideoSpec(".webm", "libvpx-vp9", options=VP9, first_pts=150)
    ),
    "vp9 with sound": lambda folder: constant(
        folder,
        "vp9 with sound",
        spec=VideoSpec(".webm", "libvpx-vp9", options=VP9, first_pts=15),
        sound_s=(4.0, 0.0),
    ),
    "late picture": lambda folder: constant(
        folder, "late picture", spec=VideoSpec(options=GROUPS_OF_30, first_pts=15), sound_s=(4.0, 0.0)
    ),
    "late sound": lambda folder: constant(folder, "late sound", sound_s=(2.0, 1.0)),
    "late mp4": lambda folder: constant(folder, "late mp4", spec=VideoSpec(options=GROUPS_OF_30, first_pts=150)),
    "long sound": lambda folder: constant(folder, "long sound", sound_s=(5.0, 0.0)),
    "edit list": lambda folder: edit_list(folder, "edit list", 150, 40, bf="0"),
    "edit list, b-frames": lambda folder: edit_list(folder, "edit list, b-frames", 150, 40, bf="3"),
    "edit list, keyframe": lambda folder: edit_list(folder, "edit list, keyframe", 150, 50, bf="2"),
    "one": lambda folder: constant(folder, "one", 1),
    "slides": lambda folder: with_times(folder, "slides", [10_000] * 6),
    "long gaps": lambda folder: with_times(folder, "long gaps", [40, 40, 7000, 40, 15_000, 33, 33, 2000, 40, 40]),
    "120 fps": lambda folder: constant(
        folder, "120 fps", 240, spec=VideoSpec(rate=Fraction(120), options=GROUPS_OF_30)
    ),
}
NAMED = [
    "constant",
    "variable",
    "ntsc",
    "groups of 250",
    "portrait 90",
    "vp9 with sound",
    "late mp4",
    "edit list, b-frames",
    "one",
]
"""The kinds that the issue names: each goes through the whole page."""
__all__ = [
    "KINDS",
    "NAMED",
    "PLAYED",
    "constant",
    "edit_list",
    "number_picture",
    "store",
    "with_sound",
    "with_times",
    "write_video",
]


def store(videos: dict[str, PlantedVideo], folder: Path) -> None:
    """Put videos into the store at ``folder`` as if they had been looked at to their end, under these names."""
    found = EmbeddingStore(folder)
    for name, planted_video in videos.items():
        with open_video(planted_video.path) as video:
            for _ in video.frames([]):
                pass
            record = record_of(video, video.info.video_id, None)
        found.remember_video(replace(record, name=name))
        found.remember_id(planted_video.path, *file_stamp(planted_video.path), record.video_id)
