"""Whether browsers play a video as it is."""

from __future__ import annotations

import os
from pathlib import Path

from clip_core.errors import VideoError, VideoNotFoundError, shown_name
from clip_core.media.playable import images_as_video, why_not_playable
from clip_core.video.framing import is_webp
from clip_core.video.sequence import parse_sequence


def why_not_playable_here(path: str | os.PathLike[str]) -> str | None:
    """Say what browsers cannot play in a file or sequence of images, by its header; None if they play it.

    Args:
        path: The file, or a pattern such as ``frame_%05d.png@24``.

    Returns:
        What to put after "Browsers do not play", such as "HEVC in MP4" or "numbered images".

    Raises:
        VideoError: It is no video, or is not there.
    """
    if parse_sequence(path) is not None:
        return "numbered images"
    file = Path(path)
    try:
        webp = is_webp(file)
    except FileNotFoundError as error:
        raise VideoNotFoundError(f"There is no file {shown_name(file)}.", "Check the path.") from error
    except (OSError, ValueError) as error:
        raise VideoError(f"{shown_name(file)} cannot be read.", "Check that it is a file that may be read.") from error
    if webp:
        return images_as_video("WebP")
    from clip_core.video.probing import container_name, open_container, video_stream

    with open_container(file) as container:
        return why_not_playable(container, container_name(container, file), video_stream(container, file))
