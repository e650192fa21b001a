"""``vectors``: write the stored vectors of a video to a file, and store those that were computed elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import click

from clip_core.cli import terminal
from clip_core.cli.files import check_file, write_file
from clip_core.cli.options import CONFIG, HELP, MODEL, PROGRAM, STORE, VIDEO, Options, about, command, place
from clip_core.cli.scoring import indexed_video
from clip_core.errors import ClipVideoError, shown_name
from clip_core.export.vectors_file import VectorsFile, npz_of, parquet_of, read_vectors
from clip_core.indexing.import_vectors import import_vectors, stored_vectors
from clip_core.text import counted

_WRITERS: dict[str, Callable[[VectorsFile], bytes]] = {"--npz": npz_of, "--parquet": parquet_of}


@command("vectors export holiday.mp4 --npz holiday.npz", shared=[VIDEO, MODEL])
@click.option("--npz", metavar="FILE", type=place, help="write NumPy's .npz")
@click.option("--parquet", metavar="FILE", type=place, help="write Parquet")
def run_export(options: Options, video: str, npz: str | None, parquet: str | None) -> None:
    """Write the stored vectors of a video with their times, pts and model to a file that `vectors import` reads.

    VIDEO is named as for `index`.
    """
    outs = {option: out for option, out in (("--npz", npz), ("--parquet", parquet)) if out is not None}
    if not outs:
        raise ClipVideoError("There is no file to write to.", "Give one: --npz FILE or --parquet FILE.")
    path = options.video_path(video)
    for option, out in outs.items():
        check_file(out, option, video=path)
    encoder = options.load_encoder()
    with about(path):
        file = stored_vectors(indexed_video(path, options, encoder), encoder, options.store)
    for option, out in outs.items():
        write_file(out, _WRITERS[option](file), option)
        terminal.line(f"{file.about.name}: {counted(len(file), 'vector')} of {encoder.id} in {shown_name(out)}")
    options.tell_notices()


@command("vectors import holiday.npz --video holiday.mp4 --model sample", shared=[MODEL])
@click.argument("file", metavar="FILE", type=place)
@click.option("--video", metavar="VIDEO", type=place, required=True, help="the video that they are of")
def run_import(options: Options, file: str, video: str) -> None:
    """Store vectors that were computed elsewhere, so that the video is searched and scored as if it were indexed here.

    FILE is .npz or Parquet: vectors, and the pts or the times of their frames. All rows are checked first, against the
    model and the frames of the video. What is stored already stays.
    """
    path, store = options.video_path(video), options.store
    with about(file):
        vectors = read_vectors(file)
    encoder, warnings = options.load_encoder(), tuple[str, ...]()
    progresses = import_vectors(path, vectors, encoder, store)
    with (
        terminal.when_stopped("What is stored is kept; run the same command to go on."),
        closing(progresses),  # type: ignore[type-var]
        terminal.ProgressBar(path) as bar,
    ):
        for progress in progresses:
            warnings = tuple(progress.warnings)
            bar.show(progress)
    for warning in warnings:
        terminal.note(f"{shown_name(file)}: {warning}")
    terminal.line(f"{shown_name(path)}: {counted(len(vectors), 'vector')} of {encoder.id} from {shown_name(file)}")
    options.tell_notices()


_ABOUT = f"""Take vectors out of the store and put them in: one may compute them on another machine.

\b
{PROGRAM} vectors export holiday.mp4 --npz holiday.npz
{PROGRAM} vectors export holiday.mp4 --parquet holiday.parquet
{PROGRAM} vectors import holiday.npz --video holiday.mp4 --model sample"""
run_vectors = click.Group(
    "vectors",
    help=_ABOUT,
    commands={"export": run_export, "import": run_import},
    params=[CONFIG, STORE, HELP],
    add_help_option=False,
    no_args_is_help=False,
    subcommand_metavar="export|import ...",
)
