"""What is no picture, and what is no vector."""

import numpy as np
import pytest

from clip_core.encoders.base import need_rgb, unit_length
from clip_core.errors import EncoderError


def test_what_is_no_picture() -> None:
    need_rgb([np.zeros((1, 1, 3), np.uint8)])
    with pytest.raises(ValueError, match=r"picture 1 must be uint8 RGB \(height, width, 3\), not float32 \(4, 4, 3\)"):
        need_rgb([np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4, 3), np.float32)])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="not None None"):
        need_rgb(["a.jpg"])  # type: ignore[list-item]


def test_rows_become_unit_vectors() -> None:
    found = unit_length(np.array([[3, 4], [1e30, 0], [0, 1e-9]], np.float32), 2, "m", "text")
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [[0.6, 0.8], [1, 0], [0, 1]], atol=1e-7)
    assert unit_length(np.empty((0, 2), np.float32), 2, "m", "text").shape == (0, 2)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([1.0], r"^m gave a vector of 1 numbers instead of 2\. Mend it\.$"),
        ([np.nan, 1], r"^m gave a NaN or infinite vector for a text\. Mend it\.$"),
        ([np.inf, 1], "NaN or infinite"),
        ([0.0, 0], "gave a zero vector"),
    ],
)
def test_rows_that_are_no_vectors(row: list[float], message: str) -> None:
    with pytest.raises(EncoderError, match=message):
        unit_length(np.array([row], np.float32), 2, "m", "text", "Mend it.")
