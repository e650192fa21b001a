"""Makes small videos whose every frame carries its own number as bars, and knows when each is shown.

Videos are encoded and muxed with PyAV, animations and numbered images written with Pillow, so no ffmpeg
program is needed.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

WIDTH, HEIGHT = 160, 96
BITS = 12

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class PlantedVideo:
    """A video file and the truth about it.

    Attributes:
        path: The file.
        numbers: The number that the bars of each shown frame carry, in order of presentation.
        times_s: When each is shown, in seconds from the first.
        width, height: Of the upright picture.
        start_s: Presentation time of the first frame on the file's own clock; None if not planted.
    """

    path: Path
    numbers: list[int]
    times_s: list[float]
    width: int = WIDTH
    height: int = HEIGHT
    start_s: float | None = None

    def __len__(self) -> int:
        return len(self.numbers)


@dataclass(frozen=True)
class VideoSpec:
    """How a video is encoded: FFmpeg's names and options."""

    suffix: str = ".mp4"
    codec: str = "libx264"
    rate: Fraction = Fraction(30)
    options: dict[str, str] = field(default_factory=dict)
    container_options: dict[str, str] = field(default_factory=dict)
    pix_fmt: str = "yuv420p"
    first_pts: int = 0
    rotation: int = 0
    pixel_aspect: Fraction = Fraction(1)


