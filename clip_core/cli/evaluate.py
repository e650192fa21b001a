"""``evaluate``: compare the moments of a video with a ground truth, and try which settings would do better."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

import click

from clip_core.analysis.evaluate import Evaluation, evaluate, sweep_settings, usual_grid
from clip_core.analysis.score_prompts import unread_notes
from clip_core.cli import terminal
from clip_core.cli.files import check_file, read_file, write_file
from clip_core.cli.options import Options, about, command, number, place
from clip_core.cli.scoring import (
    detected,
    indexed_video,
    moment_options,
    settings_for,
    tell_unfinished,
    tell_warnings,
)
from clip_core.errors import TruthError
from clip_core.evaluation.ground_truth import MOST_BYTES, of_video, read_truth
from clip_core.evaluation.metrics import Metrics
from clip_core.evaluation.precision_recall import PrecisionRecall
from clip_core.evaluation.sweep import Setting, SweepCell, best_cell
from clip_core.scoring.smoothing import width_s
from clip_core.text import short_prompt

BEST_SHOWN = 5
LONGEST_S = 86_400
MOST_POINTS = 200
"""The most points of a precision–recall curve in the JSON file."""
SHARES = {
    "R1@0.5": "r1_50", "R1@0.7": "r1_70", "mAP": "map", "mAP@0.5": "map_50", "mAP@0.75": "map_75", "IoU": "mean_iou",
}  # fmt: skip
"""Title of a column → field of ``Metrics``."""
HEADER = ("PROMPT", "TRUE", "FOUND", *SHARES, "ONSET", "MISSED", "FALSE")
SHORTEST = "drop shorter moments, in seconds (default: that of the settings, else 0)"
_seconds = number(0, LONGEST_S, f"not a number of seconds from 0 to {LONGEST_S}")


@command(
    "evaluate holiday.mp4 --truth truth.csv --sweep --json result.json",
    shared=moment_options("those of the settings, else the truth's"),
)
@click.option("--truth", "truth_file", metavar="FILE", type=place, required=True, help="CSV, JSON Lines or JSON")
@click.option("--min-duration", "shortest_s", metavar="S", type=_seconds, help=SHORTEST)
@click.option("--sweep", is_flag=True, help="try smoothing x threshold x shortest duration")
@click.option("--json", "out", metavar="OUT", type=place, help="write the whole result to a file")
def run_evaluate(
    options: Options, video: str, truth_file: str, shortest_s: float | None, sweep: bool, out: str | None
) -> None:
    """Compare the moments of an indexed video with a ground truth.

    The ground truth is CSV (prompt,start,end; in seconds or HH:MM:SS.mmm; a prompt alone is never there) or
    QVHighlights JSON Lines. The table shows R1, mAP, onset errors, missed and false moments. Moments are found as by
    `moments`; --sweep tries other settings. VIDEO is named as for `index`.
    """
    path = options.video_path(video)
    truth = read_truth(read_file(truth_file, MOST_BYTES, "--truth", TruthError), truth_file)
    if out is not None:
        check_file(out, "--json", video=path, truth=truth_file)
    encoder = options.load_encoder()
    with about(path):
        record = indexed_video(path, options, encoder)
        truth, warnings = of_video(truth, [record.name, record.video_id, path])
        settings = settings_for(options, replace(options.config, prompts=truth.prompts))
        if shortest_s is not None:
            settings = replace(settings, min_duration_s=shortest_s)
        warnings = [*unread_notes(settings.texts, encoder), *warnings]
        detection, judged = detected(record, settings, encoder, options, ask_bank=sweep)
        evaluation = evaluate(detection, truth, [r.moment for r in judged if r.kept] if options.judged else None)
    warnings += evaluation.warnings
    tell_warnings(warnings)
    _show(evaluation)
    swept = _sweep(evaluation) if sweep else None
    if out is not None:
        video_facts = {"video": {"name": record.name, "id": record.video_id}, "model": encoder.id}
        write_file(out, _as_json(video_facts, evaluation, warnings, swept), "--json")
    tell_unfinished(path, options, detection.scores)
    options.tell_notices()


def _show(evaluation: Evaluation) -> None:
    rows = [_row(short_prompt(metrics.prompt), metrics) for metrics in evaluation.prompts]
    terminal.table(HEADER, [*rows, _row("all", evaluation.overall)], right=HEADER[1:])
    settings, average = evaluation.detection.settings, evaluation.curves[""].average_precision
    smoothing_s = width_s(settings, evaluation.detection.scores.times_s)
    own = len(settings.thresholds)
    also = "" if not own else f", {own} with a threshold of {'its' if own == 1 else 'their'} own"
    words = _words(Setting(smoothing_s, settings.threshold, settings.min_duration_s))
    terminal.line(f"Settings: {settings.unit}, {words}{also}.")
    terminal.line("Shares in %, onsets (median error) in seconds.")
    if average is not None:
        terminal.line(f"Over all thresholds, in seconds of the video: average precision {_percent(average)} %.")


def _row(name: str, metrics: Metrics) -> tuple[str, ...]:
    shares = (_percent(getattr(metrics, field)) for field in SHARES.values())
    onset = "-" if metrics.onset_median_s is None else f"{metrics.onset_median_s:.2f}"
    counts = (str(metrics.missed), str(metrics.false_moments))
    return (name, str(metrics.truths), str(metrics.moments), *shares, onset, *counts)


def _sweep(evaluation: Evaluation) -> tuple[list[SweepCell], SweepCell]:
    """Try the usual settings and show the best few; return all, and the best."""
    settings, video_scores = evaluation.detection.settings, evaluation.detection.video_scores
    grid = usual_grid(settings, video_scores)
    cells: list[SweepCell] = []
    with terminal.ProgressBar("sweep") as bar:
        for cell in sweep_settings(settings, video_scores, evaluation.truth, grid):
            cells.append(cell)
            bar.update(len(cells) / len(grid), f"{len(cells)} of {len(grid)} settings", len(cells) == len(grid))
    best = best_cell(grid, cells)
    ranked = sorted((cell for cell in cells if cell is not best), key=lambda cell: -cell.score)
    header = ("SMOOTHING", "THRESHOLD", "SHORTEST", "F1")
    terminal.table(header, [_cell_row(cell) for cell in (best, *ranked[: BEST_SHOWN - 1])], right=header)
    now, then = _percent(evaluation.overall.f1), _percent(best.score)
    terminal.line(f"Best of {len(cells)}: {_words(best.setting)}: F1 {then} % over IoU 0.5:0.95; now {now} %.")
    return cells, best


def _cell_row(cell: SweepCell) -> tuple[str, ...]:
    setting = cell.setting
    threshold = "adapt" if setting.threshold is None else f"{setting.threshold:g}"
    return f"{setting.smoothing_s:g}", threshold, f"{setting.min_duration_s:g}", _percent(cell.score)


def _words(setting: Setting) -> str:
    shortest = f", shortest {setting.min_duration_s:g} s" if setting.min_duration_s else ""
    threshold = "thresholds that adapt" if setting.threshold is None else f"threshold {setting.threshold:g}"
    return f"{threshold}, smoothing {setting.smoothing_s:g} s{shortest}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"


def _as_json(
    facts: dict[str, Any], evaluation: Evaluation, warnings: list[str], swept: tuple[list[SweepCell], SweepCell] | None
) -> str:
    """Return all of it as one JSON object; shares from 0 to 1, times in seconds."""
    whole = {
        **facts,
        "settings": evaluation.detection.settings.as_mapping(),
        "thresholds": dict(evaluation.detection.thresholds),
        "overall": asdict(evaluation.overall),
        "prompts": [asdict(metrics) for metrics in evaluation.prompts],
        "moments": [asdict(moment) for moment in evaluation.moments],
        "precision_recall": [{"prompt": prompt, **_points(curve)} for prompt, curve in evaluation.curves.items()],
        "warnings": warnings,
    }
    if swept is not None:
        cells, best = swept
        whole["sweep"] = {"best": _flat(best), "cells": [_flat(cell) for cell in cells]}
    return json.dumps(whole, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def _points(curve: PrecisionRecall) -> dict[str, Any]:
    thin = curve.thinned(MOST_POINTS)
    names = ("thresholds", "precision", "recall")
    return {name: getattr(thin, name).tolist() for name in names} | {"average_precision": curve.average_precision}


def _flat(cell: SweepCell) -> dict[str, float | None]:
    return {**asdict(cell.setting), "f1": cell.score}
