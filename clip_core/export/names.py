"""Names of the files that are written: constants, or numbers with a slug; never a prompt as it was typed."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePath

MOST_SLUG = 40
SLUGLESS = "moment"
_RESERVED = re.compile(r"con|prn|aux|nul|com\d|lpt\d")
_EXTENSION = re.compile(r"[a-z0-9]{1,8}")


def slug(text: str, otherwise: str = SLUGLESS) -> str:
    """Return ``text`` as 1 to 40 of [a-z0-9-], safe as a name on every system.

    Accents fall, everything else becomes ``-``; nothing left gives ``otherwise``. Names that Windows keeps for
    devices (con, nul, com1 …) get a "-x".
    """
    folded = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii").lower()
    short = re.sub(r"[^a-z0-9]+", "-", folded).strip("-")[:MOST_SLUG].strip("-") or otherwise
    return f"{short}-x" if _RESERVED.fullmatch(short) else short


def named_after(video: str, file_name: str) -> str:
    """Return the name of a file about a video, such as ``holiday_moments.csv``.

    Args:
        video: The video's name; where no letter of it can stand in a name, only ``file_name`` is left.
        file_name: What the file is, a constant.
    """
    short = slug(PurePath(video).stem, otherwise="")
    return f"{short}_{file_name}" if short else file_name


def numbered_name(number: int, prompt: str, time_s: float, extension: str) -> str:
    """Return the name of a clip or a frame, such as ``003_a-dog_0m12.400s.mp4``.

    Args:
        number: Its rank, from 1; three digits or more, so that names sort as the moments do.
        prompt: Whose moment it is.
        time_s: Where it begins (a clip) or lies (a frame), in seconds.
        extension: Without the dot, [a-z0-9].

    Raises:
        ValueError: The number or the extension is none.
    """
    if number < 0 or not _EXTENSION.fullmatch(extension):
        raise ValueError(f"no file can be named by number {number} and extension {extension!r}")
    minutes, milliseconds = divmod(max(0, round(time_s * 1000)), 60_000)
    return f"{number:03d}_{slug(prompt)}_{minutes}m{milliseconds // 1000:02d}.{milliseconds % 1000:03d}s.{extension}"
