"""Times in tables: texts of one length, which sort as the times do."""

import pytest

from pages.shared.tables import time_text


@pytest.mark.parametrize(
    ("time_s", "end_s", "text"),
    [
        (28.0, 50.0, "0:28.000"),
        (39.933, 50.0, "0:39.933"),
        (15.4, 599.9, "0:15.400"),
        (61.0, 600.0, "01:01.000"),
        (215.0, 3599.0, "03:35.000"),
        (3599.0, 3599.5, "59:59.000"),
        (28.0, 3600.0, "0:00:28.000"),
        (3725.25, 7200.0, "1:02:05.250"),
        (28.0, 36000.0, "00:00:28.000"),
        (36000.0, 36000.0, "10:00:00.000"),
    ],
)
def test_a_time_is_as_long_as_that_of_the_end(time_s: float, end_s: float, text: str) -> None:
    assert time_text(time_s, end_s) == text


@pytest.mark.parametrize("end_s", [59.0, 600.0, 3599.0, 3601.0, 40_000.0])
def test_texts_sort_as_times_do(end_s: float) -> None:
    times_s = [end_s * k / 997 for k in range(998)]
    texts = [time_text(time_s, end_s) for time_s in times_s]
    assert texts == sorted(texts)
    assert len({len(text) for text in texts}) == 1
