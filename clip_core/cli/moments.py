"""``moments``: write the moments of a video in formats that other tools open."""

from __future__ import annotations

from pathlib import Path

import click

from clip_core.analysis.export_bundle import moments_file
from clip_core.cli import terminal
from clip_core.cli.files import check_file, check_folder, write_file
from clip_core.cli.options import CANDIDATES, Options, command, moment_options, place, text
from clip_core.cli.scoring import counted, find_bundle, tell_verdicts
from clip_core.errors import ClipVideoError, shown_name
from clip_core.export.formats import MOMENT_FORMATS

ALL = "all"
FORMATS = f"{', '.join(MOMENT_FORMATS)}, with commas between, or {ALL} (default: csv)"


@command(
    "moments holiday.mp4 --prompts prompts.txt --format csv,otio,vtt --out found",
    'moments holiday.mp4 --prompt "a dog" --confidence 90 --candidates',
    'moments holiday.mp4 --prompt "a dog" --unit z --threshold 2.5',
    shared=[*moment_options(), CANDIDATES],
)
@click.option("--format", "formats", metavar="F", type=text, default="csv", help=FORMATS)
@click.option("--out", metavar="DIR", type=place, help="a folder (default: standard output, one format)")
def run(options: Options, video: str, formats: str, out: str | None) -> None:
    """Find the moments of an indexed video as the page does, and write them for other tools.

    VIDEO is named as for `index`.
    """
    kinds, targets = _kinds(formats), {}
    if out is not None:
        check_folder(out)
        targets = {kind: str(Path(out) / MOMENT_FORMATS[kind].file_name) for kind in kinds}
    elif len(kinds) > 1:
        raise ClipVideoError("Several formats need a folder to lie in.", "Give one: --out DIR")
    bundle = find_bundle(options.video_path(video), options)
    for target in targets.values():
        check_file(target, video=bundle.path)
    for kind, target in targets.items():
        write_file(target, moments_file(kind, bundle))
    if out is None:
        terminal.write(moments_file(kinds[0], bundle).decode())
    else:
        names = ", ".join(map(shown_name, targets.values()))
        terminal.line(f"{bundle.record.name}: {counted(bundle)} in {out}: {names}")
    tell_verdicts(bundle)
    if bundle.source.note and any(MOMENT_FORMATS[kind].counts_frames for kind in kinds):
        terminal.note(bundle.source.note)
    options.tell_notices()


def _kinds(formats: str) -> list[str]:
    """Return the formats of a list with commas, each once, in its order."""
    names = [name.strip().lower() for name in formats.split(",") if name.strip()]
    for name in names:
        if name not in (*MOMENT_FORMATS, ALL):
            known = ", ".join((*MOMENT_FORMATS, ALL))
            raise ClipVideoError(f"There is no format “{shown_name(name, 20)}”.", f"There are: {known}.")
    if not names:
        raise ClipVideoError("No format is given.", "Such as: --format csv,otio,vtt")
    return list(MOMENT_FORMATS) if ALL in names else list(dict.fromkeys(names))
