"""From an evaluation to the bars that the chart shows in its lanes."""

from __future__ import annotations

from collections.abc import Sequence

from clip_core.charts.view import Bar
from clip_core.evaluation.agreement import Agreement, agreement
from clip_core.pipeline.evaluate import Evaluation
from clip_core.values import Moment


def agreement_of(evaluation: Evaluation) -> Agreement:
    """The annotations and the moments of an evaluation, each with what it was matched with."""
    return agreement(evaluation.moments, evaluation.truth)


def judged_bars(held: Agreement | None, moments: Sequence[Moment]) -> list[Bar]:
    """The bars of all prompts.

    Args:
        held: What was judged; None: nothing yet.
        moments: All that were found. Those of prompts that were not judged are bars that say so.
    """
    truth, found = ((), ()) if held is None else (held.annotations, held.moments)
    judged = {one.prompt for one in (*truth, *found)}
    return [
        *(Bar(a.prompt, a.start_s, a.end_s, "truth", "matched" if a.matched else "missed") for a in truth),
        *(Bar(m.prompt, m.start_s, m.end_s, "found", "matched" if m.matched else "false") for m in found),
        *(Bar(m.prompt, m.start_s, m.end_s, "found", "not judged") for m in moments if m.prompt not in judged),
    ]
