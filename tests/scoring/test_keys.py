"""Columns of pictures and ensembles never collide with a prompt as typed."""

import numpy as np

from clip_core.scoring.similarity_table import SimilarityTable, ensemble_key, image_key
from tests.scoring.test_similarity_table import frames, table, units


def test_no_prompt_as_typed_can_be_such_a_key() -> None:
    keys = [image_key("ab12"), ensemble_key("a dog", "simple"), ensemble_key("a dog", "openai")]
    assert len(set(keys)) == 3
    assert all(key.strip() != key for key in keys)  # prompts are stripped, so none of them is one of these
    assert ensemble_key("a dog", "none") == "a dog"


def test_curves_hold_a_picture_and_a_text_of_the_same_name_side_by_side() -> None:
    vectors, text, together = units(9, 1), units(1, 2)[0], units(1, 3)[0]
    curves = SimilarityTable()
    curves.add_frames(frames(list(range(9)), vectors))
    curves.add_prompts({"ab12": text, image_key("ab12"): vectors[4], ensemble_key("ab12", "simple"): together})
    scores = curves.scores([image_key("ab12"), "ab12", ensemble_key("ab12", "simple")], table(9))
    np.testing.assert_allclose(scores.values, vectors @ np.stack([vectors[4], text, together]).T, atol=1e-6)
    assert int(scores.values[:, 0].argmax()) == 4
