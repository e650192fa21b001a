"""How large the picture of a copy or a clip is."""

from __future__ import annotations

MOST_LINES, MOST_COLUMNS = 480, 1920


def proxy_size(width: int, height: int) -> tuple[int, int]:
    """Return width and height of a copy: even, at most 480 lines and 1920 columns, never larger than the video.

    Args:
        width, height: Of the upright picture, in pixels. One that is a single pixel wide or high becomes two.
    """
    scale = min(1.0, MOST_LINES / height, MOST_COLUMNS / width)
    return max(2, int(width * scale + 1e-6) // 2 * 2), max(2, int(height * scale + 1e-6) // 2 * 2)


def even_size(width: int, height: int) -> tuple[int, int]:
    """Return width and height of a clip: the video's own, made even as 4:2:0 needs it; one pixel becomes two."""
    return max(2, width // 2 * 2), max(2, height // 2 * 2)
