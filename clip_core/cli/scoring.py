"""What commands share that score prompts and find moments: the settings, the indexed video, its moments, and notes."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from clip_core.analysis.analyse import Analysis
from clip_core.analysis.annotations import reviewed_moments
from clip_core.analysis.export_bundle import ExportBundle
from clip_core.analysis.score_prompts import clean_prompts
from clip_core.cli.files import read_file
from clip_core.cli.options import Options, about
from clip_core.cli.terminal import count, note
from clip_core.config import Config
from clip_core.encoders.base import Encoder, ShownEncoder
from clip_core.errors import MAX_MESSAGE, ClipVideoError, NotIndexedError, PromptError, SettingsError, shown_name
from clip_core.library.identify import identify, known_video, reindex_error
from clip_core.scoring.detection import detect
from clip_core.settings import LEAST_CONFIDENCE, MOST_CONFIDENCE, Settings, read_settings
from clip_core.text import short_prompt
from clip_core.types import Scores, VideoRecord
from clip_core.video import open_video

MOST_BYTES = 1_000_000
"""So large may a file of settings or prompts be."""
MOST_CUT_SHOWN = 100


def indexed_video(path: str, options: Options, encoder: Encoder) -> VideoRecord:
    """Return what the store knows of a video, which may have been renamed since it was indexed.

    Raises:
        NotIndexedError: It was never indexed with this model, or must be indexed again.
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
    if (error := reindex_error(record)) is not None:
        raise NotIndexedError(error.what, options.index_step(path, error.what))
    return record


def find_bundle(path: str, options: Options) -> ExportBundle:
    """Find the moments of a video as the options ask.

    Raises:
        VideoError: It is no video.
        NotIndexedError: It was never indexed with this model.
        SettingsError: A setting cannot be used, or asks for what is not there.
        ClipVideoError: Anything else that keeps moments from being found.
    """
    settings = settings_for(options, options.config)
    encoder = options.load_encoder()
    tell_cut_off(settings.texts, encoder)
    with about(path):
        record = indexed_video(path, options, encoder)
        analysis = Analysis(record.video_id, encoder, options.store)
        found = detect(settings, analysis.video_scores(settings, ask_bank=settings.needs_bank))
        judged = reviewed_moments(found, record.video_id, options.store) if options.judged else []
    tell_unfinished(path, options, found.scores)
    if options.judged:
        kept, waiting = [r.moment for r in judged if r.kept], [r.moment for r in judged if r.is_candidate]
        found = replace(found, moments=kept, candidates=waiting)
    moments = [*found.moments, *(found.candidates if options.candidates else ())]
    return ExportBundle(found, moments, record, path, encoder, judged)


def tell_cut_off(prompts: Sequence[str], encoder: ShownEncoder) -> None:
    """Write what of each prompt the model does not read."""
    for prompt, words in zip(prompts, encoder.cut_off(prompts), strict=True):
        if words:
            note(f"The model does not read all of “{short_prompt(prompt)}”. Not read: “{words[:MOST_CUT_SHOWN]}”")


def tell_unfinished(path: str, options: Options, scores: Scores) -> None:
    """Write that the video is not indexed to the end, if so."""
    if not scores.complete:
        what = f"{shown_name(path)} is not indexed to the end: so far there are {len(scores)} samples."
        note(f"{what} {options.index_step(path, what)}")


def tell_verdicts(bundle: ExportBundle) -> None:
    """Write of each prompt whether it is there, and why."""
    for prompt, verdict in bundle.detection.verdicts.items():
        if prompt not in bundle.detection.settings.unflagged:
            reason = f"{short_prompt(prompt)}: {verdict.kind}. {verdict.reason}"
            for line in textwrap.wrap(reason, MAX_MESSAGE, subsequent_indent="  "):
                note(line)


def counted(bundle: ExportBundle) -> str:
    """Return how many moments are written, such as "3 moments" or "1 moment and 2 candidates"."""
    moments = count(len(bundle.detection.moments), "moment")
    candidates = len(bundle.moments) - len(bundle.detection.moments)
    return f"{moments} and {count(candidates, 'candidate')}" if candidates else moments


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
        content = read_file(options.settings, MOST_BYTES, "--settings")
        base = read_settings(content)
        if "smoothing_s" not in _keys_of(content):
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
        raise ClipVideoError(
            what if not settings.negatives else "All prompts are negative ones.", "Give one: --prompt P"
        )
    if settings.bank_share and (settings.threshold is not None or settings.thresholds):
        note(f"The settings ask that moments beat {settings.bank_share:g} % of the null bank.")
    return settings


def _keys_of(content: bytes) -> Collection[str]:
    """Return the keys of a settings file that has been checked."""
    keys: Collection[str] = yaml.safe_load(content.decode("utf-8-sig")) or ()
    return keys


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
        raise PromptError(f"{name} is larger than 1 MB: that is no list of prompts.", "Check --prompts.")
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
            note(f"Thresholds and ranges of the settings file are in {base.unit}: they do not count here.")
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
