"""From FFmpeg's frames to RGB pictures, turned upright."""

from __future__ import annotations

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from clip_core.values import Image


class PictureMaker:
    """Turns decoded frames into pictures; keeps the converter between frames of the same kind."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def rgb(self, raw: VideoFrame) -> Image:
        """Return uint8 (height, width, 3), contiguous, red first, rotated as the file asks."""
        array = self._reformatter.reformat(raw, format="rgb24").to_ndarray()
        return np.ascontiguousarray(np.rot90(array, quarter_turns(raw)), dtype=np.uint8)


def quarter_turns(raw: VideoFrame) -> int:
    """Return how often the picture must be turned left by 90° to stand upright, 0 to 3."""
    return round(raw.rotation / 90) % 4
