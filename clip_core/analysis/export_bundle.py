"""Export moments, scores and ground truth of a video, with the settings that produced them."""

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
    """Everything that an exported file is made from.

    Attributes:
        detection: How the moments were computed.
        moments: The moments to write, in this order.
        record: The video.
        path: Where the video lies now.
        encoder: The model.
        judged: All moments with their annotations, rejected ones too; empty if annotations are not used.
        pictures: Names of the pictures that serve as prompts; None if the prompts are texts.
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
        """Facts about the model by name; empty ones are left out."""
        encoder = self.encoder
        facts = {
            "id": encoder.id, "name": encoder.name, "precision": encoder.precision, "sees": encoder.framing,
            "fingerprint": encoder.fingerprint,
        }  # fmt: skip
        return {name: fact for name, fact in facts.items() if fact}

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The settings, with the model, the thresholds in force and the verdicts."""
        found = self.detection
        return {
            **found.settings.as_mapping(),
            **({} if self.pictures is None else {"pictures": list(self.pictures)}),
            "model": self.model,
            "video_id": self.record.video_id,
            "thresholds_in_force": {prompt: float(threshold) for prompt, threshold in found.thresholds.items()},
            "verdicts": {prompt: verdict.kind for prompt, verdict in found.verdicts.items()},
            "beats_of_null_bank": {prompt: verdict.confidence for prompt, verdict in found.verdicts.items()},
            "judged_by_hand": any(r.annotation is not None for r in self.judged),
        }

    @cached_property
    def rate_note(self) -> str:
        """What the user should know about the frame rate of timelines; empty if it is the video's own."""
        return source_of(self.record).note

    @cached_property
    def source(self) -> Source:
        """The video as timelines refer to it, at its current path. Opens the file to look for sound.

        An uploaded file is named by its hash, so the source has the name of the file that the user uploaded.
        """
        sequence, file = parse_sequence(self.path), PurePath(self.path)
        current = file.name if sequence is None else sequence.name
        name = self.record.name if file.stem == self.record.video_id else current
        placed = replace(self.record, path=str(Path(self.path).absolute()), name=name)
        return source_of(placed, has_audio=_has_sound(self.path))


def moments_file(kind: str, bundle: ExportBundle) -> bytes:
    """Return the moments as a file of a kind in ``MOMENT_FORMATS``; without moments the file is valid too.

    The file lists all prompts of the detection first, then the prompts of other moments (combinations and moments
    added by hand) in their order.

    Raises:
        ValueError: There is no such kind.
    """
    prompts = dict.fromkeys((*bundle.detection.scores.prompts, *(moment.prompt for moment in bundle.moments)))
    told = formats.MomentExport(bundle.moments, bundle.source, tuple(prompts), bundle.settings)
    return formats.write_moments(kind, told)


def scores_file(kind: str, bundle: ExportBundle) -> bytes:
    """Return the scores, in the unit of the settings and not smoothed, as a file of a kind in ``SCORE_FORMATS``.

    Raises:
        ValueError: There is no such kind.
    """
    settings: Mapping[str, Any] = bundle.settings
    return formats.write_scores(kind, bundle.detection.scores, settings)


def spikes_file(bundle: ExportBundle, spikes: Sequence[Spike]) -> bytes:
    """Return spikes of the curves as CSV with the columns ``data_files.SPIKE_COLUMNS``."""
    rows = ((spike.prompt, spike.time_s, spike.change) for spike in spikes)
    return spikes_csv(rows, bundle.source.name, bundle.detection.scores.unit).encode()


def _has_sound(path: str) -> bool:
    """Return whether the file has an audio stream; False if it cannot be read."""
    if parse_sequence(path) is not None:
        return False
    from clip_core.video.decoding import open_container

    try:
        with open_container(Path(path)) as container:
            return bool(container.streams.audio)
    except (VideoError, OSError):
        return False


def truth_csv(truth: Truth) -> str:
    """Return ground truth as CSV: prompt, start_s, end_s (6 decimals); a prompt that never occurs has empty times."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["prompt", "start_s", "end_s"])
    for span in truth.spans:
        writer.writerow([harmless(span.prompt), f"{span.start_s:.6f}", f"{span.end_s:.6f}"])
    for absence in truth.absent:
        writer.writerow([harmless(absence.prompt), "", ""])
    return out.getvalue()
