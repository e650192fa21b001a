"""Videos for the player's benchmarks: grainy pictures that carry their own number, and a file of 2 GB."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from tests.benchmarks import made
from tests.support.video_maker import number_picture

HD = (1280, 720)
SECONDS, QUICK_SECONDS = 60, 10
STRIP = slice(340, 380)
HUGE_BYTES = 2_000_000_000
_BOX_HEAD = 16


def numbered(group: int, seconds: int = SECONDS) -> Path:
    """30 frames a second at 720p, a keyframe each ``group`` frames, B-frames between."""
    ticks = [number * 3000 for number in range(seconds * made.FPS)]
    return made._once(f"numbered-{group}-{seconds}s.mp4", lambda path: _encode(path, ticks, group))


def variable(seconds: int = SECONDS) -> Path:
    """The same with 20 to 46 ms between frames, from a fixed seed."""
    steps = np.random.default_rng(2).integers(20, 47, seconds * made.FPS) * 90
    name = f"numbered-variable-{seconds}s.mp4"
    return made._once(name, lambda path: _encode(path, np.cumsum(steps).tolist(), 30))


def huge(seconds: int = SECONDS) -> Path:
    """An MP4 of 2 GB: its header, a hole that takes no room on the disk, and the pictures behind it."""
    return made._once(f"huge-{seconds}s.mp4", lambda path: _write_huge(path, seconds))


def made_up_id(path: Path) -> str:
    """An id for a file whose bytes nobody needs to read."""
    return hashlib.sha256(path.name.encode()).hexdigest()


def _encode(path: Path, ticks: Sequence[int], group: int) -> None:
    size, (width, height) = HD, HD
    texture = made._texture(height * 3 // 2, width * 3 // 2)
    grains = np.random.default_rng(7).integers(-3, 4, (made._GRAINS, height, width), dtype=np.int16)
    options = {"preset": "superfast", "crf": "27", "g": str(group), "sc_threshold": "0", "bf": "2"}
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=Fraction(made.FPS), options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 90_000)
        for number, tick in enumerate(ticks):
            planes = made._planes(texture, grains[number % made._GRAINS], number / len(ticks), size)
            planes[STRIP] = number_picture(number, width, 1)[:, :, 0]
            planes[height + STRIP.start // 4 : height + STRIP.stop // 4] = 128
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame.pts, frame.time_base = tick, Fraction(1, 90_000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _write_huge(path: Path, seconds: int) -> None:
    whole = numbered(30, seconds).read_bytes()
    moov, mdat = whole.index(b"moov") - 4, whole.index(b"mdat") - 4
    hole = HUGE_BYTES - len(whole)
    head = bytearray(whole[:mdat])
    table = head.index(b"stco", moov)
    count = int.from_bytes(head[table + 8 : table + 12], "big")
    for place in range(table + 12, table + 12 + 4 * count, 4):
        offset = int.from_bytes(head[place : place + 4], "big") + hole
        head[place : place + 4] = offset.to_bytes(4, "big")
    with path.open("wb") as file:
        file.write(head)
        file.write(hole.to_bytes(4, "big") + b"free")
        file.seek(mdat + hole)
        file.write(whole[mdat:])
