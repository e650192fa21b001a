"""What tests need to say of a video that there is no file of."""

from __future__ import annotations

from typing import Any

HEADER: dict[str, Any] = {
    "size_bytes": 1,
    "container": "mov",
    "codec": "h264",
    "width": 640,
    "height": 360,
    "header_fps": None,
    "header_frame_count": None,
    "header_duration_s": None,
}
"""The fields of ``VideoHeader``."""