def number_picture(number: int, width: int = WIDTH, height: int = HEIGHT) -> Picture:
    """Return a picture that shows ``number`` as ``BITS`` upright bars, the highest bit at the left."""
    bits = np.array([(number >> bit) & 1 for bit in reversed(range(BITS))], dtype=np.uint8)
    row = bits[np.arange(width) * BITS // width] * 200 + 25
    return np.ascontiguousarray(np.broadcast_to(row[None, :, None], (height, width, 3)))


def read_number(rgb: Picture) -> int:
    """Return the number that the bars of a picture carry."""
    width = rgb.shape[1]
    middles = (np.arange(BITS) * 2 + 1) * width // (2 * BITS)
    number = 0
    for middle in middles:
        number = number * 2 + int(rgb[:, middle - 1 : middle + 2].mean() > 128)
    return number


def write_video(
    path: Path,
    pictures: Sequence[Picture],
    spec: VideoSpec,
    *,
    ticks: Sequence[int] | None = None,
    tick: Fraction | None = None,
) -> None:
    """Encode upright ``pictures``; picture i is shown at ``ticks[i] * tick`` (by default i / rate)."""
    tick = tick or 1 / spec.rate
    ticks = range(len(pictures)) if ticks is None else ticks
    with av.open(str(path), "w", options=spec.container_options) as container:
        stream = container.add_stream(spec.codec, rate=spec.rate, options={"threads": "1", **spec.options})
        turned = [np.ascontiguousarray(np.rot90(picture, -spec.rotation // 90)) for picture in pictures]
        stream.height, stream.width = turned[0].shape[:2]
        stream.pix_fmt = spec.pix_fmt
        stream.codec_context.time_base = tick
        stream.codec_context.sample_aspect_ratio = spec.pixel_aspect
        if spec.rotation:
            stream.set_display_rotation(spec.rotation)
        for picture, pts in zip(turned, ticks, strict=True):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = pts + spec.first_pts, tick
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def planted(
    folder: Path,
    name: str,
    count: int,
    spec: VideoSpec,
    *,
    ticks: Sequence[int] | None = None,
    tick: Fraction | None = None,
    size: tuple[int, int] = (WIDTH, HEIGHT),
) -> PlantedVideo:
    """Write a video of ``count`` numbered frames and return it with its truth."""
    path = folder / f"{name}{spec.suffix}"
    pictures = [number_picture(number, *size) for number in range(count)]
    write_video(path, pictures, spec, ticks=ticks, tick=tick)
    step = tick or 1 / spec.rate
    stamps = list(range(count) if ticks is None else ticks)
    times = [float((stamp - stamps[0]) * step) for stamp in stamps]
    return PlantedVideo(path, list(range(count)), times, size[0], size[1], float(spec.first_pts * step))


def make_edit_list(folder: Path) -> PlantedVideo:
    """An MP4 whose edit list begins in the middle of a group: 150 packets are in it, 110 are shown."""
    whole = planted(folder, "edit", 150, VideoSpec(options={"g": "50"}, first_pts=-40))
    return replace(whole, numbers=whole.numbers[40:], times_s=[number / 30 for number in range(110)], start_s=0.0)


def make_variable_rate(folder: Path) -> PlantedVideo:
    """Steps between 20 and 120 ms, from a fixed seed."""
    ticks = np.cumsum(np.random.default_rng(1).integers(20, 120, 200)).tolist()
    return planted(folder, "variable", 200, VideoSpec(options={"g": "100"}), ticks=ticks, tick=Fraction(1, 1000))


def make_webm(folder: Path) -> PlantedVideo:
    """VP9; Matroska's clock ticks in milliseconds, so times are rounded to those."""
    options = {"deadline": "realtime", "cpu-used": "8", "g": "30"}
    video = planted(folder, "vp9", 90, VideoSpec(".webm", "libvpx-vp9", options=options))
    return replace(video, times_s=[round(time_s, 3) for time_s in video.times_s])


def make_late_start(folder: Path) -> PlantedVideo:
    """Matroska whose first frame is shown at 5 s on the file's clock."""
    video = planted(folder, "late", 90, VideoSpec(".mkv", options={"g": "30"}, first_pts=150))
    return replace(video, times_s=[round(time_s, 3) for time_s in video.times_s])


def write_animation(path: Path, pictures: Sequence[Picture], delays_ms: Sequence[int]) -> None:
    """Write a GIF, WebP or animated PNG, by the path's suffix, without loss; each picture is a frame of its own."""
    first, *rest = [Image.fromarray(picture) for picture in pictures]
    options = {"lossless": True} if path.suffix == ".webp" else {"disposal": 1, "optimize": False}
    first.save(path, save_all=True, append_images=rest, duration=list(delays_ms), loop=0, **options)


def make_animation(folder: Path, suffix: str) -> PlantedVideo:
    """Delays between 20 and 240 ms from a fixed seed; one is 10 ms, and two are 0, which stand for 100."""
    count = 80
    delays = (np.random.default_rng(4).integers(2, 24, count) * 10).tolist()
    delays[5], delays[20], delays[21] = 10, 0, 0
    path = folder / f"animation.{suffix}"
    write_animation(path, [number_picture(number) for number in range(count)], delays)
    shown = [delay or 100 for delay in delays]
    return PlantedVideo(path, list(range(count)), [sum(shown[:k]) / 1000 for k in range(count)])


def write_images(folder: Path, pattern: str, numbers: Sequence[int], size: tuple[int, int] = (WIDTH, HEIGHT)) -> None:
    """Write ``number_picture(number)`` for each number to the file that the pattern names."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        Image.fromarray(number_picture(number, *size)).save(folder / (pattern % number))


def make_sequence(folder: Path) -> PlantedVideo:
    """Numbers 95 to 149 without 100 and 120 to 124, at 30000/1001 a second."""
    numbers = [n for n in range(95, 150) if n != 100 and not 120 <= n < 125]
    write_images(folder / "shot", "frame_%05d.png", numbers)
    times = [(number - 95) * 1001 / 30000 for number in numbers]
    return PlantedVideo(folder / "shot" / "frame_%05d.png@30000" / "1001", numbers, times)


def copy_packed(folder: Path) -> PlantedVideo:
    """An AVI by Xvid with packed B-frames, which PyAV's encoders cannot write; it lacks the last picture."""
    path = shutil.copy(Path(__file__).parents[1] / "fixtures" / "video" / "packed.avi", folder)
    return PlantedVideo(Path(path), list(range(59)), [number / 30 for number in range(59)])


def _plain(name: str, count: int, spec: VideoSpec) -> Callable[[Path], PlantedVideo]:
    return lambda folder: planted(folder, name, count, spec)


_GROUPS_OF_250 = {"g": "250", "sc_threshold": "0"}
_OPEN_GROUPS = {"g": "30", "bf": "3", "x264-params": "open-gop=1:scenecut=0"}
FIELDS = {"flags": "+ildct+ilme", "x264-params": "tff=1", "g": "20"}

KINDS: dict[str, Callable[[Path], PlantedVideo]] = {
    "constant": _plain("constant", 300, VideoSpec(options=_GROUPS_OF_250)),
    "ntsc": _plain("ntsc", 150, VideoSpec(rate=Fraction(30000, 1001), options={"g": "30", "bf": "3"})),
    "variable": make_variable_rate,
    "ts": _plain("ts", 200, VideoSpec(".ts", options=_OPEN_GROUPS, container_options={"muxdelay": "0"})),
    "edit": make_edit_list,
    "webm": make_webm,
    "avi": _plain("avi", 150, VideoSpec(".avi", "mpeg4", options={"g": "50"})),
    "avi-b": _plain("avi-b", 100, VideoSpec(".avi", "mpeg4", options={"g": "50", "bf": "2"})),
    "avi-packed": copy_packed,
    "avi-h264": _plain("avi-h264", 100, VideoSpec(".avi", options={"g": "50"})),
    "mpeg": _plain("mpeg", 100, VideoSpec(".mpg", "mpeg2video", options={"g": "15", "bf": "2"})),
    "interlaced": _plain("interlaced", 60, VideoSpec(options=FIELDS)),
    "turned90": _plain("turned90", 40, VideoSpec(rotation=90)),
    "turned180": _plain("turned180", 40, VideoSpec(rotation=180)),
    "turned270": _plain("turned270", 40, VideoSpec(rotation=270)),
    "late": make_late_start,
    "one": _plain("one", 1, VideoSpec()),
    "gif": lambda folder: make_animation(folder, "gif"),
    "webp": lambda folder: make_animation(folder, "webp"),
    "apng": lambda folder: make_animation(folder, "apng"),
    "images": make_sequence,
}
