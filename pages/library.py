"""What is stored, how much room it takes, and forgetting it."""

from __future__ import annotations

from pages.parts import cached, library, look, playhead, states


def main() -> None:
    """Draw the page."""
    look.apply_styles()
    playhead.pause()  # nobody sees it play from here
    settings = cached.config()
    library.draw_library(cached.store(settings.embeddings), settings)


states.guarded(main)
