"""One ONNX file: what fits, and what each misfit is told."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from clip_core.encoders.onnx import Tower, cores
from clip_core.errors import EncoderError
from tests.support.model_maker import Graph, small_vision


def tower(path: Path, made: onnx.ModelProto | bytes, **changes: Any) -> Tower:
    path = path / "vision_model.onnx"
    path.write_bytes(made if isinstance(made, bytes) else made.SerializeToString())
    wanted = {"takes": {"pixel_values": ("tensor(float)",)}, "gives": ("image_embeds", "pooler_output")}
    return Tower(path, **(wanted | changes))


def identity(
    name: str = "pixel_values",
    out: str = "image_embeds",
    kind: int = TensorProto.FLOAT,
    shape: tuple = ("n", 4),
    **more: Any,
) -> onnx.ModelProto:
    g = Graph()
    g.add(more.pop("op", "Identity"), name, out=out, **more)
    put = helper.make_tensor_value_info
    return g.model([put(name, kind, shape)], [put(out, kind, shape)])


def test_reads_inputs_and_dimension(tmp_path: Path) -> None:
    found = tower(tmp_path, small_vision(dim=12))
    assert (found.inputs, found.dim, found.provider) == ({"pixel_values": (None, 3, 32, 32)}, 12, "CPU")
    assert found.run({"pixel_values": np.ones((2, 3, 32, 32)), "more": np.ones(2)}).shape == (2, 12)


def test_the_other_output_name_and_a_free_dimension(tmp_path: Path) -> None:
    found = tower(tmp_path, identity(out="pooler_output", shape=("n", "dim")))
    assert found.dim is None
    assert found.run({"pixel_values": np.ones((2, 7))}).tolist() == [[1.0] * 7] * 2


def test_half_floats_are_cast(tmp_path: Path) -> None:
    found = tower(tmp_path, identity(kind=TensorProto.FLOAT16), takes={"pixel_values": ("tensor(float16)",)})
    assert found.run({"pixel_values": np.ones((1, 4), dtype=np.float32)}).dtype == np.float32


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (identity(name="image"), r"vision_model\.onnx takes image, not pixel_values\."),
        (identity(out="logits"), r"gives logits, not image_embeds or pooler_output\."),
        (identity(kind=TensorProto.INT64), r"takes pixel_values as tensor\(int64\), not tensor\(float\)\."),
        (identity(shape=("n", 3, 4)), r"gives image_embeds as tensor\(float\) \['n', 3, 4\], not as floats"),
        (identity(op="NoSuchOp"), r"vision_model\.onnx cannot be loaded: .*NoSuchOp"),
        (identity(op="Trick", domain="my.ops"), r"vision_model\.onnx cannot be loaded: .*my\.ops"),
        (b"", r"vision_model\.onnx cannot be loaded: "),
        (bytes(range(256)) * 9, r"vision_model\.onnx cannot be loaded: "),
        (small_vision().SerializeToString()[:-40], r"vision_model\.onnx cannot be loaded: "),
    ],
    ids=["input", "output", "type", "rank", "operator", "custom operator", "empty", "noise", "cut"],
)
def test_a_misfit_is_named(tmp_path: Path, made: onnx.ModelProto | bytes, message: str) -> None:
    with pytest.raises(EncoderError, match=message) as caught:
        tower(tmp_path, made)
    assert "\n" not in str(caught.value)
    assert str(tmp_path) not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_two_inputs_are_refused(tmp_path: Path) -> None:
    g, put = Graph(), helper.make_tensor_value_info
    g.add("Add", "pixel_values", "input_ids", out="image_embeds")
    both = [put(name, TensorProto.FLOAT, ["n", 4]) for name in ("pixel_values", "input_ids")]
    joint = g.model(both, [put("image_embeds", TensorProto.FLOAT, ["n", 4])])
    with pytest.raises(EncoderError, match=r"takes pixel_values, input_ids, not pixel_values\."):
        tower(tmp_path, joint)


def test_a_failing_run_is_translated(tmp_path: Path) -> None:
    found = tower(tmp_path, identity())
    with pytest.raises(EncoderError, match=r"^vision_model\.onnx failed: .* Use another model\."):
        found.run({"pixel_values": np.ones((1, 9))})


def test_cores_are_those_of_this_process() -> None:
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("no affinity here")
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert cores() == 1
    finally:
        os.sched_setaffinity(0, before)
    assert cores() == len(before)
