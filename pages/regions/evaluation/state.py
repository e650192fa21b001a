"""What the session keeps of the page Evaluate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from clip_core.analysis.evaluate import Evaluation
from clip_core.evaluation.ground_truth import Truth
from clip_core.evaluation.marks import FittedThreshold, Mark
from clip_core.evaluation.sweep import Grid, SweepCell
from pages.shared.session import Remembered


class TruthFile(NamedTuple):
    """A loaded file of ground truth; ``loaded_for`` is the video that was open."""

    name: str
    truth: Truth
    loaded_for: str


@dataclass
class SweepRun:
    """A sweep of the settings of ``begun_with``; it continues where it was when the page reruns."""

    begun_with: Evaluation
    grid: Grid
    cells: Iterator[SweepCell]  # those that are still to be computed
    done: list[SweepCell] = field(default_factory=list)


@dataclass
class EvaluationState:
    """The session's state of this region."""

    truth_file: TruthFile | None = None
    truth_error: str | None = None  # why the last file could not be read, as Markdown
    uploads: int = 0  # each upload has an uploader of its own
    marks: dict[str, tuple[Mark, ...]] = field(default_factory=dict)  # by video id, in the order of making
    undo: dict[str, list[tuple[Mark, ...]]] = field(default_factory=dict)  # by video id: the marks before each step
    mark_prompt: str | None = None  # the prompt to mark
    recall_of: str | None = None  # the prompt whose precision and recall are shown
    sweep_run: SweepRun | None = None
    fitted: Remembered[dict[str, FittedThreshold]] = field(default_factory=Remembered)
