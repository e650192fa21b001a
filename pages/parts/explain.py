"""What am I looking at?"""

from __future__ import annotations

import streamlit as st

from clip_core.encoders.base import ShownEncoder
from clip_core.encoders.registry import SAMPLE
from pages.parts.model import SEES
from pages.parts.text import literal

_TEXT = """
**CLIP** is a model that puts pictures and texts into one space: a picture and a text that fits it point the same way.

Each curve is one prompt. Its height at a time is the **cosine similarity** of that prompt and the frame there:
1 would be the same direction, 0 unrelated. Pictures and texts never get near 1, because the two kinds lie apart in
the space: on real CLIP **0.25 can be a strong match**, 0.15 means "not there", and 0.8 is never reached. The sample
model uses more of the range. So compare a curve with itself over time, and scores of two models not at all.

**Units.** *z*, at first in force, says how far a frame stands above what its prompt usually scores in this video, in
robust deviations: it says *when*, and reads alike for every prompt and model. *Percentile* is the rank within the
video. *Margin* is the lead over the best negative prompt, a line such as "- a person". *Softmax* says which of the
prompts wins, never whether anything is there. Thresholds move along when the unit is switched.

**Thresholds.** *Adapt* gives each prompt its own, halfway between its background and its events, and follows while
samples arrive. *One for all* is the slider. The advice "0.8" of other tools flags nothing in cosines of real CLIP.

**The null bank** is 300 neutral captions such as "a photo". A prompt that is nowhere in the video scores like one of
them, however much its curve wiggles: so a moment must beat 95 % of them somewhere (*Rules*), and *Flag* says for each
prompt how often a caption comes out as high.

A **moment** (shaded, and a bar below the curves) is a stretch where the smoothed curve stays at or above the
threshold. Thin lines are the raw samples. **Click** anywhere on the chart to see the frame there, drag the line of the
playhead to look through, drag elsewhere to zoom in, double click to zoom out. **?** below the video shows the keys.

*View → Frames* shows exact pictures from the server in place of the playing video. Its chart draws a long video with at
most 2,000 points a line, peaks and dips kept; the frames between are reached with the slider and the arrow keys.
"""


def draw_explanation(encoder: ShownEncoder) -> None:
    """Draw the popover."""
    with st.popover("", icon=":material/help:", help="What am I looking at?", key="help_box"):
        st.markdown("##### What am I looking at?")
        st.markdown(_TEXT)
        st.markdown(
            f"**{literal(encoder.name)}** sees {SEES[encoder.framing]}; *Model sees* in the sidebar changes that."
        )
        if encoder.id == SAMPLE:
            st.caption("The sample model knows emoji pictures, not photographs. See data/models/sample/README.md.")
