"""The options of commands that make moments."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from contextlib import suppress

from clip_core.text import alternatives


class LateHelp(str):
    """Help whose ``{names}`` are filled in when it is shown, because the tables that it lists load NumPy."""

    __slots__ = ("_names",)
    _names: Callable[[], str]

    def __new__(cls, text: str, names: Callable[[], str]) -> LateHelp:
        """Return ``text``, in which ``names()`` will stand."""
        help_text = super().__new__(cls, text)
        help_text._names = names
        return help_text

    def __mod__(self, _: object) -> str:
        """What argparse asks for when it shows a help."""
        return self.format(names=self._names())


def add_recipe_options(parser: argparse.ArgumentParser, usual_prompts: str = "the config's") -> None:
    """Let a command be told of a video, prompts and how curves become moments; ``usual_prompts`` is for the help."""
    parser.add_argument("video", metavar="VIDEO", help="an indexed video, named as for index")
    group = parser.add_argument_group("what is looked for, and how curves become moments")
    what = f"a text; may be repeated (default: {usual_prompts})"
    group.add_argument("--prompt", metavar="P", action="append", help=what)
    what = "a text file of prompts, one per line; “- a person” is a negative one"
    group.add_argument("--prompts", metavar="FILE", help=what)
    group.add_argument("--settings", metavar="FILE", help="a settings file (YAML) as the page saves it")
    what = "{names} (default: that of the settings file; without one, "
    what += "cosine where the config has a threshold and its model is taken, else corrected)"
    group.add_argument("--unit", metavar="U", help=LateHelp(what, _units))
    what = (
        "for all prompts, in the unit that --unit gives or has by default (default: detection on segments of the video)"
    )
    group.add_argument("--threshold", metavar="N", type=_number, help=what)
    what = "a prompt without a threshold is there if it beats more than this percentage of 300 neutral texts "
    what += "(default: that of the settings file, else 95)"
    group.add_argument("--confidence", metavar="PERCENT", type=_number, help=what)
    width = group.add_mutually_exclusive_group()
    what = "width in seconds; 0 takes raw scores (default: that of the settings, else the config's)"
    width.add_argument("--smoothing", metavar="S", type=_number, help=what)
    what = "width in samples instead, such as 5: the mean of five neighbours, whatever the rate"
    width.add_argument("--smoothing-samples", metavar="N", type=_count, help=what)
    group.add_argument("--filter", metavar="KIND", help=LateHelp("{names} (default: mean)", _filters))
    what = "take what was judged on the page: edges and labels set by hand, added moments, none that was rejected"
    group.add_argument("--judged", action="store_true", help=what)


def add_candidates_option(parser: argparse.ArgumentParser) -> None:
    """Let a command write candidates too."""
    what = "write the likeliest places of prompts that are not sure to be there, too; their label is “candidate”"
    parser.add_argument("--candidates", action="store_true", help=what)


def _units() -> str:
    from clip_core.recipe_checks import UNITS

    return alternatives(UNITS)


def _filters() -> str:
    from clip_core.filters import FILTERS

    return alternatives(FILTERS)


def _count(text: str) -> int:
    if text.isascii() and text.isdecimal() and len(text) < 10:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text[:40]!r} is no whole number")


def _number(text: str) -> float:
    with suppress(ValueError):
        if math.isfinite(number := float(text)):
            return number
    raise argparse.ArgumentTypeError(f"{text[:40]!r} is no number")
