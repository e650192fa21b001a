"""What the session keeps of the page Evaluate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from clip_core.analysis.evaluate import Evaluation
from clip_core.evaluation.ground_truth import Truth
from clip_core.evaluation.marks import FittedThreshold, Marked
from clip_core.evaluation.sweep import Grid, SweepCell
from pages.shared.session import Remembered


class TruthFile(NamedTuple):
    """A loaded file of ground truth; ``loaded_for`` is the video that was open."""

    name: str
    truth: Truth
    loaded_for: str


@dataclass
class SweepRun:
    """A sweep in progress; it continues where it was when the page reruns.

    Attributes:
        begun_with: The settings, scores and ground truth that are swept.
        grid: The settings to try.
        cells: Yields the remaining cells.
        done: The cells that are computed.
    """

    begun_with: Evaluation
    grid: Grid
    cells: Iterator[SweepCell]
    done: list[SweepCell] = field(default_factory=list)


@dataclass
class EvaluationState:
    """The session's state of this region.

    Attributes:
        truth_file: The loaded file.
        truth_error: Why the last file could not be read, as Markdown.
        uploads: How many files were uploaded; each gets an uploader of its own.
        marks: Video id → its marks, in the order in which they were made.
        undo: Video id → its marks before each step.
        mark_prompt: The prompt to mark.
        recall_of: The prompt whose precision and recall are shown.
        sweep_run: The sweep in progress, or the last one.
        fitted: The thresholds that fit the marks.
    """

    truth_file: TruthFile | None = None
    truth_error: str | None = None
    uploads: int = 0
    marks: dict[str, tuple[Marked, ...]] = field(default_factory=dict)
    undo: dict[str, list[tuple[Marked, ...]]] = field(default_factory=dict)
    mark_prompt: str | None = None
    recall_of: str | None = None
    sweep_run: SweepRun | None = None
    fitted: Remembered[dict[str, FittedThreshold]] = field(default_factory=Remembered)
