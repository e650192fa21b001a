"""``score``: write the scores of prompts against the stored frames of a video as CSV."""

from __future__ import annotations

from pathlib import Path

import click

from clip_core.analysis.score_prompts import clean_prompts, score_prompts
from clip_core.cli import terminal
from clip_core.cli.files import check_file, write_file
from clip_core.cli.options import MODEL, VIDEO, Options, about, command, place, prompt_option
from clip_core.cli.scoring import indexed_video, tell_cut_off, tell_unfinished
from clip_core.errors import ClipVideoError, shown_name
from clip_core.export.data_files import scores_csv

SHARED = [VIDEO, prompt_option(), MODEL]


@command('score holiday.mp4 --prompt "a dog" --prompt pizza --out scores.csv', shared=SHARED)
@click.option("--out", metavar="FILE", type=place, help="where to write (default: standard output)")
def run(options: Options, video: str, out: str | None) -> None:
    """Write the cosine similarity of each prompt to each stored frame of an indexed video as CSV.

    The columns are frame, time_s, then one per prompt. VIDEO is named as for `index`.
    """
    path = options.video_path(video)
    with about(path):
        prompts = clean_prompts(options.prompt or options.config.prompts)
        if not prompts:
            raise ClipVideoError("There are no prompts, neither here nor in the configuration.", "Give one: --prompt P")
    if out is not None:
        check_file(out, video=path)
    encoder = options.load_encoder()
    tell_cut_off(prompts, encoder)
    with about(path):
        record = indexed_video(path, options, encoder)
        scores = score_prompts(record.video_id, prompts, encoder, options.store)
    if out is None:
        terminal.write(scores_csv(scores))
    else:
        write_file(out, scores_csv(scores))
        if Path(out).is_file():  # else it may be where this line goes too
            size = f"{len(scores):,} samples × {terminal.count(len(prompts), 'prompt')}"
            terminal.line(f"{record.name}: {size} in {shown_name(out)}")
    tell_unfinished(path, options, scores)
    options.tell_notices()
