"""Read computed moments together with their annotations; write annotations one at a time."""

from __future__ import annotations

from clip_core.errors import NotIndexedError
from clip_core.scoring.combine import Combination
from clip_core.scoring.detection import MomentDetection
from clip_core.scoring.reviewed import Reviewed, review
from clip_core.store.store import EmbeddingStore
from clip_core.types import Edit


def reviewed_moments(detection: MomentDetection, video_id: str, store: EmbeddingStore) -> list[Reviewed]:
    """Return the annotated moments, then those that exist only as annotations, then the candidates.

    Annotations of prompts that are not in use now are left out: there is no curve to measure them by.

    Raises:
        StoreError: The store cannot be read.
    """
    asked = {*detection.scores.prompts, *(Combination(*given).name for given in detection.recipe.combinations)}
    edits = [edit for edit in store.edits(video_id) if edit.prompt in asked]
    return review(detection.moments, edits, detection.measure, detection.candidates)


def keep_edit(video_id: str, edit: Edit, store: EmbeddingStore) -> Edit | None:
    """Store an annotation; return the one that it replaces, for undo.

    Raises:
        NotIndexedError: The video was forgotten.
        StoreError: The store cannot be written.
    """
    if store.video(video_id) is None:
        raise NotIndexedError("This video was forgotten, and its judgements with it.", "Index it again.")
    before = _same(video_id, edit, store)
    store.put_edit(video_id, edit)
    return before


def take_edit_back(video_id: str, edit: Edit, store: EmbeddingStore) -> Edit | None:
    """Withdraw an annotation; return the one that was in force, for undo.

    Raises:
        StoreError: The store cannot be written.
    """
    before = _same(video_id, edit, store)
    store.withdraw_edit(video_id, edit)
    return before


def _same(video_id: str, edit: Edit, store: EmbeddingStore) -> Edit | None:
    known = store.edits(video_id)
    return next((e for e in known if (e.prompt, e.anchor_s) == (edit.prompt, edit.anchor_s)), None)
