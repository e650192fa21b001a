"""Names for columns of ``Curves`` that are no prompts as typed: pictures, and prompts in templates.

A prompt is stripped before it is used, and U+001F counts as white space: no prompt begins with it.
"""

from __future__ import annotations

from clip_core.scoring.templates import TemplateSet

_MARK = "\x1f"


def image_key(image_id: str) -> str:
    """The key of a picture that frames are compared with, such as by the SHA-256 of its pixels."""
    return f"{_MARK}image{_MARK}{image_id}"


def ensemble_key(prompt: str, templates: TemplateSet) -> str:
    """The key of a prompt's common vector over a template set; of "none" it is the prompt itself."""
    return prompt if templates == "none" else f"{_MARK}ensemble{_MARK}{templates}{_MARK}{prompt}"
