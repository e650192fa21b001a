"""The walk that commands share which make moments: video and recipe → what was found, ready to be given away."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from typing import TYPE_CHECKING

from clip_core.cli import terminal
from clip_core.cli.recipes import recipe_for
from clip_core.cli.scored import indexed, tell_cut_off, tell_unfinished
from clip_core.cli.shared import about, encoder_for, need_file, video_path
from clip_core.errors import MAX_MESSAGE
from clip_core.text import short_prompt

if TYPE_CHECKING:
    from argparse import Namespace

    from clip_core.config import Config
    from clip_core.pipeline.write_outcome import Outcome
    from clip_core.store.store import EmbeddingStore


def outcome_of(given: Namespace, config: Config, store: EmbeddingStore) -> Outcome:
    """Find the moments of a video as the options say (see ``recipe_options``); ``given.video`` becomes its path.

    Raises:
        VideoError: It is no video, or not there.
        NotIndexedError: It was never indexed with this model.
        RecipeError: A setting cannot be used, or asks for what is not there.
        ClipVideoError: Anything else that keeps it from being found.
    """
    from clip_core.pipeline.analyse import Analysis
    from clip_core.pipeline.judge_moments import reviewed_moments
    from clip_core.pipeline.write_outcome import Outcome
    from clip_core.scoring.findings import find

    given.video = video_path(given.video, config)
    with about(given.video):
        need_file(given.video)
    recipe = recipe_for(given, config)
    encoder = encoder_for(given, config)
    tell_cut_off(recipe.texts, encoder)
    with about(given.video):
        record = indexed(given, encoder, store)
        found = find(recipe, Analysis(record.video_id, encoder, store).evidence(recipe, ask_bank=recipe.needs_bank))
        judged = reviewed_moments(found, record.video_id, store) if given.judged else []
    tell_unfinished(given, found.scores)
    if given.judged:
        kept, waiting = [r.moment for r in judged if r.kept], [r.moment for r in judged if r.is_candidate]
        found = replace(found, moments=kept, candidates=waiting)
    moments = [*found.moments, *(found.candidates if given.candidates else ())]
    return Outcome(found, moments, record, given.video, encoder, judged)


def tell_verdicts(outcome: Outcome) -> None:
    """Say of each prompt whether it is there, and why."""
    for prompt, verdict in outcome.findings.verdicts.items():
        if prompt not in outcome.findings.recipe.unflagged:
            text = f"{short_prompt(prompt)}: {verdict.kind}. {verdict.reason}"
            for line in textwrap.wrap(text, MAX_MESSAGE, subsequent_indent="  "):
                terminal.note(line)


def counted(outcome: Outcome) -> str:
    """How many moments are written, such as "3 moments" or "1 moment and 2 candidates"."""
    count = len(outcome.findings.moments)
    waiting = len(outcome.moments) - count
    words = "1 moment" if count == 1 else f"{count} moments"
    return words if not waiting else f"{words} and {waiting} candidate{'' if waiting == 1 else 's'}"
