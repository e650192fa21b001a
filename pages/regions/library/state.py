"""What the page Library remembers in this session."""

from __future__ import annotations

from dataclasses import dataclass, field

from clip_core.config import Crop
from clip_core.errors import ClipVideoError
from clip_core.indexing.activity import FreshActivities
from clip_core.retrieval.duplicates import Duplicate
from clip_core.retrieval.unusual import UnusualShot

VIDEOS, QUEUE, DUPLICATES, UNUSUAL = LISTS = ("Videos", "Queue", "Duplicates", "Unusual shots")


@dataclass(frozen=True)
class IndexAsk:
    """Files that the user has asked to index, until their model is loaded and they are queued.

    Attributes:
        paths: The files; empty if only a folder is to be watched.
        model, crop, rate: The model's name, what it sees of a frame, and samples per second (None: every frame).
        watch: A folder to watch from now on, or None.
    """

    paths: tuple[str, ...]
    model: str
    crop: Crop | None
    rate: float | None
    watch: str | None = None


@dataclass
class LibraryState:
    """The session's state of the page.

    Attributes:
        error, note: What the last action came to, and what else is to be said of it.
        ask: What is to be queued as soon as its model is loaded.
        library_view: Which list is shown.
        library_find, library_show: Which videos are listed.
        library_sort, falling, page: In which order, and which page of them, from 0.
        library_all: Whether actions are for all videos that were found, not only for the rows that are ticked.
        boxes, uploads: Numbers of the box that adds videos and of its uploader, for their keys.
        library_model, library_rate: What to index with; None: as config.yaml says.
        asks_cancel: Whether the row of the queue asks if all is to be cancelled.
        redrawn_s, ended: When the page was last redrawn for the queue, and how many tasks had ended then.
        lookalikes: What was last found: of which store and model, the duplicates and the unusual shots.
        fresh: Tells which of the processes that index into the store are alive.
        relinked: The folder that was last searched for moved files.
    """

    error: ClipVideoError | None = None
    note: str = ""
    ask: IndexAsk | None = None
    library_view: str = VIDEOS
    library_find: str = ""
    library_sort: str = "Added"
    falling: bool = True
    library_show: str = "All"
    page: int = 0
    library_all: bool = False
    boxes: int = 0
    uploads: int = 0
    library_model: str | None = None
    library_rate: float | str | None = None
    asks_cancel: bool = False
    redrawn_s: float = 0.0
    ended: int = 0
    lookalikes: tuple[str, list[Duplicate], list[UnusualShot]] | None = None
    relinked: str | None = None
    fresh: FreshActivities = field(default_factory=FreshActivities)
