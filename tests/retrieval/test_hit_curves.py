"""The curve of a query around a hit, on planted shots."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from clip_core import EmbeddingStore
from clip_core.retrieval.hit_curves import MOST_FRAMES, best_text, hit_curves
from clip_core.retrieval.query import Like, SearchQuery, parse_query
from clip_core.retrieval.results import Hit
from clip_core.retrieval.target import target_of
from tests.support.real_films import Pairs
from tests.support.row_library import RowEncoder, store_video


def test_the_curve_of_a_hit_is_that_of_its_surroundings(tmp_path: Path) -> None:
    pairs, store = Pairs(), EmbeddingStore(tmp_path)
    encoder = RowEncoder(pairs.images, pairs.captions, list(range(300)))
    rows = np.repeat([400, 410, 420], 20)  # three shots of 20 s, a frame a second
    video_id = store_video(store, encoder, "a.mp4", pairs.images[rows].astype(np.float32))
    query = SearchQuery(like=Like(video_id, 25.0, 26.0))
    hits = [
        Hit(video_id, "a.mp4", start_s, start_s + 6, start_s + 1, int(start_s) + 1, 1, 1) for start_s in (20.0, 54.0)
    ]
    middle, last = hit_curves(hits, target_of(query, encoder, store), encoder, store)
    assert middle.times_s.tolist() == list(range(14, 32))
    cosines = pairs.images[rows[14:32]] @ pairs.images[410]
    assert np.allclose(middle.values, cosines, atol=2e-3)  # vectors are stored as float16
    assert middle.frames_pts.tolist() == [20, 21, 22, 23, 24, 25]
    assert (last.times_s.tolist(), last.frames_pts.tolist()) == (list(range(48, 60)), list(range(54, 60)))
    whole = Hit(video_id, "a.mp4", 0.0, 60.0, 1.0, 1, 1, 1)
    (curve,) = hit_curves([whole], target_of(query, encoder, store), encoder, store)
    assert (len(curve.times_s), len(curve.frames_pts)) == (60, MOST_FRAMES)
    assert (curve.frames_pts[0], curve.frames_pts[-1]) == (0, 59)


def test_a_forgotten_video_has_empty_curves_and_the_best_text_is_that_of_the_peak(tmp_path: Path) -> None:
    pairs, store = Pairs(), EmbeddingStore(tmp_path)
    encoder = RowEncoder(pairs.images, pairs.captions, list(range(300)))
    video_id = store_video(store, encoder, "a.mp4", pairs.images[[400, 410]].astype(np.float32))
    hits = [Hit(video_id, "a.mp4", pts, pts + 1.0, pts, pts, 1, 1) for pts in (0, 1)]
    query = parse_query("caption 400\ncaption 410\n- caption 7")
    cosines = pairs.captions[[400, 410]] @ pairs.images[[400, 410]].T
    expected = [("caption 400", "caption 410")[int(column.argmax())] for column in cosines.T]
    assert [best_text(hit, query, encoder, store) for hit in hits] == expected
    assert best_text(hits[0], parse_query("caption 3"), encoder, store) == "caption 3"
    assert best_text(hits[0], SearchQuery(like=Like(video_id, 0, 0)), encoder, store) == ""
    target = target_of(query, encoder, store)
    store.forget(video_id)
    (curve,) = hit_curves(hits[:1], target, encoder, store)
    assert (len(curve.times_s), len(curve.values), len(curve.frames_pts)) == (0, 0, 0)
