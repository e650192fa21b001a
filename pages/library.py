"""The library: what is stored, how much space it takes, and what can be added, indexed and removed."""

from __future__ import annotations

from pages.regions.library.overview import draw_library
from pages.regions.viewer import playhead
from pages.shared import cache, page


def main() -> None:
    """Draw the page."""
    playhead.pause()  # playback is not visible on this page
    config = cache.config()
    draw_library(cache.store(config.embeddings), config)


page.show(main)
