"""What commands share that score prompts and find moments: the indexed video, its moments, and notes on them."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from clip_core.charts.labels import short
from clip_core.cli.options import Options, about
from clip_core.cli.recipe import recipe_for
from clip_core.cli.terminal import count, note
from clip_core.encoders.base import Encoder, ShownEncoder
from clip_core.errors import MAX_MESSAGE, NotIndexedError, shown_name
from clip_core.pipeline.analyse import Analysis
from clip_core.pipeline.identify import identify, known_video
from clip_core.pipeline.judge_moments import reviewed_moments
from clip_core.pipeline.write_outcome import Outcome
from clip_core.scoring.findings import find
from clip_core.values import Scores, VideoRecord
from clip_core.video import open_video

MOST_CUT_SHOWN = 100


def indexed_video(path: str, options: Options, encoder: Encoder) -> VideoRecord:
    """Return what the store knows of a video, which may have been renamed since it was indexed.

    Raises:
        NotIndexedError: It was never indexed with this model.
        VideoError: It is no video.
    """
    store, file = options.store, Path(path)
    record = known_video(file, store)
    if record is None:
        open_video(file).close()  # what is no video has no use for the hint below
        for _ in identify(file, store):
            pass
        record = known_video(file, store)
    if record is None or store.run(record.video_id, encoder.fingerprint) is None:
        what = f"{shown_name(path)} was never indexed with the model {shown_name(encoder.id)}."
        raise NotIndexedError(what, options.index_step(path, what))
    return record


def find_outcome(path: str, options: Options) -> Outcome:
    """Find the moments of a video as the options ask.

    Raises:
        VideoError: It is no video.
        NotIndexedError: It was never indexed with this model.
        RecipeError: A setting cannot be used, or asks for what is not there.
        ClipVideoError: Anything else that keeps moments from being found.
    """
    recipe = recipe_for(options, options.config)
    encoder = options.load_encoder()
    tell_cut_off(recipe.texts, encoder)
    with about(path):
        record = indexed_video(path, options, encoder)
        analysis = Analysis(record.video_id, encoder, options.store)
        found = find(recipe, analysis.evidence(recipe, ask_bank=recipe.needs_bank))
        judged = reviewed_moments(found, record.video_id, options.store) if options.judged else []
    tell_unfinished(path, options, found.scores)
    if options.judged:
        kept, waiting = [r.moment for r in judged if r.kept], [r.moment for r in judged if r.is_candidate]
        found = replace(found, moments=kept, candidates=waiting)
    moments = [*found.moments, *(found.candidates if options.candidates else ())]
    return Outcome(found, moments, record, path, encoder, judged)


def tell_cut_off(prompts: Sequence[str], encoder: ShownEncoder) -> None:
    """Write what of each prompt the model does not read."""
    for prompt, words in zip(prompts, encoder.cut_off(prompts), strict=True):
        if words:
            note(f"The model does not read all of “{short(prompt)}”. Not read: “{words[:MOST_CUT_SHOWN]}”")


def tell_unfinished(path: str, options: Options, scores: Scores) -> None:
    """Write that the video is not indexed to the end, if so."""
    if not scores.complete:
        what = f"{shown_name(path)} is not indexed to the end: so far there are {len(scores)} samples."
        note(f"{what} {options.index_step(path, what)}")


def tell_verdicts(outcome: Outcome) -> None:
    """Write of each prompt whether it is there, and why."""
    for prompt, verdict in outcome.findings.verdicts.items():
        if prompt not in outcome.findings.recipe.unflagged:
            reason = f"{short(prompt)}: {verdict.kind}. {verdict.reason}"
            for line in textwrap.wrap(reason, MAX_MESSAGE, subsequent_indent="  "):
                note(line)


def counted(outcome: Outcome) -> str:
    """Return how many moments are written, such as "3 moments" or "1 moment and 2 candidates"."""
    moments = count(len(outcome.findings.moments), "moment")
    candidates = len(outcome.moments) - len(outcome.findings.moments)
    return f"{moments} and {count(candidates, 'candidate')}" if candidates else moments
