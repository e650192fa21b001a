"""What was found in a video, as it is given away: the files of its moments and scores, with all that made them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePath
from typing import Any

from clip_core.encoders.base import ShownEncoder
from clip_core.errors import VideoError
from clip_core.export import formats
from clip_core.export.csv_files import spikes_csv
from clip_core.export.source import Source
from clip_core.export.source_of import source_of
from clip_core.scoring.findings import Findings
from clip_core.scoring.reviewed import Reviewed
from clip_core.scoring.spikes import Spike
from clip_core.values import Moment, VideoRecord
from clip_core.video.sequence import parse_sequence


@dataclass(frozen=True, eq=False)
class Outcome:
    """What is given away.

    Attributes:
        findings: How the moments were made.
        moments: Those to write, in their order.
        record: The video.
        path: Where it lies now.
        encoder: The model.
        judged: All moments as people judged them, rejected ones too; empty if nobody's word was asked.
        pictures: Names of the pictures that stand in place of texts, which are then the prompts; None: texts.
    """

    findings: Findings
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
        found = self.findings
        return {
            **found.recipe.as_mapping(),
            **({} if self.pictures is None else {"pictures": list(self.pictures)}),
            "model": self.model,
            "video_id": self.record.video_id,
            "thresholds_in_force": {prompt: float(cut) for prompt, cut in found.thresholds.items()},
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


def moments_file(kind: str, outcome: Outcome) -> bytes:
    """Return the moments as a file of a kind in ``MOMENT_FORMATS``; none at all is a valid file too.

    Prompts are all that were asked for, and behind them those of other moments, in order: combinations, and what was
    added by hand.

    Raises:
        ValueError: There is no such kind.
    """
    prompts = dict.fromkeys((*outcome.findings.scores.prompts, *(moment.prompt for moment in outcome.moments)))
    told = formats.Findings(outcome.moments, outcome.source, tuple(prompts), outcome.settings)
    return formats.write_moments(kind, told)


def scores_file(kind: str, outcome: Outcome) -> bytes:
    """Return the scores, in the recipe's unit and not smoothed, as a file of a kind in ``SCORE_FORMATS``.

    Raises:
        ValueError: There is no such kind.
    """
    settings: Mapping[str, Any] = outcome.settings
    return formats.write_scores(kind, outcome.findings.scores, settings)


def spikes_file(outcome: Outcome, spikes: Sequence[Spike]) -> bytes:
    """Return spikes of the curves as CSV: ``csv_files.SPIKE_COLUMNS``, with the video's name and the curves' unit."""
    rows = ((spike.prompt, spike.time_s, spike.change) for spike in spikes)
    return spikes_csv(rows, outcome.source.name, outcome.findings.scores.unit).encode()


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
