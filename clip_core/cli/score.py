"""``score``: write the scores of prompts against the stored frames of a video as CSV."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from clip_core.charts.labels import short
from clip_core.cli import terminal
from clip_core.cli.arguments import how_to_index
from clip_core.cli.outfile import check_out, write_out
from clip_core.cli.shared import about, encoder_for, need_file, tell_notices, video_path
from clip_core.errors import ClipVideoError, NotIndexedError, shown_name

MOST_CUT_SHOWN = 100

if TYPE_CHECKING:
    from argparse import Namespace

    from clip_core.config import Config
    from clip_core.encoders.base import Encoder
    from clip_core.store.store import EmbeddingStore
    from clip_core.values import VideoRecord


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
    for prompt, words in zip(prompts, encoder.cut_off(prompts), strict=True):
        if words:
            terminal.note(f"The model does not read all of “{short(prompt)}”. Not read: “{words[:MOST_CUT_SHOWN]}”")
    with about(given.video):
        record = _indexed(given, encoder, store)
        scores = score_prompts(record.video_id, prompts, encoder, store)
    if given.out is None:
        terminal.write(scores_csv(scores))
    else:
        write_out(given.out, scores_csv(scores))
    if not scores.complete:
        what = f"{shown_name(given.video)} is not indexed to the end: so far there are {len(scores)} samples."
        terminal.note(f"{what} {how_to_index(given, what)}")
    tell_notices(config)
    return 0


def _indexed(given: Namespace, encoder: Encoder, store: EmbeddingStore) -> VideoRecord:
    """What the store knows of the video, which may have been renamed since it was indexed."""
    from clip_core.pipeline.identify import identify, known_video
    from clip_core.video import open_video

    path = Path(given.video)
    record = known_video(path, store)
    if record is None:
        open_video(path).close()  # what is no video has no use for the hint below
        for _ in identify(path, store):
            pass
        record = known_video(path, store)
    if record is None or store.run(record.video_id, encoder.fingerprint) is None:
        what = f"{shown_name(path)} was never indexed with the model {shown_name(encoder.id)}."
        raise NotIndexedError(what, how_to_index(given, what))
    return record
