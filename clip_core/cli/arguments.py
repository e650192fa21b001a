"""What the command line understands, and its help."""

from __future__ import annotations

import argparse
import shlex
from contextlib import suppress
from typing import Any, NoReturn

from clip_core.cli.recipe_options import LateHelp, add_candidates_option, add_recipe_options
from clip_core.cli.terminal import write
from clip_core.config_keys import EVERY_FRAME
from clip_core.encoders.precision import AUTO, SUFFIXES
from clip_core.errors import MAX_MESSAGE, ClipVideoError
from clip_core.text import printable, shorten

PROGRAM = "python -m clip_core"
LONGEST_S = 86_400

_ABOUT = f"""Embeds videos with a CLIP model and scores texts against their frames; what is
embedded is kept in the store, which the page shares.

  {PROGRAM} index data/sample.mp4
  {PROGRAM} score data/sample.mp4 --prompt "a dog" --out scores.csv
  {PROGRAM} moments data/sample.mp4 --prompt "a dog" --format csv,otio --out found
  {PROGRAM} report data/sample.mp4 --out report.html
  {PROGRAM} evaluate data/sample.mp4 --truth data/sample.truth.json
  {PROGRAM} clips data/sample.mp4 --moments moments.csv --out clips
  {PROGRAM} list
  {PROGRAM} forget sample.mp4
  {PROGRAM} download Xenova/clip-vit-base-patch32
  {PROGRAM} doctor"""
_ENDS = "Exit codes: 0 done; 2 something failed, and a line on stderr says what; 130 stopped with Ctrl-C."
_INDEX = f"""Embed the sampled frames of videos, one video after another. What is stored already is
not embedded again, so a stopped run goes on where it was.

  {PROGRAM} index holiday.mp4 "second day.mov" --samples-per-second 5"""
_SCORE = f"""Write the cosine similarity of each prompt to each stored frame of an indexed video as
CSV: frame, time_s, then a column per prompt.

  {PROGRAM} score holiday.mp4 --prompt "a dog" --prompt pizza --out scores.csv"""
_MOMENTS = f"""Find the moments of an indexed video as the page does, and write them for other tools.

  {PROGRAM} moments holiday.mp4 --prompts prompts.txt --format csv,otio,vtt --out found
  {PROGRAM} moments holiday.mp4 --prompt "a dog" --confidence 90 --candidates
  {PROGRAM} moments holiday.mp4 --prompt "a dog" --unit z --threshold 2.5"""
_REPORT = f"""Write all that was found as one HTML page that opens offline: the video, the model, the settings,
the chart, and each moment with the picture of its peak.

  {PROGRAM} report holiday.mp4 --prompts prompts.txt --out report.html"""
_EVALUATE = f"""Hold the moments of an indexed video against a truth: CSV (prompt,start,end; in seconds or
HH:MM:SS.mmm; a prompt alone is never there) or QVHighlights JSON Lines. Says R1, mAP, onset errors,
what is missed and what is false. Moments are found as by `moments`; --sweep tries other settings.

  {PROGRAM} evaluate holiday.mp4 --truth truth.csv --sweep --json result.json"""
_CLIPS = f"""Write each moment of a list as a clip (MP4), cut exactly: decoded and encoded again. With
--fast its packets are copied as they are, so a clip begins at the keyframe before.

  {PROGRAM} clips holiday.mp4 --moments moments.csv --out clips --frames jpeg"""
_LIST = f"""Show what is stored: each video with its models, frames and room on disk.

  {PROGRAM} list --store s3://bucket/embeddings"""

_FORGET = f"""Delete what is stored of one video: embeddings under all models, thumbnails, settings, judgements
and its copy to play. What will be lost is said, and asked about, first. The video file itself
stays, unless --file asks for one that was uploaded on the page to go too.

  {PROGRAM} forget holiday.mp4
  {PROGRAM} forget 0a1b2c3d4e5f --yes"""
_DOWNLOAD = f"""Fetch a model from the Hugging Face hub into its cache: what and how much is said first. A
download that was stopped goes on where it was. Without an id, list the models that are known.

  {PROGRAM} download
  {PROGRAM} download Xenova/clip-vit-base-patch32 --precision fp32"""
_DOCTOR = f"""Check the configuration, the video folders, the store, and the model or the server with one
text and one picture; say what works and what to do.

  {PROGRAM} doctor --model roboflow"""


