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
    """The session's state of this region.

    Attributes:
        table_key: The widget key of the table of moments; it gets another one whenever the list changes.
        in_table, ticked: The moments in the table as last drawn, and those whose boxes were ticked then.
        selected: The selected moment.
        show_selected: Whether the next run goes to the start of the selected moment.
        clicked_start_s: Where the playhead is to go, until the page takes it.
        in_out_of: The video to which in and out belong.
        in_out_s: In and out in seconds, None if not set.
        mark_in_text, mark_out_text: In and out as they were typed, or the time at which they were pressed.
        presses: What was pressed since the last run: "in" or "out", and the frame on the screen if a key was pressed.
        presses_heard: The browser's clock and the number of its last press that was recorded.
        undo_of, undo: A video, and its steps: each annotation that was changed, with what it was before.
        error: Why an annotation was not stored, as Markdown, until it is drawn.
        edges_form: How many forms for edges there were, and the moment of the last one.
    """

    table_key: str = "moments"
    in_table: list[MomentId] = field(default_factory=list)
    ticked: list[MomentId] = field(default_factory=list)
    selected: MomentId | None = None
    show_selected: bool = False
    clicked_start_s: float | None = None
    in_out_of: str | None = None
    in_out_s: dict[str, float | None] = field(default_factory=lambda: {"in": None, "out": None})
    mark_in_text: str = ""
    mark_out_text: str = ""
    presses: list[tuple[str, int | None]] = field(default_factory=list)
    presses_heard: tuple[float | None, int] = (None, 0)
    undo_of: str | None = None
    undo: list[list[tuple[Annotation, Annotation | None]]] = field(default_factory=list)
    error: str | None = None
    edges_form: tuple[int, str] = (0, "")
