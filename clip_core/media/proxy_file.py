"""Writes a copy that browsers play and seek in quickly."""

from __future__ import annotations

from clip_core.errors import ProxyError
from clip_core.files import is_full, reason_of
from clip_core.media.mp4_file import Look, Mp4File
from clip_core.media.size import proxy_size


def write_error(error: Exception) -> ProxyError:
    """Say why a copy cannot be written, and what to do."""
    if is_full(error):
        return ProxyError("The disk is full: the copy to play cannot be written.", "Free some space and try again.")
    return ProxyError(
        f"The copy to play cannot be written: {reason_of(error)}.",
        "Check that the folder proxies, below the first of video_dirs in config.yaml, may be written.",
    )


class ProxyFile(Mp4File):
    """A copy on its way; see ``Mp4File``.

    Raises:
        ProxyError: It cannot be written there.
    """

    look = Look(crf=24, sound_bits=96_000, size=proxy_size, refusal=write_error)
