"""What is stored, how much space it takes, and buttons to remove it."""

from __future__ import annotations

from pages.regions import stored_videos
from pages.regions.viewer import playhead
from pages.shared import cache, page


def main() -> None:
    """Draw the page."""
    playhead.pause()  # playback is not visible on this page
    config = cache.config()
    stored_videos.draw_library(cache.store(config.embeddings), config)


page.show(main)
