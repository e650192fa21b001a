"""Pictures come out as players show them: upright, with square pixels, in the right colours, and on white."""

from __future__ import annotations

import io
import struct
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.video.reformatter import VideoReformatter
from PIL import Image

from clip_core.errors import VideoError
from clip_core.video import open_video
from clip_core.video.hdr import HDR_NITS, tone_mapped
from clip_core.video.images import decode_image
from clip_core.video.pictures import EXIF_ORIENTATIONS, ORIENTATION_TAG, square_size

WIDTH, HEIGHT = 320, 240
CORNERS = {"R": (255, 0, 0), "G": (0, 255, 0), "B": (0, 0, 255), "W": (255, 255, 255)}
MATRICES = {
    1: (1, 0, 0, 1), 2: (-1, 0, 0, 1), 3: (-1, 0, 0, -1), 4: (1, 0, 0, -1),
    5: (0, 1, 1, 0), 6: (0, 1, -1, 0), 7: (0, -1, -1, 0), 8: (0, -1, 1, 0),
}  # fmt: skip
"""EXIF's orientation → a, b, c, d of the display matrix that asks for the same."""


def corner_picture() -> Any:
    """Red and green above, blue and white below."""
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for k, colour in enumerate(CORNERS.values()):
        rows, columns = slice(k // 2 * HEIGHT // 2, None), slice(k % 2 * WIDTH // 2, None)
        picture[rows, columns] = colour
    return picture


def corners(rgb: Any) -> str:
    places = ((10, 10), (10, -10), (-10, 10), (-10, -10))
    near = [min(CORNERS, key=lambda name: np.abs(rgb[place].astype(int) - CORNERS[name]).sum()) for place in places]
    return "".join(near)


def stored(orientation: int) -> Any:
    """The corner picture as a file with this orientation holds it."""
    asked = EXIF_ORIENTATIONS[orientation]
    picture = corner_picture()
    picture = picture[::-1] if asked.flips_rows else picture
    picture = picture[:, ::-1] if asked.flips_columns else picture
    return np.ascontiguousarray(picture.transpose(1, 0, 2) if asked.is_transposed else picture)


def write(path: Path, frames: list[Any], codec: str, pix_fmt: str, *, colours: Any = None, **settings: Any) -> Path:
    """Encode frames, which are arrays of RGB or finished ``VideoFrame``s; ``settings`` go to the stream."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=10, options=settings.pop("options", {"threads": "1"}))
        first = frames[0]
        stream.width, stream.height = (
            (first.width, first.height) if isinstance(first, av.VideoFrame) else first.shape[1::-1]
        )
        stream.pix_fmt = pix_fmt
        for name, value in settings.items():
            setattr(stream.codec_context, name, value)
        for number, given in enumerate(frames):
            frame = given if isinstance(given, av.VideoFrame) else av.VideoFrame.from_ndarray(given, format="rgb24")
            if colours is not None:
                frame = VideoReformatter().reformat(frame, format=pix_fmt, dst_colorspace=colours)
            frame.pts, frame.time_base = number, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def with_matrix(path: Path, orientation: int) -> None:
    """Put a display matrix into the header of the only track of an MP4."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd")
    at += 4 + 4 + (32 if data[at + 4] == 1 else 20) + 16
    a, b, c, d = MATRICES[orientation]
    data[at : at + 36] = struct.pack(">9i", a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
    path.write_bytes(data)


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_eight_display_matrices(tmp_path: Path, orientation: int, suffix: str) -> None:
    path = write(tmp_path / f"o{suffix}", [stored(orientation)] * 3, "libx264", "yuv420p")
    with_matrix(path, orientation)
    with open_video(path) as video:
        assert (video.info.width, video.info.height) == (WIDTH, HEIGHT)
        assert {corners(frame.rgb) for frame in video.frames()} == {"RGBW"}
        assert video.info.reading == ("mirrored" if orientation in (2, 4, 5, 7) else "")


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "PNG", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_eight_orientations_of_pictures(tmp_path: Path, orientation: int, kind: str, alpha: bool) -> None:
    if kind == "JPEG" and alpha:
        return  # it has none
    image = Image.fromarray(stored(orientation))
    if alpha:
        image.putalpha(254)
    exif = image.getexif()
    exif[ORIENTATION_TAG] = orientation
    file = io.BytesIO()
    image.save(file, kind, exif=exif, **({"lossless": True} if kind == "WEBP" else {}))
    picture = decode_image(file.getvalue())
    assert picture is not None
    assert (picture.shape, corners(picture)) == ((HEIGHT, WIDTH, 3), "RGBW")
    (tmp_path / "f1.png").write_bytes(file.getvalue())
    with open_video(tmp_path / "f%d.png") as video:
        assert corners(video.frame_at(index=0).rgb) == "RGBW"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_still_webp_is_upright(tmp_path: Path, orientation: int) -> None:
    image = Image.fromarray(stored(orientation))
    exif = image.getexif()
    exif[ORIENTATION_TAG] = orientation
    image.save(tmp_path / "o.webp", lossless=True, exif=exif)
    with open_video(tmp_path / "o.webp") as video:
        assert (video.info.width, video.info.height) == (WIDTH, HEIGHT)
        assert corners(video.frame_at(index=0).rgb) == "RGBW"


@pytest.mark.parametrize(
    ("size", "aspect", "shown"),
    [((180, 144), Fraction(64, 45), (256, 144)), ((180, 144), Fraction(1, 2), (180, 288)),
     ((180, 144), Fraction(1), (180, 144)), ((180, 144), Fraction(100, 1), (180, 144))],
)  # fmt: skip
def test_pixels_that_are_not_square(
    tmp_path: Path, size: tuple[int, int], aspect: Fraction, shown: tuple[int, int]
) -> None:
    """A circle as players show it is as wide as it is high; pixels that nobody can mean are taken for square ones."""
    assert square_size(*size, aspect) == shown
    y, x = np.mgrid[: shown[1], : shown[0]]
    circle = np.where(np.hypot(x - shown[0] / 2, y - shown[1] / 2) < 60, 235, 16).astype(np.uint8)
    squeezed = np.asarray(Image.fromarray(circle).resize(size, Image.Resampling.BILINEAR))
    picture = np.repeat(squeezed[:, :, None], 3, axis=2)
    path = write(tmp_path / "a.mp4", [picture] * 2, "libx264", "yuv420p", sample_aspect_ratio=aspect)
    with open_video(path) as video:
        assert (video.info.width, video.info.height) == shown
        assert video.info.reading == ("" if shown == size else "square pixels")
        inside = video.frame_at(index=0).rgb[:, :, 0] > 128
        wide, high = inside.any(axis=0).sum(), inside.any(axis=1).sum()
        assert (abs(wide - 120) <= 3, abs(high - 120) <= 3) == (True, True)


def test_a_matrix_turns_the_shown_size(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", [stored(6)] * 2, "libx264", "yuv420p", sample_aspect_ratio=Fraction(2, 1))
    with_matrix(path, 6)
    with open_video(path) as video:
        assert (video.info.width, video.info.height) == (WIDTH, 2 * HEIGHT)
        assert corners(video.frame_at(index=0).rgb) == "RGBW"


def bars() -> Any:
    """The colours of the chart, as signals from 0 to 1."""
    grey = [[190, 190, 190], [190, 190, 0], [0, 190, 190], [0, 190, 0], [190, 0, 190], [190, 0, 0], [0, 0, 190]]
    return np.array([*grey, [230, 150, 60]]) / 255


def hdr_signal(transfer: int) -> Any:
    """The chart in BT.2020 with white at 203 nits: each transfer function is inverted by bisection."""
    to_2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
    nits = bars() ** 2.4 @ to_2020.T * 203
    if transfer == 18:
        luminance = (nits @ np.array([0.2627, 0.6780, 0.0593]))[:, None] / 1000
        nits = nits * np.maximum(luminance, 1e-9) ** (1 / 1.2 - 1)
        wanted = nits / 1000
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        return np.where(wanted <= 1 / 12, np.sqrt(3 * wanted), a * np.log(np.maximum(12 * wanted - b, 1e-9)) + c)
    low, high = np.zeros_like(nits), np.ones_like(nits)
    for _ in range(40):
        middle = (low + high) / 2
        above = HDR_NITS[transfer](middle) > nits
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return low


@pytest.mark.parametrize("transfer", [16, 18])
def test_hdr_is_shown_in_the_colours_of_sdr(tmp_path: Path, transfer: int) -> None:
    signal = np.repeat(np.repeat(hdr_signal(transfer)[None], 40, axis=1), 64, axis=0)
    frame = av.VideoFrame.from_ndarray((signal * 65535).round().astype(np.uint16), format="rgb48le")
    frame = VideoReformatter().reformat(frame, format="yuv444p10le", dst_colorspace=9, dst_color_range=1)
    frame.color_trc, frame.color_primaries, frame.colorspace, frame.color_range = transfer, 9, 9, 1
    path = write(
        tmp_path / "hdr.mp4", [frame], "libx265", "yuv444p10le",
        options={"x265-params": "log-level=none:crf=4:keyint=1"},
        color_trc=transfer, color_primaries=9, colorspace=9, color_range=1,
    )  # fmt: skip
    with open_video(path) as video:
        rgb = video.frame_at(index=0).rgb
        assert video.info.reading == "tone-mapped"
    shown = np.array([rgb[32, 20 + 40 * k] for k in range(8)], dtype=int)
    assert np.abs(shown - (bars() * 255).round()).max() <= 15


@pytest.mark.parametrize("transfer", [16, 18])
def test_light_above_white_is_compressed_and_never_clipped(transfer: int) -> None:
    signal = np.repeat(np.linspace(0.4, 1.0, 200)[:, None], 3, axis=1)
    light = HDR_NITS[transfer](signal)[:, 0]
    shown = tone_mapped(signal, transfer)[:, 0]
    rising = np.diff(shown)
    assert (rising[light[1:] <= 1000] > 0).all()
    assert shown[light >= 999] == pytest.approx(1.0, abs=1e-3)
    assert shown.max() <= 1.0 + 1e-9


@pytest.mark.parametrize(("lines", "matrix"), [(360, 5), (720, 1), (1080, 1)])
def test_a_video_that_names_no_colour_matrix(tmp_path: Path, lines: int, matrix: int) -> None:
    """Players read it as BT.709 from 720 lines on, and as BT.601 below."""
    picture = np.full((lines, 64, 3), (200, 60, 30), np.uint8)
    path = write(tmp_path / "a.mp4", [picture] * 2, "libx264", "yuv420p", colours=matrix)
    with av.open(str(path)) as container:
        assert next(container.decode(video=0)).colorspace == 2  # nothing is named
    with open_video(path) as video:
        assert np.abs(video.frame_at(index=0).rgb[lines // 2, 32].astype(int) - (200, 60, 30)).max() <= 4
        assert video.info.reading == ("BT.709 by size" if lines >= 720 else "")


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.mov", "8.webm", "9.webm", "f%d.png"])
def test_transparent_places_are_white(tmp_path: Path, name: str) -> None:
    """The colours hidden under them are green."""
    rgba = np.zeros((48, 64, 4), np.uint8)
    rgba[:, :, 1] = 255
    rgba[:, 32:] = (255, 0, 0, 255)
    image = Image.fromarray(rgba, "RGBA")
    if name == "a.mov":
        frame = av.VideoFrame.from_ndarray(rgba, format="rgba").reformat(format="yuva444p10le")
        write(tmp_path / name, [frame], "prores_ks", "yuva444p10le")
    elif name.endswith("webm"):
        codec = "libvpx" if name.startswith("8") else "libvpx-vp9"
        frames = [av.VideoFrame.from_ndarray(rgba, format="rgba").reformat(format="yuva420p") for _ in range(4)]
        write(tmp_path / name, frames, codec, "yuva420p", options={"auto-alt-ref": "0", "g": "2"})
    elif name.endswith("png"):
        image.save(tmp_path / (name % 1))
    else:
        options = {"lossless": True, "exact": True} if name.endswith("webp") else {}
        image.save(tmp_path / name, **options)
    with open_video(tmp_path / name) as video:
        rgb = video.frame_at(index=0).rgb.astype(int)
        assert np.abs(rgb[24, 8] - (255, 255, 255)).max() <= 4
        assert np.abs(rgb[24, 56] - (255, 0, 0)).max() <= 4
        assert video.info.reading == "on white"
        list(video.frames())
        assert len(video.table.key_pts) == (2 if name.endswith("webm") else 1)


def copied(source: Path, target: Path) -> None:
    """Copy the packets of a video into another file, with the tags of its stream, as ``ffmpeg -c copy`` does."""
    with av.open(str(source)) as given, av.open(str(target), "w") as made:
        stream = given.streams.video[0]
        copy = made.add_stream_from_template(stream)
        copy.metadata.update(stream.metadata)
        for packet in given.demux(stream):
            if packet.size:
                packet.stream = copy
                made.mux_one(packet)


@pytest.mark.parametrize("codec", ["libvpx", "libvpx-vp9"])
@pytest.mark.parametrize("extension", [".webm", ".mkv"])
def test_transparent_places_are_white_in_a_copy(tmp_path: Path, codec: str, extension: str) -> None:
    """FFmpeg writes the tag ``alpha_mode`` in capitals."""
    rgba = np.zeros((48, 64, 4), np.uint8)
    rgba[:, :, 1] = 255
    frames = [av.VideoFrame.from_ndarray(rgba, format="rgba").reformat(format="yuva420p") for _ in range(4)]
    write(tmp_path / "made.webm", frames, codec, "yuva420p", options={"auto-alt-ref": "0", "g": "2"})
    copied(tmp_path / "made.webm", tmp_path / f"copy{extension}")
    with open_video(tmp_path / f"copy{extension}") as video:
        assert np.abs(video.frame_at(index=1).rgb[24, 8].astype(int) - 255).max() <= 4
        assert video.info.reading == "on white"


def test_mkv_may_say_in_capitals_that_it_is_transparent(tmp_path: Path) -> None:
    """As files of earlier versions of FFmpeg do, which write a tag and no element AlphaMode."""
    rgba = np.zeros((48, 64, 4), np.uint8)
    rgba[:, :, 1] = 255
    frame = av.VideoFrame.from_ndarray(rgba, format="rgba").reformat(format="yuva420p")
    frame.pts, frame.time_base = 0, Fraction(1, 10)
    path = tmp_path / "v.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libvpx-vp9", rate=10, options={"auto-alt-ref": "0"})
        stream.width, stream.height, stream.pix_fmt, stream.metadata["alpha_mode"] = 64, 48, "yuva420p", "1"
        container.mux([*stream.encode(frame), *stream.encode(None)])
    path.write_bytes(path.read_bytes().replace(b"\x53\xc0\x81\x01", b"\x53\xc0\x81\x00"))
    with open_video(path) as video:
        assert np.abs(video.frame_at(index=0).rgb[24, 8].astype(int) - 255).max() <= 4
        assert video.info.reading == "on white"


def test_a_picture_in_an_avi_is_no_video_though_empty_frames_are_counted(tmp_path: Path) -> None:
    cover, film = np.full((96, 128, 3), 250, np.uint8), np.full((48, 64, 3), 90, np.uint8)
    with av.open(str(tmp_path / "v.avi"), "w") as container:
        streams = []
        for codec, picture in (("mjpeg", cover), ("mpeg4", film)):
            stream = container.add_stream(codec, rate=10)
            stream.width, stream.height = picture.shape[1::-1]
            stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            streams.append(stream)
        for stream, picture, stamps in ((streams[0], cover, [2]), (streams[1], film, range(10))):
            for stamp in stamps:
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                frame.pts, frame.time_base = stamp, Fraction(1, 10)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    with av.open(str(tmp_path / "v.avi")) as container:
        assert container.streams.video[0].frames == 3  # two of them empty
    with open_video(tmp_path / "v.avi") as video:
        assert (video.info.width, video.info.reading, len(video.table)) == (64, "video stream 2 of 2", 10)


@pytest.mark.parametrize("kind", ["gif", "webp", "png"])
def test_gigapixels_in_a_few_bytes_are_refused_before_they_are_decoded(tmp_path: Path, kind: str) -> None:
    pictures = [Image.new("L", (8000, 8000)) for _ in range(2)]
    pictures[1].putpixel((0, 0), 255)
    path = tmp_path / f"bomb.{kind}"
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=10, loop=0, minimize_size=False)
    data = path.read_bytes()
    if kind == "gif":  # its last picture, many times
        last = data[data.rindex(b"\x21\xf9") : -1]
        path.write_bytes(data[:-1] + last * 100 + b";")
    elif kind == "png":
        last = data[data.rindex(b"fcTL") - 4 : data.rindex(b"IEND") - 4]
        path.write_bytes(data[: data.rindex(b"IEND") - 4] + last * 100 + data[data.rindex(b"IEND") - 4 :])
        path.write_bytes(path.read_bytes().replace(b"acTL\0\0\0\x02", b"acTL\0\0\0\x66"))
    else:
        frame = data[data.rindex(b"ANMF") :]
        data += frame * 100
        path.write_bytes(data[:4] + (len(data) - 8).to_bytes(4, "little") + data[8:])
    assert path.stat().st_size < 30_000_000
    began = time.process_time()
    with pytest.raises(VideoError, match=r"8000 × 8000 pixels.*4 gigapixels"):
        open_video(path)
    assert time.process_time() - began < 5.0


def test_a_gif_that_is_too_large_even_for_ffmpeg_is_refused_by_its_size(tmp_path: Path) -> None:
    Image.new("L", (8, 8)).save(tmp_path / "v.gif")
    data = (tmp_path / "v.gif").read_bytes()
    (tmp_path / "v.gif").write_bytes(data[:6] + b"\xff" * 4 + data[10:])
    with pytest.raises(VideoError, match="65535 × 65535 pixels, over the limit of 64 megapixels"):
        open_video(tmp_path / "v.gif")


@pytest.mark.parametrize("count", [1, 3])
def test_avif_is_refused_by_name(tmp_path: Path, count: int) -> None:
    frames = [np.full((64, 64, 3), 40 * k, np.uint8) for k in range(count)]
    path = write(tmp_path / "a.avif", frames, "libsvtav1", "yuv420p", options={"preset": "12"})
    with pytest.raises(VideoError, match=r"a\.avif is a picture in AVIF"):
        open_video(path)
