"""The sidebar's state in this session."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from clip_core.analysis.analyse import Picture
from clip_core.errors import ClipVideoError
from clip_core.library.videos import VideoChoice
from clip_core.settings import Settings, Templates
from clip_core.store.store import StoredSettings
from clip_core.types import Unit
from pages.shared.session import region_state

TEXTS, PICTURES = KINDS = ("Texts", "Pictures")
ADAPT, ONE_FOR_ALL = MODES = ("Adapt", "One for all")
SECONDS, SAMPLES = "s", "samples"
UNKNOWN: Literal["unknown"] = "unknown"
Range = tuple[float, float]


@dataclass
class KindState:
    """What belongs to prompts of one kind, texts or pictures: their scores share no axis and no threshold.

    Attributes:
        threshold: For all prompts, in the unit in force; NaN until a model gives it.
        own_thresholds, own_weights: Line of a prompt → its own threshold or weight.
        thresholds_of: The fingerprint of the model that the thresholds belong to; "": of whichever is drawn next.
        thresholds_set: Unit, common and own thresholds as they were last set by hand; None: as they are now.
        range, range_moved: The ends of the score axis, and whether the visitor moved them.
        limits, limits_for: The ends of the sliders, and the id of the video that they fit.
        score_filter: The ends of the score filter; None follows the limits.
        shown, shown_known: The prompts that the legend shows, and those that it had when they were chosen.
        prompt_numbers: Prompt → the number that gives its colour.
    """

    unit: Unit = "corrected"
    threshold_mode: str = ADAPT
    threshold: float = math.nan
    own_thresholds: dict[str, float] = field(default_factory=dict)
    own_weights: dict[str, float] = field(default_factory=dict)
    thresholds_of: str | None = None
    thresholds_set: tuple[Unit, float, dict[str, float]] | None = None
    range: Range | None = None
    range_moved: bool = False
    limits: Range | None = None
    limits_for: str | None = None
    hysteresis: float = 0.0
    filter_on: bool = False
    score_filter: tuple[float | None, float | None] = (None, None)
    unflagged: set[str] = field(default_factory=set)
    combinations: tuple[tuple[Any, ...], ...] = ()
    shown: list[str] = field(default_factory=list)
    shown_known: set[str] = field(default_factory=set)
    prompt_numbers: dict[str, int] = field(default_factory=dict)

    def drop_scale(self) -> None:
        """Forget the limits, the range and the score filter: the scores are no longer in the same unit or model."""
        self.limits, self.range_moved, self.filter_on = None, False, False


@dataclass
class SidebarState(KindState):
    """What the sidebar keeps; what belongs to one kind of prompts is that of the kind in use.

    Attributes:
        video, video_path: The name in the list and the path of the chosen video; "" before the list is first drawn.
        video_choice: The video that was last drawn.
        video_wanted, video_missing: The video that a link names, until the list is drawn; and if it is not listed.
        opened_paths: The videos that were opened by path.
        boxes, uploads: Numbers of the box that adds a video and of its uploader, for their keys.
        uploaded: The path of the last upload, until its settings are looked for.
        sends_to: The hosts that frames may be sent to.
        prompts: The text of the list; None: as config.yaml has it.
        other_kind: What belongs to the kind of prompts that is not in use.
        own_table: The number of the table of single prompts, for its key, and what it shows.
        focus_asked: How often the cursor was to be put into the list of texts.
        truncated_of, truncated: Model and prompts, and which of them are longer than the model reads: (text, the end).
        picture_uris: Picture id → thumbnail.
        smoothing, smoothing_samples: The width in seconds and in samples; None until it is drawn.
        filter_ends, time_ends: What the sliders of the score filter and of the time range show.
        time_range_of: The id of the video that ``time_range`` is for.
        link_read, link_given: Whether the page's address was read; whether settings in it still count as new.
        settings_of: Path and stamp of the video whose settings are in force, and its id, if known.
        settings_id: Its id, once its settings were looked for.
        settings_left: Video id → the settings with which this session left it.
        stored_settings: What is stored of them; ``UNKNOWN``: they came from a link, and are stored when they change.
    """

    video: str | None = None
    video_path: str | None = ""
    video_choice: VideoChoice | None = None
    video_wanted: str | None = None
    video_missing: str | None = None
    opened_paths: list[Path] = field(default_factory=list)
    boxes: int = 0
    uploads: int = 0
    uploaded: str | None = None
    upload_error: ClipVideoError | None = None
    path_error: str | None = None
    path_note: str | None = None

    model: str | None = None
    framing: str | None = None
    sps: float | str | None = None
    sends_to: frozenset[str] = frozenset()

    prompts: str | None = None
    prompt_kind: str = TEXTS
    other_kind: KindState = field(default_factory=KindState)
    templates: Templates = "none"
    offers_examples: bool = False
    own_table: tuple[int, object] = (0, None)
    focus_asked: int = 0
    truncated_of: tuple[str, tuple[str, ...]] | None = None
    truncated: list[tuple[str, str]] = field(default_factory=list)
    pictures: dict[str, Picture] = field(default_factory=dict)
    picture_uris: dict[str, str] = field(default_factory=dict)
    picture_number: int = 0
    picture_error: str | None = None
    picture_note: str | None = None
    frame_asked: bool = False

    confidence: float = Settings().confidence
    smoothing_kind: str = Settings().smoothing
    smoothing: float | None = None
    smoothing_samples: int | None = None
    smoothing_unit: str = SECONDS
    flagged: list[str] = field(default_factory=list)
    bank_share: int = 0
    min_gap_s: float = 0.0
    min_duration_s: float = 0.0
    pad_s: float = 0.0
    across_cuts: bool = False
    filter_ends: Range = (0.0, 0.0)
    time_range: Range | None = None
    time_range_of: str | None = None
    time_ends: Range = (0.0, 0.0)

    link_read: bool = False
    link_given: bool = False
    link_error: str | None = None
    loaded_settings: bytes | None = None
    settings_number: int = 0
    settings_error: str | None = None
    asks_start_over: bool = False
    settings_of: tuple[object, str | None] = (None, None)
    settings_id: str | None = None
    settings_left: dict[str, StoredSettings] = field(default_factory=dict)
    stored_settings: StoredSettings | Literal["unknown"] | None = None
    keep_error: str | None = None

    def swap_kind(self) -> None:
        """Put aside what belongs to the kind of prompts in use, and take what belongs to the other."""
        names = [f.name for f in fields(KindState)]
        aside = KindState(**{name: getattr(self, name) for name in names})
        for name in names:
            setattr(self, name, getattr(self.other_kind, name))
        self.other_kind = aside


def sidebar_state() -> SidebarState:
    """Return this session's state of the sidebar."""
    return region_state(SidebarState)
