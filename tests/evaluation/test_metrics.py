"""R1 and mAP on cases worked by hand, with what QVHighlights' `standalone_eval` says of them.

Each number in PUBLISHED is what jayleicn/moment_detr's own compute_mr_r1 and compute_mr_ap (commit b7e553a) print;
they round to two decimals of per cent.
"""

import numpy as np
import pytest

from clip_core.evaluation.intervals import as_intervals
from clip_core.evaluation.metrics import IOUS, Query, average_precision, matched, mean_average_precision, recall_at_1


def query(windows: list[tuple[float, float, float]], truths: list[tuple[float, float]]) -> Query:
    scores = np.array([score for _, _, score in windows], np.float64)
    return Query(as_intervals((start, end) for start, end, _ in windows), scores, as_intervals(truths))


ALONE = query([(0, 10, 0.9)], [(0, 8)])
"""IoU 8 / 10 = 0.8: right at 0.5 … 0.8 (7 of the 10 IoUs), wrong at 0.85, 0.9 and 0.95. AP 1 there, else 0: mAP 0.7."""

SECOND = query([(20, 30, 0.9), (0, 10, 0.8)], [(0, 10), (50, 60)])
"""The first window is wrong (R1 0). The second is right at every IoU: precision 1 / 2 at recall 1 / 2, then nothing:
AP = 1/2 · 1/2 = 0.25, whatever the IoU."""

DOUBLE = query([(0, 10, 0.9), (0, 10, 0.8), (20, 30, 0.7)], [(0, 10), (20, 30)])
"""The second window finds its truth taken, and the other shares nothing with it: false. Right, false, right: precision
1/1 at recall 1/2, 2/3 at recall 1. AP = 1/2 · 1 + 1/2 · 2/3 = 0.8333."""

ENVELOPE = query([(40, 50, 0.9), (0, 10, 0.8), (20, 30, 0.7)], [(0, 10), (20, 30)])
"""False, right, right: precision 0, 1/2, 2/3. The envelope lifts the 1/2 to the 2/3 behind it:
AP = 1/2 · 2/3 + 1/2 · 2/3 = 0.6667."""

UNSORTED = query([(0, 10, 0.1), (40, 50, 0.9)], [(0, 10)])
"""R1 takes the first as listed: right. AP sorts by score: false, right: AP = 1 · 1/2."""

SPARE = query([(0, 9, 0.9), (0, 10, 0.8)], [(0, 10), (0, 8)])
"""0–9 shares 9/10 with the first truth, 8/9 = 0.889 with the second; 0–10 shares 1 and 8/10 = 0.8 with them.
Up to IoU 0.8: the first takes truth 1, the second the other: AP 1 at 7 IoUs. At 0.85 and 0.9: the first takes truth 1,
the second wants truth 2 with 0.8, not enough: AP = 1/2. At 0.95: the first takes none, the second truth 1: precision
1/2 at recall 1/2: AP 0.25. mAP = (7 + 2 · 0.5 + 0.25) / 10 = 0.825."""

CASES = {"alone": ALONE, "second": SECOND, "double": DOUBLE, "envelope": ENVELOPE, "unsorted": UNSORTED, "spare": SPARE}
PUBLISHED = {  # R1@0.5, R1@0.7, mAP, mAP@0.5, mAP@0.75
    "alone": (100.0, 100.0, 70.0, 100.0, 100.0),
    "second": (0.0, 0.0, 25.0, 25.0, 25.0),
    "double": (100.0, 100.0, 83.33, 83.33, 83.33),
    "envelope": (0.0, 0.0, 66.67, 66.67, 66.67),
    "unsorted": (100.0, 100.0, 50.0, 50.0, 50.0),
    "spare": (100.0, 100.0, 82.5, 100.0, 100.0),
    "all": (66.67, 66.67, 62.92, 70.83, 70.83),
}
BY_HAND = {"alone": 0.7, "second": 0.25, "double": 5 / 6, "envelope": 2 / 3, "unsorted": 0.5, "spare": 0.825}


def measures(queries: list[Query]) -> list[float]:
    found = [recall_at_1(queries, 0.5), recall_at_1(queries, 0.7)]
    found += [mean_average_precision(queries, ious) for ious in (IOUS, (0.5,), (0.75,))]
    return [100 * share for share in found if share is not None]


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_code_says_the_same(name: str) -> None:
    queries = list(CASES.values()) if name == "all" else [CASES[name]]
    np.testing.assert_allclose(measures(queries), PUBLISHED[name], atol=0.00501)


@pytest.mark.parametrize("name", BY_HAND)
def test_map_is_what_it_is_by_hand(name: str) -> None:
    assert mean_average_precision([CASES[name]]) == pytest.approx(BY_HAND[name])


def test_the_mean_is_over_the_queries() -> None:
    assert mean_average_precision(list(CASES.values())) == pytest.approx(sum(BY_HAND.values()) / 6)
    assert recall_at_1(list(CASES.values()), 0.5) == pytest.approx(4 / 6)


def test_the_ious_are_those_of_the_field() -> None:
    assert IOUS == (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)


def test_equal_counts_as_reached() -> None:
    assert recall_at_1([query([(0, 10, 1.0)], [(0, 7)])], 0.7) == 1.0
    assert average_precision(query([(0, 10, 1.0)], [(0, 5)]), 0.5) == 1.0
    assert recall_at_1([query([(3.4, 6.6, 1.0)], [(3.8, 6.2)])], 0.75) == 1.0  # 2.4 / 3.2, which sums of lengths miss


def test_the_best_of_all_truths_counts_for_r1() -> None:
    assert recall_at_1([query([(20, 30, 1.0)], [(0, 10), (21, 30)])], 0.7) == 1.0


def test_only_ten_windows_are_looked_at() -> None:
    late = query([(100 + n, 101 + n, 0.5) for n in range(10)] + [(0, 10, 0.9)], [(0, 10)])
    assert mean_average_precision([late]) == 0.0
    assert mean_average_precision([late], most_windows=None) == 1.0  # by score it is the first


def test_equal_scores_stay_in_the_order_listed() -> None:
    assert average_precision(query([(40, 50, 0.5), (0, 10, 0.5)], [(0, 10)]), 0.5) == 0.5
    assert average_precision(query([(0, 10, 0.5), (40, 50, 0.5)], [(0, 10)]), 0.5) == 1.0


def test_which_truth_a_window_takes() -> None:
    assert matched(SPARE, 0.5).tolist() == [0, 1]
    assert matched(SPARE, 0.9).tolist() == [0, -1]
    assert matched(query([(0, 1, 0.1), (0, 1, 0.9)], []), 0.5).tolist() == [-1, -1]


def test_a_query_without_windows_counts_0_and_one_without_truth_not_at_all() -> None:
    nothing, untold = query([], [(0, 10)]), query([(0, 10, 0.9)], [])
    assert measures([nothing]) == [0.0] * 5
    assert measures([DOUBLE, nothing]) == pytest.approx([50, 50] + [100 * 5 / 12] * 3)
    assert measures([DOUBLE, untold]) == pytest.approx(measures([DOUBLE]))
    assert measures([untold]) == measures([]) == []
    with pytest.raises(ValueError, match="without truth"):
        average_precision(untold, 0.5)


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"windows must be \(1, 2\)"):
        Query(as_intervals([]), np.ones(1), as_intervals([]))
    with pytest.raises(ValueError, match=r"truths must be \(m, 2\)"):
        Query(as_intervals([]), np.empty(0), np.ones(3))
