import math

import pytest

from clip_core.types import Annotation


@pytest.mark.parametrize(
    ("start_s", "end_s", "says"), [(2.0, 2.0, "begin before"), (3.0, 2.0, "begin before"), (-1.0, 2.0, ">= 0"),
                                   (0.0, math.nan, "finite"), (0.0, math.inf, "finite")]
)  # fmt: skip
def test_edges_that_are_no_edges_are_refused(start_s: float, end_s: float, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Annotation("a dog", 1.0, start_s, end_s)


def test_an_unknown_verdict_is_refused() -> None:
    with pytest.raises(ValueError, match="verdict must be one of"):
        Annotation("a dog", 1.0, 0.0, 2.0, "perhaps")  # type: ignore[arg-type]
