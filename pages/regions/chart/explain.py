"""The popover "What am I looking at?"."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from clip_core.encoders.base import ShownEncoder
from clip_core.encoders.registry import SAMPLE
from pages.regions.sidebar.model import SEES
from pages.shared.markdown import escape_markdown
from pages.shared.theme import unseen

_TEXT = """
**CLIP** is a model that puts pictures and texts into one space: a picture and a text that fits it point the same way.

Each curve is one prompt. Its height at a time is the **cosine similarity** of that prompt and the frame there: 1
would be the same direction, 0 unrelated. Pictures and texts never get near 1, because the two kinds lie apart in the
space: on real CLIP **0.25 can be a strong match**, 0.15 means "not there", and 0.8 is never reached. The sample model
uses more of the range. So compare a curve with itself over time, and scores of two models not at all.

**Units.** *Corrected*, at first in force, is the cosine less what 300 neutral texts score on the same frame: half of
a curve's movement is common to all texts, and that is taken off. *z* says how far a frame stands above what its
prompt usually scores in this video, in robust deviations. *Percentile* is the rank within the video. *Margin* is the
lead over the best negative prompt, a line such as "- a person". *Softmax* says which of the prompts wins, never
whether anything is there.

**Verdicts.** *Adapt* cuts the video into segments where the picture changes. A prompt is **there** if its best
segment beats 95 % (*Confidence*) of 300 neutral texts, each in its own best segment: about 5 of 100 prompts that are
not in the video come out as there. It is there **throughout** if that holds for most of the video. Else it is **not
sure**: its likeliest places are **candidates**, marked ? in the list and pale in the chart; one click accepts one.
The chips below the list tell each prompt's verdict and, on hover, why.

**Generic prompts** such as "a person" are high in nearly every frame, so neutral texts come as high, and they get no
verdict. What helps: a negative prompt with the unit *margin*, a threshold set by hand, or ten marks on *Evaluate*
that fit one.

**Thresholds by hand.** *One for all* cuts the smoothed curves at the slider, and means what it says; the null bank
has a part in it only if *Rules* ask for it. The advice "0.8" of other tools flags nothing in cosines of real CLIP.

A **moment** is shaded, and a bar below the curves; a candidate is pale. Thin lines are the raw samples. **Click**
anywhere on the chart to see the frame there, drag the line of the playhead to look through, drag elsewhere to zoom
in, double click to zoom out. **?** below the video shows the keys.

*View → Frames* shows exact pictures from the server in place of the playing video. Its chart draws a long video with
at most 2,400 points a line, peaks and dips kept; the frames between are reached with the slider and the arrow keys.
"""


_REAL = """
**What real CLIP looks like.** Six captions on a film of twelve photographs: three are there, one is shown but not
sure, two fit nothing. What is there stands a few hundredths above what is not. Whole scenes and striking things work;
small things that somebody holds, actions, counts and negation are hard.
"""
_PICTURE = Path(__file__).parents[3] / "static" / "real_clip.png"


def draw_explanation(encoder: ShownEncoder) -> None:
    """Draw the popover."""
    with st.popover(
        unseen("What am I looking at?"), icon=":material/help:", help="What am I looking at?", key="help_box"
    ):
        st.markdown("##### What am I looking at?")
        st.markdown(_TEXT)
        st.markdown(_REAL)
        st.image(str(_PICTURE), width="stretch")
        st.markdown(
            f"**{escape_markdown(encoder.name)}** sees {SEES[encoder.framing]}; "
            "*Model sees* in the sidebar changes that."
        )
        if encoder.id == SAMPLE:
            st.caption("The sample model knows emoji pictures, not photographs. See data/models/sample/README.md.")
