"""What is exported of a video: moments, scores and ground truth, with the settings that made them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePath
from typing import Any

from clip_core.encoders.base import ShownEncoder
from clip_core.errors import VideoError
from clip_core.evaluation.ground_truth import Truth
from clip_core.export import formats
from clip_core.export.data_files import harmless, spikes_csv
from clip_core.export.source import Source, source_of
from clip_core.scoring.detection import MomentDetection
from clip_core.scoring.reviewed import Reviewed
from clip_core.scoring.spikes import Spike
from clip_core.types import Moment, VideoRecord
from clip_core.video.sequence import parse_sequence


@dataclass(frozen=True, eq=False)
class ExportBundle:
    """What is given away.

    Attributes:
        detection: How the moments were made.
        moments: Those to write, in their order.
        record: The video.
        path: Where it lies now.
        encoder: The model.
        judged: All moments as people judged them, rejected ones too; empty if nobody's word was asked.
        pictures: Names of the pictures that stand in place of texts, which are then the prompts; None: texts.
    """

    detection: MomentDetection
    moments: Sequence[Moment]
    record: VideoRecord
    path: str
    encoder: ShownEncoder
    judged: Sequence[Reviewed] = ()
    pictures: Sequence[str] | None = None

    @property
    def model(self) -> dict[str, str]:
        """Facts of the model by name."""
        encoder = self.encoder
        facts = {
            "id": encoder.id, "name": encoder.name, "precision": encoder.precision, "sees": encoder.framing,
            "fingerprint": encoder.fingerprint,
        }  # fmt: skip
        return {name: fact for name, fact in facts.items() if fact}

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The recipe, and what else made the moments: the model, the thresholds in force, and the verdicts."""
        found = self.detection
        return {
            **found.recipe.as_mapping(),
            **({} if self.pictures is None else {"pictures": list(self.pictures)}),
            "model": self.model,
            "video_id": self.record.video_id,
            "thresholds_in_force": {prompt: float(threshold) for prompt, threshold in found.thresholds.items()},
            "verdicts": {prompt: verdict.kind for prompt, verdict in found.verdicts.items()},
            "beats_of_null_bank": {prompt: verdict.confidence for prompt, verdict in found.verdicts.items()},
            "judged_by_hand": any(r.edit is not None for r in self.judged),
        }

    @cached_property
    def rate_note(self) -> str:
        """What the user should know of the rate that timelines count in; empty when it is the video's own."""
        return source_of(self.record).note

    @cached_property
    def source(self) -> Source:
        """The video as timelines name it: where it lies now. Looks into the file for sound.

        An upload is kept under its hash, so it is called what the visitor's file was called.
        """
        sequence, file = parse_sequence(self.path), PurePath(self.path)
        current = file.name if sequence is None else sequence.name
        name = self.record.name if file.stem == self.record.video_id else current
        placed = replace(self.record, path=str(Path(self.path).absolute()), name=name)
        return source_of(placed, has_audio=_has_sound(self.path))


def moments_file(kind: str, bundle: ExportBundle) -> bytes:
    """Return the moments as a file of a kind in ``MOMENT_FORMATS``; none at all is a valid file too.

    Prompts are all that were asked for, and behind them those of other moments, in order: combinations, and what was
    added by hand.

    Raises:
        ValueError: There is no such kind.
    """
    prompts = dict.fromkeys((*bundle.detection.scores.prompts, *(moment.prompt for moment in bundle.moments)))
    told = formats.Findings(bundle.moments, bundle.source, tuple(prompts), bundle.settings)
    return formats.write_moments(kind, told)


def scores_file(kind: str, bundle: ExportBundle) -> bytes:
    """Return the scores, in the recipe's unit and not smoothed, as a file of a kind in ``SCORE_FORMATS``.

    Raises:
        ValueError: There is no such kind.
    """
    settings: Mapping[str, Any] = bundle.settings
    return formats.write_scores(kind, bundle.detection.scores, settings)


def spikes_file(bundle: ExportBundle, spikes: Sequence[Spike]) -> bytes:
    """Return spikes of the curves as CSV: ``csv_files.SPIKE_COLUMNS``, with the video's name and the curves' unit."""
    rows = ((spike.prompt, spike.time_s, spike.change) for spike in spikes)
    return spikes_csv(rows, bundle.source.name, bundle.detection.scores.unit).encode()


def _has_sound(path: str) -> bool:
    """Whether the file has a stream of sound; False where that cannot be said."""
    if parse_sequence(path) is not None:
        return False
    from clip_core.video.probing import open_container

    try:
        with open_container(Path(path)) as container:
            return bool(container.streams.audio)
    except (VideoError, OSError):
        return False


def truth_csv(truth: Truth) -> str:
    """Return a CSV: prompt, start_s, end_s (6 decimals); a prompt that is never there has no times."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["prompt", "start_s", "end_s"])
    for span in truth.spans:
        writer.writerow([harmless(span.prompt), f"{span.start_s:.6f}", f"{span.end_s:.6f}"])
    for absence in truth.absent:
        writer.writerow([harmless(absence.prompt), "", ""])
    return out.getvalue()
