"""The back stair: ``python -m clip_core index|score|list`` walks the page's corridor without a browser.

Nothing heavy is loaded before a command needs it, so that ``--help`` answers at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from clip_core.cli import terminal
from clip_core.cli.arguments import PROGRAM, how_to_index, make_parser
from clip_core.cli.outfile import check_out, write_out
from clip_core.errors import ClipVideoError, NotIndexedError, VideoError, shown_name

if TYPE_CHECKING:
    from argparse import Namespace

    from clip_core.config import Config
    from clip_core.encoders.base import Encoder
    from clip_core.store.store import EmbeddingStore, StoredVideo
    from clip_core.values import VideoRecord

FAILED, STOPPED, NOBODY_READS = 2, 130, 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: What follows the program's name; None takes the process's own.

    Returns:
        The exit code.
    """
    terminal.let_anything_through()
    try:
        try:
            given = _parsed(argv)
            return 0 if given is None else _command(given)
        except ClipVideoError as error:
            terminal.note(error.line)
            return FAILED
        except KeyboardInterrupt:
            terminal.note("Stopped.")
            return STOPPED
    except BrokenPipeError:  # "| head" has seen enough
        terminal.abandon(sys.stdout)
        terminal.abandon(sys.stderr)
        return NOBODY_READS


def _parsed(argv: Sequence[str] | None) -> Namespace | None:
    """What is asked for, None if it was help."""
    try:
        return make_parser().parse_args(argv)
    except SystemExit:
        return None


def _command(given: Namespace) -> int:
    from clip_core.config import DEFAULT_NAME, ENVIRONMENT_VARIABLE, load_config

    path = getattr(given, "config", None)
    with _about(path or os.environ.get(ENVIRONMENT_VARIABLE) or DEFAULT_NAME):
        config = load_config(path)
    from clip_core.store.store import EmbeddingStore

    store = EmbeddingStore(getattr(given, "store", config.embeddings))
    if given.command == "index":
        return _index(given, config, store)
    if given.command == "score":
        return _score(given, config, store)
    return _list(config, store)


def _index(given: Namespace, config: Config, store: EmbeddingStore) -> int:
    failed = False
    try:
        rate = getattr(given, "samples_per_second", config.samples_per_second)
        encoder = _encoder(given, config)
        for video in given.videos:
            try:
                with _about(video):
                    _index_one(video, encoder, store, rate)
            except ClipVideoError as error:
                terminal.note(error.line)
                failed = True
    except KeyboardInterrupt:
        terminal.note("Stopped. What is indexed is kept; run the same command to go on.")
        return STOPPED
    if not failed:
        _tell_notices(config)
    return FAILED if failed else 0


def _index_one(path: str, encoder: Encoder, store: EmbeddingStore, rate: float | None) -> None:
    from clip_core.pipeline.identify import known_video
    from clip_core.pipeline.index_video import index_video
    from clip_core.values import clock

    _need_file(path)
    warnings: Sequence[str] = ()
    with (
        closing(index_video(path, encoder, store, samples_per_second=rate)) as run,  # type: ignore[type-var]
        terminal.ProgressBar(path) as bar,
    ):
        for progress in run:
            warnings = progress.warnings
            bar.show(progress)
    record = known_video(path, store)
    if record is None:
        raise VideoError(f"{shown_name(path)} changed while it was read.", "Run the same command again.")
    for warning in warnings:
        terminal.note(f"{shown_name(path)}: {warning}")
    samples = len(store.stored_pts(record.video_id, encoder.fingerprint))
    idle = " (nothing to do)" if bar.idle else ""
    counted = "1 sample" if samples == 1 else f"{samples} samples"
    terminal.line(f"{record.name}: {counted} of {clock(record.table.end_s)}, {record.video_id}{idle}")


def _score(given: Namespace, config: Config, store: EmbeddingStore) -> int:
    from clip_core.export.csv_files import scores_csv
    from clip_core.pipeline.score_prompts import clean_prompts, score_prompts

    with _about(given.video):
        _need_file(given.video)
        prompts = clean_prompts(given.prompt or config.prompts)
        if not prompts:
            raise ClipVideoError("There are no prompts, neither here nor in the configuration.", "Give one: --prompt P")
    if given.out is not None:
        check_out(given.out, given.video)
    encoder = _encoder(given, config)
    with _about(given.video):
        record = _indexed(given, encoder, store)
        scores = score_prompts(record.video_id, prompts, encoder, store)
    if given.out is None:
        terminal.write(scores_csv(scores))
    else:
        write_out(given.out, scores_csv(scores))
    if not scores.complete:
        what = f"{shown_name(given.video)} is not indexed to the end: so far there are {len(scores)} samples."
        terminal.note(f"{what} {how_to_index(given, what)}")
    _tell_notices(config)
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


def _need_file(path: str) -> None:
    """Refuse what is no file, in the words of the room that opens videos, before the store is asked about it.

    Raises:
        VideoError: There is no such regular file.
    """
    from clip_core.video import open_video

    try:
        regular = Path(path).is_file()
    except OSError:  # too long for a name, or behind a door that is shut
        regular = False
    if not regular:
        open_video(path).close()


def _list(config: Config, store: EmbeddingStore) -> int:
    from clip_core.pipeline.library import list_stored

    videos = list_stored(store)
    if not videos:
        terminal.line(f"Nothing is stored in {store.location}.")
        terminal.line(f"Index a video: {PROGRAM} index VIDEO")
    else:
        header = ("VIDEO", "LENGTH", "MODEL", "FRAMES", "PER SECOND", "MB", "ID")
        rows = [row for video in videos for row in _rows(video)]
        terminal.table(header, rows, right=("LENGTH", "FRAMES", "MB"))
        count = "1 video" if len(videos) == 1 else f"{len(videos)} videos"
        terminal.line(f"{count}, {_megabytes(store.size_bytes())} MB on disk in {store.location}")
    _tell_notices(config)
    return 0


def _rows(video: StoredVideo) -> Iterator[tuple[str, ...]]:
    """One row for each model that a video was begun with."""
    from clip_core.values import clock

    record = video.record
    name, length, short_id = record.name, clock(record.table.end_s), record.video_id[:12]
    if not video.models:
        yield name, length, "-", "0", "-", _megabytes(video.size_bytes), short_id
    for model in video.models:
        rate = "every frame" if model.samples_per_second is None else f"{model.samples_per_second:g}"
        rate += "" if model.finished else " (unfinished)"
        yield name, length, model.model_id, str(model.frames), rate, _megabytes(model.size_bytes), short_id


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.2f}"


def _encoder(given: Namespace, config: Config) -> Encoder:
    from clip_core.encoders.registry import load_encoder

    return load_encoder(config.model if given.model is None else given.model, config)


def _tell_notices(config: Config) -> None:
    for notice in config.notices:
        terminal.note(notice)


@contextmanager
def _about(path: str | os.PathLike[str]) -> Iterator[None]:
    """See that an error within the block names the file that it is about."""
    try:
        yield
    except ClipVideoError as error:
        name = " ".join(shown_name(path).split())
        if name in error.line:
            raise
        raise type(error)(f"{name}: {error.what}", error.next_step) from error


if __name__ == "__main__":
    sys.exit(main())
