"""Makes files of joined recordings, as ``cat``, recorders and cameras do: the clock starts again at each join."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from clip_core.video import Video
from tests.support.video_maker import PlantedVideo, VideoSpec, number_picture, read_number, write_video

RATE = Fraction(25)
_GROUPS = {"g": "12", "bf": "2"}

JOINED = {
    "ts": VideoSpec(".ts", rate=RATE, options={**_GROUPS, "x264-params": "open-gop=1:scenecut=0"}),
    "ts-mpeg2": VideoSpec(".ts", "mpeg2video", RATE, _GROUPS),
    "mpg": VideoSpec(".mpg", "mpeg2video", RATE, _GROUPS),
    "vob": VideoSpec(".vob", "mpeg2video", RATE, _GROUPS),
    "mpg-plain": VideoSpec(".mpg", "mpeg2video", RATE, {"g": "12", "bf": "0"}),
    "mkv": VideoSpec(".mkv", rate=RATE, options=_GROUPS),
}


@dataclass(frozen=True)
class Recording:
    """One of the recordings: how many frames it has, and how far its clock has come when it begins."""

    frames: int
    clock_s: int = 0


def write_joined(folder: Path, spec: VideoSpec, recordings: Sequence[Recording]) -> PlantedVideo:
    """Write recordings one behind the other; their frames are numbered from the first to the last."""
    content, number = b"", 0
    for recording in recordings:
        path = folder / f"part{spec.suffix}"
        pictures = [number_picture(number + k) for k in range(recording.frames)]
        write_video(path, pictures, replace(spec, first_pts=round(recording.clock_s * spec.rate)))
        content, number = content + path.read_bytes(), number + recording.frames
        path.unlink()
    joined = folder / f"joined{spec.suffix}"
    joined.write_bytes(content)
    return PlantedVideo(joined, list(range(number)), [float(k / spec.rate) for k in range(number)])


def numbers_at_random(video: Video, count: int) -> tuple[list[int], list[int]]:
    """Return some frame numbers in random order, and the numbers that the pictures of these frames carry."""
    asked = np.random.default_rng(5).permutation(len(video.table))[:count].tolist()
    return asked, [read_number(video.frame_at(index=index).rgb) for index in asked]
