"""The colours can be told from the background and from each other."""

import pytest

from clip_core.charts.colours import THEMES, Theme


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
def test_twelve_colours_stand_out_from_the_background(theme: Theme) -> None:
    assert len(set(theme.prompts)) == 12
    assert min(contrast(colour, theme.background) for colour in theme.prompts) >= 3.0
    assert contrast(theme.text, theme.background) >= 7.0
    assert contrast(theme.muted, theme.background) >= 4.5


def test_the_thirteenth_prompt_takes_the_first_colour() -> None:
    light = THEMES["light"]
    assert [light.colour(k) for k in (0, 11, 12)] == [light.prompts[0], light.prompts[11], light.prompts[0]]
