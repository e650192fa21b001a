"""What is stored, how much room it takes, and forgetting it."""

from __future__ import annotations

from pages.parts import cached, library, look, playhead, states


def main() -> None:
    """Draw the page."""
    look.apply_styles()
    playhead.pause()  # nobody sees it play from here
    library.draw_library(cached.store(cached.config().embeddings))


states.guarded(main)