class _Parser(argparse.ArgumentParser):
    """Reports a mistake as one line, like every other error, and a help that cannot be written too."""

    def print_help(self, file: Any = None) -> None:  # noqa: ANN401 - as the class above has it
        if file is None:
            write(self.format_help())
        else:
            super().print_help(file)

    def error(self, message: str) -> NoReturn:
        hint = f"See {self.prog} --help."
        most = MAX_MESSAGE - len(hint) - 3
        raise ClipVideoError(f"{shorten(printable(message), most)}.", hint)


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line; its mistakes rise as ``ClipVideoError``."""
    parents = [_options_everywhere()]
    shape = argparse.RawDescriptionHelpFormatter
    parser = _Parser(
        PROGRAM, description=_ABOUT, epilog=_ENDS, formatter_class=shape, parents=parents, allow_abbrev=False
    )
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command", required=True)

    def verb(name: str, brief: str, about: str) -> _Parser:
        return verbs.add_parser(
            name, help=brief, description=about, formatter_class=shape, parents=parents, allow_abbrev=False
        )

    index = verb("index", "embed the frames of videos", _INDEX)
    index.add_argument(
        "videos", metavar="VIDEO", nargs="+", help="a video file, or numbered pictures: shots/%%05d.png@24"
    )
    _add_rate(index)
    score = verb("score", "write the scores of prompts as CSV", _SCORE)
    score.add_argument("video", metavar="VIDEO", help="an indexed video, named as for index")
    score.add_argument("--prompt", metavar="P", action="append", help="a text; may be repeated (default: the config's)")
    score.add_argument("--out", metavar="FILE", type=_text, help="where to write (default: standard output)")
    moments = verb("moments", "find moments and write them for other tools", _MOMENTS)
    add_recipe_options(moments)
    add_candidates_option(moments)
    formats = LateHelp("{names}, with commas between, or all (default: csv)", _formats)
    moments.add_argument("--format", metavar="F", default="csv", help=formats)
    moments.add_argument("--out", metavar="DIR", type=_text, help="a folder (default: standard output, one format)")
    report = verb("report", "write all that was found as one HTML page", _REPORT)
    add_recipe_options(report)
    add_candidates_option(report)
    report.add_argument("--out", metavar="FILE", type=_text, required=True, help="where to write the page")
    _add_evaluate(verb("evaluate", "judge the moments by a truth", _EVALUATE))
    _add_clips(verb("clips", "write moments as clips and pictures", _CLIPS))
    verb("list", "show what is stored", _LIST)
    forget = verb("forget", "delete what is stored of a video", _FORGET)
    forget.add_argument("video", metavar="VIDEO", help="its name or path, or an id as `list` shows it")
    forget.add_argument("--file", action="store_true", help="delete the file too, if it was uploaded on the page")
    forget.add_argument("--yes", action="store_true", help="do not ask")
    download = verb("download", "fetch a model from the Hugging Face hub", _DOWNLOAD)
    download.add_argument("id", metavar="ID", nargs="?", help="a repository, such as Xenova/clip-vit-base-patch32")
    precisions = (AUTO, *SUFFIXES)
    what = f"{', '.join(precisions)} (default: the config's)"
    download.add_argument("--precision", metavar="P", choices=precisions, default=argparse.SUPPRESS, help=what)
    doctor = verb("doctor", "say what works and what to do", _DOCTOR)
    for command in (index, score, moments, report, verbs.choices["evaluate"], doctor):
        command.add_argument(
            "--model", metavar="M", help="a model's name, folder or hub id, or roboflow (default: the config's)"
        )
    return parser


def _formats() -> str:
    from clip_core.export.formats import MOMENT_FORMATS

    return ", ".join(MOMENT_FORMATS)


def how_to_index(given: argparse.Namespace, what: str) -> str:
    """The next step after ``what``: the very command, or what it is called if there is no room for it."""
    options = [(name, getattr(given, name, None)) for name in ("config", "store", "model")]
    words = [word for name, value in options if value is not None for word in (f"--{name}", value)]
    step = f"Run: {PROGRAM} index {shlex.join([given.video, *words])}"
    fits = len(what) + 1 + len(step) <= MAX_MESSAGE and printable(step) == step
    return step if fits else f"Run: {PROGRAM} index VIDEO, with the same options."


def _options_everywhere() -> _Parser:
    # No default: what a command has not been given must not hide what was given before its name.
    parser = _Parser(add_help=False, argument_default=argparse.SUPPRESS)
    group = parser.add_argument_group("options of every command, before or after its name")
    group.add_argument("--config", metavar="FILE", type=_text, help="settings (default: ./config.yaml)")
    group.add_argument(
        "--store", metavar="FOLDER_OR_S3", type=_text, help="where embeddings are kept (default: the config's)"
    )
    return parser


def _add_rate(parser: _Parser) -> None:
    what = f'a number, or "{EVERY_FRAME}" (default: the config\'s)'
    parser.add_argument("--samples-per-second", metavar="N", type=_rate, default=argparse.SUPPRESS, help=what)


def _add_evaluate(parser: _Parser) -> None:
    add_recipe_options(parser, "those of the settings, else the truth's")
    parser.add_argument("--truth", metavar="FILE", type=_text, required=True, help="CSV, JSON Lines or JSON")
    what = "drop shorter moments, in seconds (default: that of the settings, else 0)"
    parser.add_argument("--min-duration", metavar="S", type=_length, help=what)
    parser.add_argument("--sweep", action="store_true", help="try smoothing x threshold x shortest duration")
    parser.add_argument("--json", metavar="OUT", type=_text, help="write all of it to a file")


def _add_clips(parser: _Parser) -> None:
    parser.add_argument("video", metavar="VIDEO", help="a video file, named as for index; it need not be indexed")
    what = "CSV (start_s, end_s, prompt, peak_s) or OTIO"
    parser.add_argument("--moments", metavar="FILE", type=_text, required=True, help=what)
    parser.add_argument("--out", metavar="FOLDER", type=_text, required=True, help="where to write; made if need be")
    parser.add_argument("--fast", action="store_true", help="copy without encoding, from the keyframe before")
    parser.add_argument("--frames", choices=("jpeg", "png"), help="also write the frame at each moment's peak")
    parser.add_argument("--zip", action="store_true", help="put all into one ZIP instead of single files")


def _text(text: str) -> str:
    if not text.strip() or "\0" in text:
        raise argparse.ArgumentTypeError("it is empty")
    return text


def _rate(text: str) -> float | None:
    if text.strip() == EVERY_FRAME:
        return None
    with suppress(ValueError):
        if 0.001 <= (rate := float(text)) <= 1000:
            return rate
    raise argparse.ArgumentTypeError(f'{text[:40]!r} is neither a number from 0.001 to 1000 nor "{EVERY_FRAME}"')


def _length(text: str) -> float:
    with suppress(ValueError):
        if 0 <= (length := float(text)) <= LONGEST_S:
            return length
    raise argparse.ArgumentTypeError(f"{text[:40]!r} is no number of seconds from 0 to {LONGEST_S}")
