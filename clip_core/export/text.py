"""Texts and times as other tools' formats can carry them."""

from __future__ import annotations

import re

from clip_core.text import unicode_text
from clip_core.types import Moment

NAMELESS = "moment"
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BREAKS_OR_CONTROLS = re.compile("[\x00-\x20\x7f-\x9f\u2028\u2029]+")


def xml_text(text: str) -> str:
    """Return ``text`` without what XML 1.0 cannot carry, not even escaped (its production Char)."""
    return _NOT_XML.sub("", unicode_text(text))


def one_line(text: str) -> str:
    """Return ``text`` as one line: a space for each run of line breaks, blanks and control characters."""
    return xml_text(_BREAKS_OR_CONTROLS.sub(" ", text)).strip()


def title_of(moment: Moment) -> str:
    """The one-line name of a moment: its prompt, and its label in brackets; never empty."""
    prompt, label = one_line(moment.prompt) or NAMELESS, one_line(moment.label)
    return f"{prompt} ({label})" if label else prompt


def by_time(moment: Moment) -> tuple[float, float, str]:
    """The key that sorts moments by time."""
    return (moment.start_s, moment.end_s, moment.prompt)
