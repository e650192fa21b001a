"""Make the sample video and its truth: `python -m tools.sample_world.video --out data/sample.mp4`."""

from __future__ import annotations

import argparse
import json
import logging
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

from tools.sample_world.film import FPS, HEIGHT, WIDTH, paint_frame, truth
from tools.sample_world.glyphs import FONT_FILE, draw_glyph
from tools.sample_world.paint import to_image
from tools.sample_world.storyboard import ACTORS, DURATION_S

KEYFRAME_EVERY_S = 2

log = logging.getLogger("sample_world.video")


def encode_video(path: Path, glyphs: dict[str, Image.Image], n_frames: int, quality: int) -> None:
    """Paint and encode every frame as H.264 at a constant rate, with the index in front (faststart)."""
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.time_base = Fraction(1, FPS)
        stream.options = {"crf": str(quality), "preset": "slow", "g": str(FPS * KEYFRAME_EVERY_S)}
        for k in range(n_frames):
            frame = av.VideoFrame.from_ndarray(np.asarray(to_image(paint_frame(k / FPS, glyphs))), format="rgb24")
            frame.pts = k
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def main() -> None:
    """Write the video, and next to it the truth (the same name with .truth.json)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("data/sample.mp4"))
    parser.add_argument("--quality", type=int, default=22, help="x264's constant rate factor; smaller is better")
    parser.add_argument("--font", type=Path, default=FONT_FILE)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")

    glyphs = {actor.glyph: draw_glyph(actor.glyph, options.font) for actor in ACTORS}
    n_frames = round(DURATION_S * FPS)
    said = truth(glyphs, n_frames)
    options.out.with_suffix(".truth.json").write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")
    encode_video(options.out, glyphs, n_frames, options.quality)
    log.info("%s: %d frames, %.2f MB", options.out, n_frames, options.out.stat().st_size / 1e6)


if __name__ == "__main__":
    main()
