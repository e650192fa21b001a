"""``evaluate``: hold the moments of a video against a truth, and try which settings would do better."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clip_core.cli import terminal
from clip_core.cli.outfile import check_out, write_out
from clip_core.cli.recipes import recipe_for
from clip_core.cli.scored import indexed, tell_cut_off, tell_unfinished
from clip_core.cli.shared import about, encoder_for, need_file, tell_notices, video_path
from clip_core.errors import TruthError, shown_name
from clip_core.text import short_prompt

if TYPE_CHECKING:
    from argparse import Namespace

    from clip_core.config import Config
    from clip_core.encoders.base import ShownEncoder
    from clip_core.evaluation.judge import Judgement
    from clip_core.evaluation.precision_recall import PrecisionRecall
    from clip_core.evaluation.sweep import Cell, Setting
    from clip_core.evaluation.truth import Truth
    from clip_core.pipeline.evaluate import Evaluation
    from clip_core.recipe import Recipe
    from clip_core.store.store import EmbeddingStore
    from clip_core.values import VideoRecord

BEST_SHOWN = 5
ADAPT = "adapt"
MOST_POINTS = 200
"""So many points of a precision–recall curve go into the JSON file."""
_HEAD = ("PROMPT", "TRUE", "FOUND", "R1@0.5", "R1@0.7", "mAP", "mAP@0.5", "mAP@0.75", "IoU", "ONSET", "MISSED", "FALSE")


def evaluate(given: Namespace, config: Config, store: EmbeddingStore) -> int:
    """Run the command; return its exit code."""
    from clip_core.pipeline.analyse import Analysis
    from clip_core.pipeline.evaluate import evaluate as judge_findings
    from clip_core.pipeline.judge_moments import reviewed_moments
    from clip_core.scoring.findings import find

    given.video = video_path(given.video, config)
    with about(given.video):
        need_file(given.video)
    truth = _read(given.truth)
    if given.json is not None:
        check_out(given.json, given.video, option="--json")
        check_out(given.json, given.truth, option="--json", source_is="the truth")
    encoder = encoder_for(given, config)
    with about(given.video):
        record = indexed(given, encoder, store)
        recipe, truth, told = _asked(given, config, truth, record, encoder)
        ask_bank = given.sweep or recipe.needs_bank
        evidence = Analysis(record.video_id, encoder, store).evidence(recipe, ask_bank=ask_bank)
        findings = find(recipe, evidence)
        judged = reviewed_moments(findings, record.video_id, store) if given.judged else []
        found = judge_findings(findings, truth, [r.moment for r in judged if r.kept] if given.judged else None)
    told += found.warnings
    for warning in told:
        terminal.note(warning)
    _show(found)
    cells, best = _sweep(found) if given.sweep else ([], None)
    if given.json is not None:
        write_out(given.json, _as_json(record, encoder, found, told, cells, best), option="--json")
    tell_unfinished(given, findings.scores)
    tell_notices(config)
    return 0


def _read(path: str) -> Truth:
    from clip_core.evaluation.read_truth import MOST_BYTES, read_truth

    try:
        with Path(path).open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "that is no path"
        raise TruthError(f"{shown_name(path)} cannot be read: {reason}.", "Check --truth.") from error
    return read_truth(content, path)


def _asked(
    given: Namespace, config: Config, truth: Truth, record: VideoRecord, encoder: ShownEncoder
) -> tuple[Recipe, Truth, list[str]]:
    """How moments are found, what the truth says of this video, and what the user should know of that."""
    from clip_core.evaluation.truth import of_video

    truth, told = of_video(truth, [record.name, record.video_id, given.video])
    recipe = recipe_for(given, replace(config, prompts=truth.prompts))
    if given.min_duration is not None:
        recipe = replace(recipe, min_duration_s=given.min_duration)
    tell_cut_off(recipe.texts, encoder)
    return recipe, truth, told


def _show(found: Evaluation) -> None:
    rows = [_row(short_prompt(judgement.prompt), judgement) for judgement in found.prompts]
    terminal.table(_HEAD, [*rows, _row("all", found.overall)], right=_HEAD[1:])
    average = found.curves[""].average_precision
    unit = found.findings.recipe.unit
    terminal.line(f"Settings: {unit}, {_words(_now(found))}{_own(found)}.")
    terminal.line("Shares in %, onsets (median error) in seconds.")
    if average is not None:
        terminal.line(f"Over all thresholds, in seconds of the video: average precision {_percent(average)} %.")


def _row(name: str, judgement: Judgement) -> tuple[str, ...]:
    shares = (
        judgement.r1_50, judgement.r1_70, judgement.map, judgement.map_50, judgement.map_75, judgement.mean_iou,
    )  # fmt: skip
    onset = "-" if judgement.onset_median_s is None else f"{judgement.onset_median_s:.2f}"
    counts = (str(judgement.missed), str(judgement.false_moments))
    return (name, str(judgement.truths), str(judgement.moments), *map(_percent, shares), onset, *counts)


def _now(found: Evaluation) -> Setting:
    from clip_core.evaluation.sweep import Setting
    from clip_core.scoring.smoothing import width_s

    recipe = found.findings.recipe
    return Setting(width_s(recipe, found.findings.scores.times_s), recipe.threshold, recipe.min_duration_s)


def _own(found: Evaluation) -> str:
    """How many prompts have a threshold of their own that is not the common one, where there is one."""
    own = len(found.findings.recipe.thresholds)
    return "" if not own else f", {own} with a threshold of {'its' if own == 1 else 'their'} own"


def _sweep(found: Evaluation) -> tuple[list[Cell], Cell]:
    """Try the usual settings, show the best few; return all, and the best."""
    from clip_core.evaluation.sweep import best_cell
    from clip_core.pipeline.evaluate import sweep_settings, usual_grid

    recipe, evidence = found.findings.recipe, found.findings.evidence
    grid = usual_grid(recipe, evidence)
    cells: list[Cell] = []
    with terminal.ProgressBar("sweep") as bar:
        for cell in sweep_settings(recipe, evidence, found.truth, grid):
            cells.append(cell)
            bar.tell(len(cells) / len(grid), f"{len(cells)} of {len(grid)} settings", len(cells) == len(grid))
    best = best_cell(grid, cells)
    others = sorted((cell for cell in cells if cell is not best), key=lambda cell: -cell.score)
    head = ("SMOOTHING", "THRESHOLD", "SHORTEST", "F1")
    shown = [best, *others[: BEST_SHOWN - 1]]
    terminal.table(head, [_cell(cell) for cell in shown], right=head)
    now, then = _percent(found.overall.f1), _percent(best.score)
    terminal.line(f"Best of {len(cells)}: {_words(best.setting)}: F1 {then} % over IoU 0.5:0.95; now {now} %.")
    return cells, best


def _cell(cell: Cell) -> tuple[str, ...]:
    setting = cell.setting
    threshold = ADAPT if setting.threshold is None else f"{setting.threshold:g}"
    return f"{setting.smoothing_s:g}", threshold, f"{setting.min_duration_s:g}", _percent(cell.score)


def _words(setting: Setting) -> str:
    shortest = f", shortest {setting.min_duration_s:g} s" if setting.min_duration_s else ""
    threshold = "thresholds that adapt" if setting.threshold is None else f"threshold {setting.threshold:g}"
    return f"{threshold}, smoothing {setting.smoothing_s:g} s{shortest}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"


def _as_json(
    record: VideoRecord,
    encoder: ShownEncoder,
    found: Evaluation,
    warnings: list[str],
    cells: list[Cell],
    best: Cell | None,
) -> str:
    """All of it as one JSON object; shares from 0 to 1, times in seconds."""
    whole: dict[str, Any] = {
        "video": {"name": record.name, "id": record.video_id},
        "model": encoder.id,
        "settings": found.findings.recipe.as_mapping(),
        "thresholds": dict(found.findings.thresholds),
        "overall": asdict(found.overall),
        "prompts": [asdict(judgement) for judgement in found.prompts],
        "moments": [asdict(moment) for moment in found.moments],
        "precision_recall": [{"prompt": prompt, **_points(curve)} for prompt, curve in found.curves.items()],
        "warnings": warnings,
    }
    if best is not None:
        whole["sweep"] = {"best": _flat(best), "cells": [_flat(cell) for cell in cells]}
    return json.dumps(whole, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def _points(curve: PrecisionRecall) -> dict[str, Any]:
    thin = curve.thinned(MOST_POINTS)
    names = ("thresholds", "precision", "recall")
    return {name: getattr(thin, name).tolist() for name in names} | {"average_precision": curve.average_precision}


def _flat(cell: Cell) -> dict[str, float | None]:
    return {**asdict(cell.setting), "f1": cell.score}
