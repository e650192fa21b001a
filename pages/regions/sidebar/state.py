"""The sidebar's state in this session."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from clip_core.analysis.analyse import Picture
from clip_core.encoders.base import UnreadWords
from clip_core.errors import ClipVideoError
from clip_core.library.videos import VideoChoice
from clip_core.settings import Settings, Templates
from clip_core.store.video_settings import StoredSettings
from clip_core.types import Unit
from pages.shared.session import region_state

TEXTS, PICTURES = KINDS = ("Texts", "Pictures")
ADAPT, ONE_FOR_ALL = MODES = ("Adapt", "One for all")
SECONDS, SAMPLES = "s", "samples"
UNKNOWN: Literal["unknown"] = "unknown"
"""In place of the stored settings: the current ones came from a link, and are not stored until they change."""
Range = tuple[float, float]


@dataclass
class KindState:
    """What belongs to prompts of one kind, texts or pictures: their scores share no axis and no threshold."""

    unit: Unit = "corrected"
    threshold_mode: str = ADAPT
    threshold: float = math.nan  # for all prompts; NaN until a model gives it
    own_thresholds: dict[str, float] = field(default_factory=dict)  # line of a prompt → its threshold
    thresholds_of: str | None = None  # the fingerprint of their model; "": of whichever is drawn next
    thresholds_set: tuple[Unit, float, dict[str, float]] | None = None  # as last set by hand, if in another unit
    limits: Range | None = None  # the ends of the sliders of scores
    limits_for: str | None = None  # the id of the video that they fit
    range: Range | None = None  # the ends of the score axis
    range_moved: bool = False
    hysteresis: float = 0.0
    filter_on: bool = False
    score_filter: tuple[float | None, float | None] = (None, None)  # None follows the limits
    unflagged: set[str] = field(default_factory=set)
    combinations: tuple[tuple[Any, ...], ...] = ()
    own_weights: dict[str, float] = field(default_factory=dict)  # line of a prompt → its weight
    shown: list[str] = field(default_factory=list)  # in the legend
    shown_known: set[str] = field(default_factory=set)  # what the legend had when ``shown`` was chosen
    prompt_numbers: dict[str, int] = field(default_factory=dict)  # they give the colours

    def drop_scale(self) -> None:
        """Forget the limits, the range and the score filter: the scores are no longer in the same unit or model."""
        self.limits, self.range_moved, self.filter_on = None, False, False


@dataclass
class SidebarState(KindState):
    """What the sidebar keeps; what it inherits is that of the kind of prompts in use."""

    video: str | None = None  # the name in the list
    video_path: str | None = ""  # "" until the list is first drawn
    video_choice: VideoChoice | None = None  # as last drawn
    video_wanted: str | None = None  # the name in a link, until the list is drawn
    id_wanted: str | None = None  # the digits of the id in a link, until the list is drawn
    video_missing: str | None = None  # the name in a link that is not in the list
    link_problem: ClipVideoError | None = None  # why the video of the id in a link was not opened
    opened_paths: list[Path] = field(default_factory=list)
    boxes: int = 0  # number of the box that adds a video, for its key
    uploads: int = 0  # number of its uploader, for its key
    uploaded: str | None = None  # the path of the last upload, until its settings are looked for
    upload_error: ClipVideoError | None = None
    path_error: str | None = None
    path_note: str | None = None

    model: str | None = None
    framing: str | None = None
    sps: float | str | None = None  # samples per second
    sends_to: frozenset[str] = frozenset()  # the hosts that frames may be sent to

    prompts: str | None = None  # the text of the list; None: as config.yaml has it
    prompt_kind: str = TEXTS
    other_kind: KindState = field(default_factory=KindState)  # that of the kind that is not in use
    templates: Templates = "none"
    offers_examples: bool = False
    own_table: tuple[int, object] = (0, None)  # number of the table of single prompts, for its key; and what it shows
    focus_asked: int = 0  # how often the cursor was to be put into the list
    unread_of: tuple[tuple[str, ...], tuple[str, ...]] | None = None  # the models and the lines that ``unread`` is for
    unread: list[tuple[str, UnreadWords]] = field(default_factory=list)  # see prompts.warn_of_unread
    pictures: dict[str, Picture] = field(default_factory=dict)
    picture_uris: dict[str, str] = field(default_factory=dict)  # picture id → thumbnail
    picture_number: int = 0  # number of the uploader, for its key
    picture_error: str | None = None
    picture_note: str | None = None
    frame_asked: bool = False  # whether the frame on the screen is to be added to the pictures

    confidence: float = Settings().confidence
    smoothing_kind: str = Settings().smoothing
    smoothing: float | None = None  # in seconds; None until it is drawn
    smoothing_samples: int | None = None
    smoothing_unit: str = SECONDS
    flagged: list[str] = field(default_factory=list)  # what the pills show
    bank_share: int = 0
    min_gap_s: float = 0.0
    min_duration_s: float = 0.0
    pad_s: float = 0.0
    across_cuts: bool = False
    filter_ends: Range = (0.0, 0.0)  # what the slider of the score filter shows
    time_range: Range | None = None
    time_range_of: str | None = None  # the id of its video
    time_ends: Range = (0.0, 0.0)  # what its slider shows

    link_read: bool = False
    link_given: bool = False  # whether the page's address gave settings, until the first video's are looked for
    link_error: str | None = None
    loaded_settings: bytes | None = None  # a settings file that was uploaded in the last run
    settings_number: int = 0  # number of its uploader, for its key
    settings_error: str | None = None
    asks_start_over: bool = False
    settings_of: tuple[object, str | None] = (None, None)  # path and stamp of the chosen video; its id if it is known
    settings_id: str | None = None  # the id of the video whose settings were last looked for
    settings_left: dict[str, StoredSettings] = field(default_factory=dict)  # video id → as this session left it
    stored_settings: StoredSettings | Literal["unknown"] | None = None  # those of ``settings_id`` in the store
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
