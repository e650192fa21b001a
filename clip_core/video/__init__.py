"""Opening, timing and sampling videos. Every frame is an RGB picture with its time."""

from __future__ import annotations

from clip_core.video.base import Video, VideoInfo
from clip_core.video.opening import open_video

__all__ = ["Video", "VideoInfo", "open_video"]
