"""Who may ask for pictures to be turned: the container for all of them, H.264 and HEVC beside single frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.bitstream import BitStreamFilterContext

from clip_core.video import open_video
from tests.video.test_shown_pictures import HEIGHT, MATRICES, WIDTH, corner_picture, corners, stored, with_matrix, write

FRAMES = 7
FEW = {"threads": "1", "g": "3"}


def copied(path: Path, target: Path, bitstream_filter: str = "") -> Path:
    """Copy the packets of a video to another container, perhaps through one of FFmpeg's bitstream filters."""
    with av.open(str(path)) as source, av.open(str(target), "w") as out:
        stream = source.streams.video[0]
        made = out.add_stream_from_template(stream)
        changed = BitStreamFilterContext(bitstream_filter, stream, made) if bitstream_filter else None
        for packet in source.demux(stream):
            for each in [packet] if changed is None else changed.filter(packet if packet.size else None):
                if each.size:
                    each.stream = made
                    out.mux(each)
    return target


def seen(path: Path) -> dict[str, Any]:
    """What is seen in a video, whichever way its frames are asked for."""
    with open_video(path) as video:
        in_order = [corners(frame.rgb) for frame in video.frames()]
        single = [corners(video.frame_at(index=k).rgb) for k in reversed(range(len(in_order)))]
        keys = [corners(frame.rgb) for frame in video.keyframes(video.table.key_pts.tolist())]
        size, reading = (video.info.width, video.info.height), video.info.reading
    assert len(in_order) == FRAMES
    (shown,) = {*in_order, *single, *keys}
    return {"corners": shown, "size": size, "reading": reading}


@pytest.mark.parametrize(("suffix", "codec"), [(".mkv", "libx264"), (".webm", "libvpx-vp9")])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_eight_projections_of_matroska(tmp_path: Path, orientation: int, suffix: str, codec: str) -> None:
    path = write(tmp_path / "o.mp4", [stored(orientation)] * FRAMES, codec, "yuv420p", options=FEW)
    with_matrix(path, orientation)
    reading = "mirrored" if orientation in (2, 4, 5, 7) else ""
    found = seen(copied(path, tmp_path / f"o{suffix}"))
    assert found == {"corners": "RGBW", "size": (WIDTH, HEIGHT), "reading": reading}


@pytest.mark.parametrize("orientation", [2, 6, 7])
def test_a_transparent_webm_is_turned_too(tmp_path: Path, orientation: int) -> None:
    rgba = np.dstack([stored(orientation), np.full(stored(orientation).shape[:2], 255, np.uint8)])
    a, b, c, d = MATRICES[orientation]
    with av.open(str(tmp_path / "o.webm"), "w") as container:
        stream = container.add_stream("libvpx-vp9", rate=10, options={**FEW, "auto-alt-ref": "0"})
        stream.height, stream.width, stream.pix_fmt = *rgba.shape[:2], "yuva420p"
        stream.set_display_matrix((a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30))
        for number in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(rgba, format="rgba").reformat(format="yuva420p")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    found = seen(tmp_path / "o.webm")
    assert (found["corners"], found["size"]) == ("RGBW", (WIDTH, HEIGHT))


@pytest.mark.parametrize("suffix", [".ts", ".avi", ".mp4", ".mkv"])
@pytest.mark.parametrize(
    ("asks", "turned", "reading"),
    [("rotate=90", "GWRB", ""), ("flip=horizontal", "GRWB", "mirrored"), ("rotate=180", "WBGR", "")],
)
def test_what_stands_beside_keyframes_holds_for_all_frames(
    tmp_path: Path, asks: str, turned: str, reading: str, suffix: str
) -> None:
    """FFmpeg names it at keyframes alone. Chromium follows only the container of an MP4 or MKV."""
    options = {**FEW, "bf": "0"}
    path = write(tmp_path / "o.mp4", [corner_picture()] * FRAMES, "libx264", "yuv420p", options=options)
    found = seen(copied(path, tmp_path / f"sei{suffix}", f"h264_metadata=display_orientation=insert:{asks}"))
    if suffix in (".mp4", ".mkv"):
        assert found == {"corners": "RGBW", "size": (WIDTH, HEIGHT), "reading": ""}
    else:
        size = (HEIGHT, WIDTH) if "90" in asks else (WIDTH, HEIGHT)
        assert found == {"corners": turned, "size": size, "reading": reading}
