"""What the menu View adds to the chart: computed only where it is wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import streamlit as st

from clip_core.pipeline.analyse import Analysis
from clip_core.scoring.findings import Findings
from clip_core.scoring.rate import rate_of_change
from clip_core.scoring.smoothing import smooth_as
from clip_core.scoring.spikes import find_spikes
from clip_core.scoring.winner import leading_prompts
from clip_core.values import Floats
from pages.parts.transport import ChartLook


@dataclass(frozen=True)
class Extras:
    """For the chart, as ``charts.view.Timeline`` says; what is not wanted is empty."""

    rate: Floats | None = None
    spikes: Sequence[tuple[int, int]] = ()
    ribbon: Mapping[str, tuple[Floats, Floats]] = field(default_factory=dict)
    winners: Sequence[tuple[int, float, float]] = ()


def compute_extras(findings: Findings, style: ChartLook) -> Extras:
    """Compute what the menu View asks for."""
    return Extras(
        rate=rate_of_change(findings.scores, findings.smoothed) if style.rate else None,
        spikes=_spikes(findings) if style.rate else [],
        ribbon=_ribbons(findings) if style.spread else {},
        winners=_winners(findings) if style.winners else [],
    )


def _spikes(findings: Findings) -> list[tuple[int, int]]:
    scores = findings.scores
    return [(spike.sample, scores.prompts.index(spike.prompt)) for spike in find_spikes(scores, findings.smoothed)]


def _winners(findings: Findings) -> list[tuple[int, float, float]]:
    """By cosine, whatever the unit: z compares a prompt with itself alone."""
    evidence, recipe = findings.evidence, findings.recipe
    smoothed = smooth_as(recipe, evidence.raw, findings.cuts_s)
    leads = leading_prompts(
        evidence.raw, smoothed, weights=evidence.weights_of_prompts, logit_scale=evidence.logit_scale
    )  # fmt: skip
    return list(zip(leads.prompt.tolist(), leads.start_s.tolist(), leads.end_s.tolist(), strict=True))


def _ribbons(findings: Findings) -> dict[str, tuple[Floats, Floats]]:
    """In corrected, cosine and z; what other units say hangs on the other prompts or on ranks: they have no band."""
    state, evidence = st.session_state, findings.evidence
    analysis: Analysis | None = state.get("analysis")
    if analysis is None or findings.scores.unit not in ("corrected", "cosine", "z") or not len(findings.scores):
        return {}
    if state.get("ribbons_of") is not evidence:  # they do not hang on any slider
        state.ribbons, state.ribbons_of = analysis.ribbons(findings.recipe), evidence
    return {
        prompt: (_beside(findings, prompt, low), _beside(findings, prompt, high))
        for prompt, (low, high) in state.ribbons.items()
        if prompt in findings.scores.prompts and len(low) == len(findings.scores)
    }


def _beside(findings: Findings, prompt: str, cosines: Floats) -> Floats:
    """An edge in the unit of the curves, and as smooth as they are."""
    recipe, edge = findings.recipe, findings.scale_to_unit(prompt, cosines)
    alone = replace(findings.scores, prompts=(prompt,), values=edge[:, None])
    return smooth_as(recipe, alone, findings.cuts_s)[:, 0]
