"""Read computed moments together with their annotations; write annotations one at a time."""

from __future__ import annotations

from clip_core.errors import NotIndexedError
from clip_core.scoring.combine import Combination
from clip_core.scoring.detection import MomentDetection
from clip_core.scoring.reviewed import Reviewed, review
from clip_core.store.store import EmbeddingStore
from clip_core.types import Annotation


def reviewed_moments(detection: MomentDetection, video_id: str, store: EmbeddingStore) -> list[Reviewed]:
    """Return the annotated moments, then those that exist only as annotations, then the candidates.

    Annotations of prompts that are not in use now are left out: there is no curve to measure them by.

    Raises:
        StoreError: The store cannot be read.
    """
    asked = {*detection.scores.prompts, *(Combination(*given).name for given in detection.settings.combinations)}
    annotations = [annotation for annotation in store.annotations(video_id) if annotation.prompt in asked]
    return review(detection.moments, annotations, detection.measure, detection.candidates)


def keep_annotation(video_id: str, annotation: Annotation, store: EmbeddingStore) -> Annotation | None:
    """Store an annotation; return the one that it replaces, for undo.

    Raises:
        NotIndexedError: The video was forgotten.
        StoreError: The store cannot be written.
    """
    if store.video(video_id) is None:
        raise NotIndexedError("This video was forgotten, and its judgements with it.", "Index it again.")
    before = _same(video_id, annotation, store)
    store.put_annotation(video_id, annotation)
    return before


def withdraw_annotation(video_id: str, annotation: Annotation, store: EmbeddingStore) -> Annotation | None:
    """Withdraw an annotation; return the one that was in force, for undo.

    Raises:
        StoreError: The store cannot be written.
    """
    before = _same(video_id, annotation, store)
    store.withdraw_annotation(video_id, annotation)
    return before


def _same(video_id: str, annotation: Annotation, store: EmbeddingStore) -> Annotation | None:
    known = store.annotations(video_id)
    return next((e for e in known if (e.prompt, e.anchor_s) == (annotation.prompt, annotation.anchor_s)), None)
