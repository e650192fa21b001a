"""Combined moments by hand, and against a fine grid of instants."""

import numpy as np
import pytest

from clip_core.scoring.combine import Combination, combine
from clip_core.types import Moment


def moment(prompt: str, start: float, end: float, peak: float = 0.5, peak_s: float | None = None) -> Moment:
    return Moment(prompt, start, end, (start + end) / 2 if peak_s is None else peak_s, peak, peak - 0.1)


def ends(moments: list[Moment]) -> list[tuple[float, float]]:
    return sorted((m.start_s, m.end_s) for m in moments)


def test_a_and_b_is_what_both_share_as_sure_as_the_less_sure() -> None:
    both = combine(
        [moment("b", 4, 12, 0.3, 11.0), moment("a", 0, 6, 0.9), moment("a", 10, 11, 0.2)], Combination("and", "a", "b")
    )
    assert [(m.prompt, m.start_s, m.end_s, m.peak) for m in both] == [("a and b", 4, 6, 0.3), ("a and b", 10, 11, 0.2)]
    assert both[0].mean == pytest.approx(0.2)
    assert 5.999 < both[0].peak_s < 6.0  # moved into the half-open result
    assert both[1].peak_s == 10.5


def test_a_without_b_is_what_is_left() -> None:
    moments = [
        moment("a", 0, 10, peak_s=5.0),
        moment("b", 2, 3),
        moment("b", 4, 6),
        moment("a", 20, 21),
        moment("b", 19, 30),
    ]
    left = combine(moments, Combination("without", "a", "b"))
    assert ends(left) == [(0, 2), (3, 4), (6, 10)]
    assert {m.prompt for m in left} == {"a without b"}
    assert all(m.start_s <= m.peak_s < m.end_s and m.peak == 0.5 for m in left)


def test_touching_is_not_sharing() -> None:
    moments = [moment("a", 0, 2), moment("b", 2, 4)]
    assert combine(moments, Combination("and", "a", "b")) == []
    assert ends(combine(moments, Combination("without", "a", "b"))) == [(0, 2)]
    assert ends(combine(moments, Combination("then", "a", "b"))) == [(0, 4)]


def test_a_then_b() -> None:
    moments = [
        moment("a", 0, 2, 0.4),
        moment("a", 3, 4, 0.6),
        moment("b", 6, 8, 0.5),
        moment("b", 20, 21),
        moment("b", 2.5, 2.8),
    ]
    assert ends(combine(moments, Combination("then", "a", "b", 2.0))) == [(0, 2.8), (3, 8)]
    assert ends(combine(moments, Combination("then", "a", "b", 0.5))) == [(0, 2.8)]
    assert ends(combine(moments, Combination("then", "a", "b", 0.4))) == []
    assert ends(combine(moments[:3], Combination("then", "a", "b", 99.0))) == [(3, 8)]  # the last a leads to it
    assert [m.prompt for m in combine(moments, Combination("then", "b", "a", 0.2))] == ["b then a within 0.2 s"]
    inside = [moment("a", 0, 10), moment("b", 4, 6)]
    assert ends(combine(inside, Combination("then", "a", "b"))) == [(0, 6)]
    assert combine([moment("a", 0, 10), moment("b", 0, 6)], Combination("then", "a", "b", 9.0)) == []


def test_overlaps_within_one_prompt_count_as_one() -> None:
    moments = [moment("a", 0, 4, 0.3), moment("a", 2, 6, 0.7, 3.0), moment("b", 1, 5, 0.9), moment("b", 5, 5)]
    (both,) = combine(moments, Combination("and", "a", "b"))
    assert (both.start_s, both.end_s, both.peak, both.peak_s) == (1, 5, 0.7, 3.0)
    assert both.mean == pytest.approx(0.4)


def test_a_combination_of_a_combination() -> None:
    moments = [moment("a", 0, 6), moment("b", 2, 9), moment("c", 3, 4)]
    both = combine(moments, Combination("and", "a", "b"))
    assert ends(combine([*moments, *both], Combination("without", "a and b", "c"))) == [(2, 3), (4, 6)]


@pytest.mark.parametrize("seed", range(20))
def test_against_a_grid(seed: int) -> None:
    rng = np.random.default_rng(seed)
    moments = [moment(rng.choice(["a", "b"]), s, s + rng.integers(1, 20)) for s in rng.integers(0, 200, 30).tolist()]

    def there(found: list[Moment]) -> np.ndarray:
        instants = np.arange(0, 230) + 0.5
        return np.any([(instants >= m.start_s) & (instants < m.end_s) for m in found] or [np.zeros(230, bool)], axis=0)

    a, b = (there([m for m in moments if m.prompt == p]) for p in "ab")
    np.testing.assert_array_equal(there(combine(moments, Combination("and", "a", "b"))), a & b)
    np.testing.assert_array_equal(there(combine(moments, Combination("without", "a", "b"))), a & ~b)


def test_nothing_of_nothing_and_bad_values() -> None:
    for op in ("and", "without", "then"):
        assert combine([], Combination(op, "a", "b")) == []  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="op must be one of and, without, then, not 'or'"):
        Combination("or", "a", "b")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"within_s must be >= 0 and finite, not -1"):
        Combination("then", "a", "b", -1.0)
