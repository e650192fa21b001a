"""The catalogue's form. That its repositories are there cannot be tested without the hub."""

import re

import pytest

from clip_core.encoders.catalogue import CATALOGUE, CatalogueModel, find_in_catalogue, precision_order
from clip_core.encoders.hub_cache import is_model_id

CPU, GPU = ("CPUExecutionProvider",), ("CUDAExecutionProvider",)


def test_six_to_eight_each_once() -> None:
    assert 6 <= len(CATALOGUE) <= 8
    assert len({model.id for model in CATALOGUE}) == len({model.name for model in CATALOGUE}) == len(CATALOGUE)
    assert find_in_catalogue("Xenova/clip-vit-base-patch32") is CATALOGUE[0]
    assert find_in_catalogue("no/such") is None


@pytest.mark.parametrize("model", CATALOGUE, ids=lambda model: model.name)
def test_each_says_what_is_needed_to_choose(model: CatalogueModel) -> None:
    assert is_model_id(model.id)
    assert model.revision == "main" or re.fullmatch(r"[0-9a-f]{40}", model.revision)
    assert model.good_at.endswith(".")
    assert model.licence
    sizes = model.sizes_mb
    assert 1.9 < sizes["fp32"] / sizes.get("fp16", sizes["fp32"] / 2) < 2.1
    assert sizes.get("int8", 0) < sizes["fp32"] / 3


def test_what_is_known_not_to_work_is_left_out() -> None:
    assert precision_order("Xenova/mobileclip_s2", "auto", CPU) == ("fp32",)
    assert precision_order("Xenova/mobileclip_s2", "int8", CPU) == ("int8",)
    assert precision_order("Xenova/mobileclip_s2", "auto", GPU) == ("fp32",)
    assert precision_order("Xenova/mobileclip_s2", "auto", None) == ("fp32",)
    assert precision_order("who/knows", "auto", None) == ("fp32", "fp16", "int8")
    assert precision_order("who/knows", "auto", CPU) == ("int8", "fp32")
