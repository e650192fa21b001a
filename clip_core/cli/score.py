"""``score``: write the scores of prompts against the stored frames of a video as CSV."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from clip_core.cli import terminal
from clip_core.cli.outfile import check_out, write_out
from clip_core.cli.scored import indexed, tell_cut_off, tell_unfinished
from clip_core.cli.shared import about, encoder_for, need_file, tell_notices, video_path
from clip_core.errors import ClipVideoError, shown_name

if TYPE_CHECKING:
    from argparse import Namespace

    from clip_core.config import Config
    from clip_core.store.store import EmbeddingStore


def score(given: Namespace, config: Config, store: EmbeddingStore) -> int:
    """Run the command; return its exit code."""
    from clip_core.export.csv_files import scores_csv
    from clip_core.pipeline.score_prompts import clean_prompts, score_prompts

    given.video = video_path(given.video, config)
    with about(given.video):
        need_file(given.video)
        prompts = clean_prompts(given.prompt or config.prompts)
        if not prompts:
            raise ClipVideoError("There are no prompts, neither here nor in the configuration.", "Give one: --prompt P")
    if given.out is not None:
        check_out(given.out, given.video)
    encoder = encoder_for(given, config)
    tell_cut_off(prompts, encoder)
    with about(given.video):
        record = indexed(given, encoder, store)
        scores = score_prompts(record.video_id, prompts, encoder, store)
    if given.out is None:
        terminal.write(scores_csv(scores))
    else:
        write_out(given.out, scores_csv(scores))
        count = f"{len(scores):,} samples × {len(prompts)} {'prompt' if len(prompts) == 1 else 'prompts'}"
        if Path(given.out).is_file():  # else it may be where this line goes too
            terminal.line(f"{record.name}: {count} in {shown_name(given.out)}")
    tell_unfinished(given, scores)
    tell_notices(config)
    return 0
