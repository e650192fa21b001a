"""What browsers play, by the header of the file."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from clip_core.errors import VideoError, VideoNotFoundError
from clip_core.media.playable import why_not_playable_here
from tests.support.sound_maker import FilmSpec, SoundSpec, write_film
from tests.support.video_maker import KINDS, VideoSpec, planted

HEVC = {"x265-params": "log-level=none"}
AV1 = {"preset": "12", "svtav1-params": "lp=1"}
VP9 = {"deadline": "realtime", "cpu-used": "8"}


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("constant", None),
        ("variable", None),
        ("edit", None),
        ("turned90", None),
        ("interlaced", None),
        ("one", None),
        ("webm", None),
        ("late", "H.264 in MKV"),
        ("ts", "H.264 in MPEG-TS"),
        ("avi", "MPEG-4 part 2 in AVI"),
        ("avi-packed", "MPEG-4 part 2 in AVI"),
        ("avi-h264", "H.264 in AVI"),
        ("mpeg", "MPEG-2 in MPEG-PS"),
        ("gif", "GIF images as a video"),
        ("webp", "WebP images as a video"),
        ("apng", "APNG images as a video"),
        ("images", "numbered images"),
    ],
)
def test_containers(kind: str, why: str | None, tmp_path: Path) -> None:
    assert why_not_playable_here(KINDS[kind](tmp_path).path) == why


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        (VideoSpec(".mp4", "libx265", options=HEVC), "HEVC in MP4"),
        (VideoSpec(".mov", "libx265", options=HEVC), "HEVC in MOV"),
        (VideoSpec(".mkv", "libx265", options=HEVC), "HEVC in MKV"),
        (VideoSpec(".mov"), None),
        (VideoSpec(".mp4", pix_fmt="yuvj420p"), None),
        (VideoSpec(".mp4", pix_fmt="yuv420p10le"), "10-bit H.264 in MP4"),
        (VideoSpec(".mp4", pix_fmt="yuv422p"), "4:2:2 H.264 in MP4"),
        (VideoSpec(".mp4", pix_fmt="yuv422p10le"), "10-bit 4:2:2 H.264 in MP4"),
        (VideoSpec(".mp4", pix_fmt="yuv444p"), "4:4:4 H.264 in MP4"),
        (VideoSpec(".mov", "prores", pix_fmt="yuv422p10le"), "ProRes in MOV"),
        (VideoSpec(".mp4", "mpeg4"), "MPEG-4 part 2 in MP4"),
        (VideoSpec(".mkv", "libvpx", options=VP9), None),
        (VideoSpec(".mkv", "libvpx-vp9", options=VP9), None),
        (VideoSpec(".mp4", "libvpx-vp9", options=VP9), None),
        (VideoSpec(".mp4", "libsvtav1", options=AV1, pix_fmt="yuv420p10le"), "10-bit AV1 in MP4"),
        (VideoSpec(".mp4", "libsvtav1", options=AV1), None),
        (VideoSpec(".flv"), "H.264 in FLV"),
        (VideoSpec(".wmv", "wmv2"), "WMV2 in WMV"),
    ],
)
def test_codecs(spec: VideoSpec, why: str | None, tmp_path: Path) -> None:
    assert why_not_playable_here(planted(tmp_path, "v", 3, spec).path) == why


@pytest.mark.parametrize(
    ("suffix", "codec", "why"),
    [
        (".mp4", "aac", None),
        (".mp4", "libmp3lame", None),
        (".mp4", "libopus", None),
        (".mp4", "ac3", "AC-3 sound in MP4"),
        (".mp4", "flac", None),
        (".mov", "pcm_s16le", "PCM sound in MOV"),
        (".webm", "libopus", None),
        (".mkv", "aac", "AAC sound in MKV"),
    ],
)
def test_sound(suffix: str, codec: str, why: str | None, tmp_path: Path) -> None:
    video = "libx264" if suffix in (".mp4", ".mov") else "libvpx-vp9"
    sound = SoundSpec(codec, 48_000, ends_s=0.2, clicks_s=())
    film = write_film(tmp_path / f"film{suffix}", FilmSpec(video, frames=3, options={}, sound=sound))
    assert why_not_playable_here(film) == why


def sound_alone(folder: Path) -> Path:
    path = folder / "song.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=48_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, 0, Fraction(1, 48_000)
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def written(name: str, content: bytes) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return write


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (sound_alone, "song.mp4 has no video stream. It holds sound only (AAC)."),
        (written("x.mp4", b"\0\0\0\x18ftypisom" + b"\0" * 500), "x.mp4 is "),
        (written("x.mkv", b"\x1a\x45\xdf\xa3" + b"\xff" * 500), "x.mkv is not a video that can be read."),
        (written("x.mp4", b"ffconcat version 1.0\nfile 'other.mp4'\n"), "x.mp4 is not a video that can be read."),
        (written("empty.mp4", b""), "empty.mp4 is not a video that can be read."),
        (lambda folder: folder, " cannot be read. Check that it is a file that may be read."),
    ],
)
def test_what_is_no_video_is_an_error_of_the_house(make: Callable[[Path], Path], text: str, tmp_path: Path) -> None:
    with pytest.raises(VideoError) as caught:
        why_not_playable_here(make(tmp_path))
    assert text in str(caught.value)


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(VideoNotFoundError, match=r"There is no file gone\.mp4"):
        why_not_playable_here(tmp_path / "gone.mp4")
