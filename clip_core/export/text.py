"""Clean texts for the formats of other tools, and name and sort moments."""

from __future__ import annotations

import re

from clip_core.text import number_text, unicode_text
from clip_core.types import Moment

NAMELESS = "moment"
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BREAKS_OR_CONTROLS = re.compile("[\x00-\x20\x7f-\x9f\u2028\u2029]+")


def xml_text(text: str) -> str:
    """Return ``text`` without the characters that XML 1.0 forbids even when escaped (production Char)."""
    return _NOT_XML.sub("", unicode_text(text))


def one_line(text: str) -> str:
    """Return ``text`` as one line: each run of line breaks, spaces and control characters becomes one space."""
    return xml_text(_BREAKS_OR_CONTROLS.sub(" ", text)).strip()


def title_of(moment: Moment) -> str:
    """Return a one-line name of a moment: its prompt, and its label in brackets; never empty."""
    prompt, label = one_line(moment.prompt) or NAMELESS, one_line(moment.label)
    return f"{prompt} ({label})" if label else prompt


def judged_text(moment: Moment, unit: str) -> str:
    """Return the scores of a moment as text, with their unit."""
    return f"peak {number_text(moment.peak, 6)}, mean {number_text(moment.mean, 6)} {unit}".strip()


def by_time(moment: Moment) -> tuple[float, float, str]:
    """Return the key that sorts moments by time."""
    return (moment.start_s, moment.end_s, moment.prompt)
