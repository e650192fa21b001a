"""Bad vectors never reach the store."""

import numpy as np
import pytest

from clip_core.errors import EncoderError
from clip_core.indexing.embed_frames import checked
from tests.support.fakes import FakeEncoder

ENCODER = FakeEncoder(dim=4)


def test_unit_vectors_pass_to_the_bit_and_others_are_scaled() -> None:
    unit = np.eye(4, dtype=np.float32)
    assert checked(unit, 4, ENCODER) is unit
    np.testing.assert_allclose(checked(unit * np.float32(1e6), 4, ENCODER), unit)
    assert checked(unit.astype(np.float64) * 3, 4, ENCODER).dtype == np.float32
    assert checked(np.empty((0, 4), np.float32), 0, ENCODER).shape == (0, 4)


@pytest.mark.parametrize("shape", [(2, 5), (1, 4), (3, 4), (8,)])
def test_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(EncoderError, match=r"The model fake gave vectors of shape .* instead of \(2, 4\)"):
        checked(np.ones(shape, np.float32), 2, ENCODER)


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_vectors_without_a_direction_are_refused(value: float) -> None:
    with pytest.raises(EncoderError, match="zero, NaN or infinite"):
        checked(np.full((2, 4), value, np.float32), 2, ENCODER)
