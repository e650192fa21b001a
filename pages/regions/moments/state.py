"""What the session keeps of the moments: what is selected, in and out, and what can be undone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from clip_core.types import Annotation


class MomentId(NamedTuple):
    """Identifies a moment and its annotation; ``anchor_s`` is its peak time when it was first annotated."""

    video_id: str
    prompt: str
    anchor_s: float


@dataclass
class MomentsState:
    """The session's state of this region."""

    table_key: str = "moments"  # the table's widget key, a new one whenever the list changes
    in_table: list[MomentId] = field(default_factory=list)  # as last drawn
    ticked: list[MomentId] = field(default_factory=list)
    selected: MomentId | None = None
    show_selected: bool = False  # whether the next run goes to the start of the selected moment
    clicked_start_s: float | None = None  # where the playhead is to go, until the page takes it

    in_out_of: str | None = None  # the video of in and out
    in_out_s: dict[str, float | None] = field(default_factory=lambda: {"in": None, "out": None})
    mark_in_text: str = ""  # as it was typed, or the time at which it was pressed
    mark_out_text: str = ""
    presses: list[tuple[str, int | None]] = field(default_factory=list)  # "in" or "out", the frame of a key press
    presses_heard: tuple[float | None, int] = (None, 0)  # the browser's clock, the number of the last press

    undo_of: str | None = None  # the video of the steps
    undo: list[list[tuple[Annotation, Annotation | None]]] = field(default_factory=list)  # changed, and what it was
    error: str | None = None  # why an annotation was not stored, as Markdown, until it is drawn
    edges_form: tuple[int, str] = (0, "")  # number of the form for edges, and its moment
