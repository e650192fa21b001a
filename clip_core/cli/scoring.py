"""``score``, and what commands share that score prompts: the indexed video, the settings, its moments, and notes."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from clip_core.analysis.analyse import Analysis
from clip_core.analysis.annotations import Reviewed, reviewed_moments
from clip_core.analysis.export_bundle import ExportBundle
from clip_core.analysis.score_prompts import clean_prompts, score_prompts, unread_notes
from clip_core.cli.files import check_file, read_file, write_file
from clip_core.cli.options import MODEL, VIDEO, Options, about, command, number, place, shared_option
from clip_core.cli.terminal import line, note, write
from clip_core.config import Config
from clip_core.encoders.base import Encoder, ShownEncoder
from clip_core.errors import MAX_MESSAGE, ClipVideoError, NotIndexedError, PromptError, SettingsError, shown_name
from clip_core.export.data_files import scores_csv
from clip_core.filters import FILTERS
from clip_core.library.identify import known_or_renamed, reindex_error
from clip_core.scoring.detection import MomentDetection, detect
from clip_core.settings import LEAST_CONFIDENCE, MOST_CONFIDENCE, UNITS, Settings, settings_from
from clip_core.text import alternatives, counted, printable, short_prompt
from clip_core.types import Scores, VideoRecord
from clip_core.validation import read_yaml

MOST_BYTES = 1_000_000
"""The largest size of a file of settings or prompts."""


def prompt_option(usual: str = "the config's") -> click.Option:
    """Return the option ``--prompt``; ``usual`` says in its help where prompts come from otherwise."""
    return shared_option("--prompt", "P", f"a text; may be repeated (default: {usual})", multiple=True)


CANDIDATES = shared_option(
    "--candidates", None,
    "write the likeliest places of prompts that are not sure to be there, too; their label is “candidate”",
)  # fmt: skip
_MOMENT_OPTIONS = (
    shared_option("--prompts", "FILE", "a text file of prompts, one per line; “- a person” is a negative one"),
    shared_option("--settings", "FILE", "a settings file (YAML) as the page saves it"),
    shared_option("--unit", "U", f"{alternatives(UNITS)} (default: that of the settings file; without one, cosine "
                  "where the config has a threshold and its model is used, else corrected)"),
    shared_option("--threshold", "N", "for all prompts, in the unit of --unit or its default (default: "
                  "detection on segments of the video)", type=number()),
    shared_option("--confidence", "PERCENT", "a prompt without a threshold is there if it beats more than this "
                  "percentage of 300 neutral texts (default: that of the settings file, else 95)", type=number()),
    shared_option("--smoothing", "S", "width in seconds; 0 uses raw scores (default: that of the settings, else the "
                  "config's)", type=number()),
    shared_option("--smoothing-samples", "N", "width in samples instead, such as 5: the mean of five neighbours, "
                  "whatever the rate", type=click.INT),
    shared_option("--filter", "KIND", f"{alternatives(FILTERS)} (default: mean)"),
    shared_option("--judged", None, "use the judgements made on the page: edges and labels set by hand, added "
                  "moments, no rejected ones"),
)  # fmt: skip


def moment_options(usual_prompts: str = "the config's") -> list[click.Parameter]:
    """Return the options of commands that find moments: which prompts, and how curves become moments."""
    return [VIDEO, prompt_option(usual_prompts), *_MOMENT_OPTIONS, MODEL]


@command('score holiday.mp4 --prompt "a dog" --prompt pizza --out scores.csv', shared=[VIDEO, prompt_option(), MODEL])
@click.option("--out", metavar="FILE", type=place, help="where to write (default: standard output)")
def run_score(options: Options, video: str, out: str | None) -> None:
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
    tell_warnings(unread_notes(prompts, encoder))
    with about(path):
        record = indexed_video(path, options, encoder)
        scores = score_prompts(record.video_id, prompts, encoder, options.store)
    if out is None:
        write(scores_csv(scores))
    else:
        write_file(out, scores_csv(scores))
        if Path(out).is_file():  # else it may be where this line goes too
            size = f"{len(scores):,} samples × {counted(len(prompts), 'prompt')}"
            line(f"{record.name}: {size} in {shown_name(out)}")
    tell_unfinished(path, options, scores)
    options.tell_notices()


def indexed_video(path: str, options: Options, encoder: Encoder) -> VideoRecord:
    """Return what the store knows of a video, which may have been renamed since it was indexed.

    Raises:
        NotIndexedError: It was never indexed with this model, or must be indexed again.
        VideoError: It is not a video.
    """
    store, file = options.store, Path(path)
    record = known_or_renamed(file, store)
    if record is None or store.run(record.video_id, encoder.fingerprint) is None:
        what = f"{shown_name(path)} was never indexed with the model {shown_name(encoder.id)}."
        raise NotIndexedError(what, options.index_step(path, what))
    if (error := reindex_error(record, store)) is not None:
        raise NotIndexedError(error.what, options.index_step(path, error.what))
    return record


def find_bundle(path: str, options: Options) -> ExportBundle:
    """Find the moments of a video as the options ask.

    Raises:
        VideoError: It is not a video.
        NotIndexedError: It was never indexed with this model.
        SettingsError: A setting cannot be used, or asks for what is not there.
        ClipVideoError: Anything else that keeps moments from being detected.
    """
    settings = settings_for(options, options.config)
    encoder = options.load_encoder()
    tell_warnings(unread_notes(settings.texts, encoder))
    with about(path):
        record = indexed_video(path, options, encoder)
        detection, judged = detected(record, settings, encoder, options)
    tell_unfinished(path, options, detection.scores)
    if options.judged:
        kept, waiting = [r.moment for r in judged if r.kept], [r.moment for r in judged if r.is_candidate]
        detection = replace(detection, moments=kept, candidates=waiting)
    moments = [*detection.moments, *(detection.candidates if options.candidates else ())]
    return ExportBundle(detection, moments, record, path, encoder, judged)


def detected(
    record: VideoRecord, settings: Settings, encoder: ShownEncoder, options: Options, *, ask_bank: bool = False
) -> tuple[MomentDetection, list[Reviewed]]:
    """Return the moments of an indexed video, and with ``--judged`` the same with what was judged on the page."""
    analysis = Analysis(record.video_id, encoder, options.store)
    detection = detect(settings, analysis.video_scores(settings, ask_bank=ask_bank or settings.needs_bank))
    return detection, reviewed_moments(detection, record.video_id, options.store) if options.judged else []


def tell_warnings(warnings: Iterable[str]) -> None:
    """Write warnings, a long one on several lines."""
    for warning in warnings:
        for part in textwrap.wrap(printable(warning), MAX_MESSAGE, subsequent_indent="  "):
            note(part)


def tell_unfinished(path: str, options: Options, scores: Scores) -> None:
    """Write that the video is not indexed to the end, if so."""
    if not scores.complete:
        what = f"{shown_name(path)} is not indexed to the end: so far there are {len(scores)} samples."
        note(f"{what} {options.index_step(path, what)}")


def tell_verdicts(bundle: ExportBundle) -> None:
    """Write of each prompt whether it is there, and why."""
    for prompt, verdict in bundle.detection.verdicts.items():
        if prompt not in bundle.detection.settings.unflagged:
            tell_warnings([f"{short_prompt(prompt)}: {verdict.kind}. {verdict.reason}"])


def moment_count(bundle: ExportBundle) -> str:
    """Return how many moments are written, such as "3 moments" or "1 moment and 2 candidates"."""
    moments = counted(len(bundle.detection.moments), "moment")
    candidates = len(bundle.moments) - len(bundle.detection.moments)
    return f"{moments} and {counted(candidates, 'candidate')}" if candidates else moments


def settings_for(options: Options, config: Config) -> Settings:
    """Return the settings: options count before the settings file, and that before the config.

    A threshold in the config is a cosine, as on the page; it counts for the config's model where no unit is given.
    A threshold that is given without a unit takes its place.

    Raises:
        SettingsError: A setting cannot be used.
        PromptError: A prompt is empty.
        ClipVideoError: A file cannot be read, or there is no prompt at all.
    """
    base = Settings(smoothing_s=config.smoothing_s)
    if options.settings is not None:
        source, content = "The settings file", read_file(options.settings, MOST_BYTES, "--settings")
        values = read_yaml(content, source, SettingsError)
        base = settings_from(values, source)
        if "smoothing_s" not in values:
            base = replace(base, smoothing_s=config.smoothing_s)
    changes = {"prompts": _prompts(options, base, config), **_unit_and_thresholds(options, base, config)}
    if options.confidence is not None:
        changes["confidence"] = _confidence(options.confidence)
    if options.smoothing is not None:
        changes |= {"smoothing_s": options.smoothing, "smoothing_samples": None}
    if options.smoothing_samples is not None:
        changes["smoothing_samples"] = options.smoothing_samples
    if options.filter is not None:
        changes["smoothing"] = options.filter
    settings = replace(base, **changes)
    if not settings.positives:
        what = "There are no prompts, neither here nor in the configuration."
        raise ClipVideoError(what if not settings.negatives else "All prompts are negative.", "Give one: --prompt P")
    if settings.bank_share and (settings.threshold is not None or settings.thresholds):
        note(f"The settings ask that moments beat {settings.bank_share:g} % of the null bank.")
    return settings


def _prompts(options: Options, base: Settings, config: Config) -> tuple[str, ...]:
    lines = [] if options.prompts is None else _lines_of(options.prompts)
    return clean_prompts([*lines, *options.prompt] or base.prompts or config.prompts)


def _lines_of(path: str) -> list[str]:
    """Return the lines of a file of prompts, one a line; blank ones are left out."""
    name, content = shown_name(path), read_file(path, MOST_BYTES, "--prompts", PromptError)
    try:
        lines = [line.strip() for line in content.decode("utf-8-sig").splitlines()]
    except UnicodeDecodeError as error:
        raise PromptError(f"{name} is not UTF-8 text.", "Save it as UTF-8.") from error
    if len(content) > MOST_BYTES:
        raise PromptError(f"{name} is larger than 1 MB: that is not a list of prompts.", "Check --prompts.")
    if not any(lines):
        raise PromptError(f"{name} holds no prompts.", "Write one a line.")
    return [line for line in lines if line]


def _unit_and_thresholds(options: Options, base: Settings, config: Config) -> dict[str, Any]:
    own_model = options.model is None or options.model == config.model
    if config.threshold is not None and own_model and options.settings is None and options.unit is None:
        threshold = config.threshold if options.threshold is None else options.threshold
        return {"unit": "cosine", "threshold": threshold}
    changes: dict[str, Any] = {}
    if options.unit is not None and options.unit != base.unit:
        in_base_unit = base.thresholds or base.hysteresis > 0 or (base.threshold, base.score_range) != (None, None)
        if options.settings is not None and in_base_unit:
            note(f"Thresholds and ranges of the settings file are in {base.unit}: they are ignored here.")
        changes = {"unit": options.unit, "threshold": None, "thresholds": {}, "hysteresis": 0.0, "score_range": None}
    if options.threshold is not None:
        changes |= {"threshold": options.threshold, "thresholds": {}}
    return changes


def _confidence(percent: float) -> float:
    """Return a confidence in percent as a share."""
    share = round(percent / 100, 6)
    if not LEAST_CONFIDENCE <= share <= MOST_CONFIDENCE:
        allowed = f"{100 * LEAST_CONFIDENCE:g} to {100 * MOST_CONFIDENCE:g} percent"
        raise SettingsError(f"The confidence cannot be {percent:g} percent.", f"Allowed: {allowed}.")
    return share
