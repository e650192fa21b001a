"""Temporal IoU, worked by hand."""

import numpy as np

from clip_core.evaluation.intervals import as_intervals, iou_matrix


def test_a_matrix_worked_by_hand() -> None:
    first = as_intervals([(0, 10), (4, 6)])
    second = as_intervals([(0, 10), (5, 15), (10, 20), (5, 5)])
    # 0–10 and 5–15 share 5 of 15; 4–6 lies within 0–10: 2 of 10; 4–6 and 5–15 share 1 of 11; touching shares nothing.
    np.testing.assert_allclose(iou_matrix(first, second), [[1, 5 / 15, 0, 0], [2 / 10, 1 / 11, 0, 0]])


def test_it_is_symmetric_and_lies_between_0_and_1() -> None:
    random = np.random.default_rng(0)
    starts = random.uniform(0, 50, (2, 40))
    first, second = (np.stack([s, s + random.uniform(0, 20, 40)], axis=1) for s in starts)
    there = iou_matrix(first, second)
    np.testing.assert_array_equal(there, iou_matrix(second, first).T)
    assert ((there >= 0) & (there <= 1)).all()
    np.testing.assert_allclose(np.diag(iou_matrix(first, first)), 1)


def test_two_empty_intervals_share_nothing_and_no_nan() -> None:
    assert iou_matrix(as_intervals([(3, 3)]), as_intervals([(3, 3)])).tolist() == [[0.0]]
    assert iou_matrix(as_intervals([]), as_intervals([(0, 1)])).shape == (0, 1)
