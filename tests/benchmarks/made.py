"""Videos and models for the benchmarks: made once, kept under the system's folder for temporary files.

The videos are one clip of 20 s, encoded once for each size and then repeated by copying its packets with
later times, so that an hour costs seconds to make and as much to decode as any other hour.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from onnxruntime.quantization import QuantType, quantize_dynamic

from tests.benchmarks.table import tell
from tests.support.model_maker import make_clip, make_vit_b_32

CACHE = Path(tempfile.gettempdir()) / "clip-video-benchmarks"
FPS, CLIP_S, KEYFRAME_S = 30, 20, 2
FULL_HD, SMALL = (1920, 1080), (640, 360)
_GRAINS = 8


def video(seconds: int, size: tuple[int, int] = FULL_HD) -> Path:
    """An H.264 video of a panning, grainy picture with things moving over it.

    Args:
        seconds: Its length, a multiple of 20.
        size: Width and height. 30 frames a second, a keyframe every 2 s, B-frames.
    """
    clip = _once(f"clip-{size[1]}p.mp4", lambda path: _encode(path, size))
    return clip if seconds == CLIP_S else _once(f"{seconds}s-{size[1]}p.mp4", lambda path: _repeat(clip, path, seconds))


def true_size_model() -> Path:
    """The folder of a ViT-B/32 with random weights, 350 MB."""
    return _once("vit-b-32", lambda path: _ignore(make_vit_b_32(path)))


def in_int8(model: Path) -> Path:
    """The same model with its weights quantized to 8 bits and its numbers while it runs: 90 MB of a ViT-B/32."""
    return _once(f"{model.name}-int8", lambda path: _quantize(model, path))


def _quantize(model: Path, path: Path) -> None:
    shutil.copytree(model, path)
    file = path / "onnx" / "vision_model.onnx"
    quantize_dynamic(file, file, weight_type=QuantType.QUInt8)


def small_model() -> Path:
    """The folder of a model with random weights that takes no time and gives vectors of true length (512)."""
    return _once("small-512", lambda path: _ignore(make_clip(path, dim=512)))


def _ignore(_: object) -> None:
    return None


def _once(name: str, make: Callable[[Path], None]) -> Path:
    """Make a file or folder unless it is there; it appears under its name when it is whole."""
    path = CACHE / name
    if not path.exists():
        tell(f"making {path}")
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            part = Path(folder) / name
            make(part)
            shutil.move(part, path)
    return path


def _encode(path: Path, size: tuple[int, int]) -> None:
    frames = FPS * CLIP_S
    width, height = size
    texture = _texture(height * 3 // 2, width * 3 // 2)
    rng = np.random.default_rng(7)
    grains = rng.integers(-3, 4, (_GRAINS, height, width), dtype=np.int16)
    options = {"preset": "veryfast", "crf": "26", "g": str(FPS * KEYFRAME_S), "sc_threshold": "0"}
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(FPS), options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(frames):
            planes = _planes(texture, grains[number % _GRAINS], number / frames, size)
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _texture(height: int, width: int) -> NDArray[np.int16]:
    """Noise on four scales: soft hills with fine detail."""
    rng, total = np.random.default_rng(3), np.zeros((height, width), np.float32)
    for cell, strength in ((180, 60.0), (45, 30.0), (12, 14.0), (4, 6.0)):
        coarse = rng.standard_normal((height // cell + 2, width // cell + 2)).astype(np.float32)
        total += strength * cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return (total + 120).clip(20, 230).astype(np.int16)


def _planes(
    texture: NDArray[np.int16], grain: NDArray[np.int16], turn: float, size: tuple[int, int]
) -> NDArray[np.uint8]:
    """The picture at ``turn`` of a full circle, as the planes of yuv420p, uint8 (height × 3/2, width)."""
    width, height = size
    angle = 2 * np.pi * turn
    left = int((texture.shape[1] - width) * (1 + np.cos(angle)) / 2)
    top = int((texture.shape[0] - height) * (1 + np.sin(angle)) / 2)
    luma = texture[top : top + height, left : left + width] + grain
    side = height // 5
    for number in range(4):
        own = angle * (number + 1) + number
        x = int((width - side) * (1 + np.sin(own)) / 2)
        y = int((height - side) * (1 + np.cos(own * 2)) / 2)
        luma[y : y + side, x : x + side] = 255 - luma[y : y + side, x : x + side]
    chroma = np.full((height // 2, width), 128, np.uint8)
    chroma[:, : width // 2] += np.uint8(40 * (1 + np.sin(angle)) / 2)
    return np.concatenate([luma.clip(0, 255).astype(np.uint8), chroma])


def _repeat(clip: Path, path: Path, seconds: int) -> None:
    with av.open(str(path), "w") as target:
        stream = None
        for turn in range(seconds // CLIP_S):
            with av.open(str(clip)) as source:
                given = source.streams.video[0]
                stream = stream or target.add_stream_from_template(given)
                later = round(turn * CLIP_S / (given.time_base or Fraction(1)))
                for packet in source.demux(given):
                    if packet.dts is None or packet.pts is None:
                        continue
                    packet.pts, packet.dts = packet.pts + later, packet.dts + later
                    packet.stream = stream
                    target.mux(packet)
