"""Hostile models: graphs that never end or take gigabytes, and parts of tokenizer.json that do."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from tests.support.model_maker import Graph, floats, pixel_values

FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
info = helper.make_tensor_value_info


def embeds(kind: str, dim: int = 16) -> Any:
    return info(f"{kind}_embeds", FLOAT, ["n", dim])


def vision(g: Graph, x: str) -> onnx.ModelProto:
    """A vision tower whose features are the mean of ``x``, spread over 16 numbers."""
    rows = g.add("Reshape", g.add("ReduceMean", x, axes=[1, 2, 3], keepdims=0), g.shape(-1, 1))
    g.add("MatMul", rows, g.const(floats(np.random.default_rng(0), 1, 16, scale=1.0)), out="image_embeds")
    return g.model([pixel_values(32)], [embeds("image")])


def text(g: Graph, extra: str) -> onnx.ModelProto:
    """A text tower whose features are the means of word vectors plus ``extra``, a number."""
    words = g.add("Gather", g.const(floats(np.random.default_rng(1), 18, 16, scale=1.0)), "input_ids")
    g.add("Add", g.add("ReduceMean", words, axes=[1], keepdims=0), extra, out="text_embeds")
    return g.model([info("input_ids", INT64, ["n", "length"])], [embeds("text")])


def endless_loop() -> onnx.ModelProto:
    """Loop, 2 ** 62 times."""
    g = Graph()
    one = helper.make_tensor("one", FLOAT, [], [1.0])
    body = helper.make_graph(
        [
            helper.make_node("Constant", [], ["step"], value=one),
            helper.make_node("Add", ["before", "step"], ["after"]),
            helper.make_node("Identity", ["on"], ["still_on"]),
        ],
        "body",
        [info("i", INT64, []), info("on", BOOL, []), info("before", FLOAT, [])],
        [info("still_on", BOOL, []), info("after", FLOAT, [])],
    )
    start, always = g.const(np.array(0, np.float32)), g.const(np.array(True))
    count = g.const(np.array(2**62, np.int64))
    end = g.add("Loop", count, always, start, body=body)
    return vision(g, g.add("Add", "pixel_values", end))


def huge_values(edge: int = 50_000) -> onnx.ModelProto:
    """ConstantOfShape of edge × edge floats: 10 GB; its shape depends on the input, so it is not known in advance."""
    g = Graph()
    count = g.add("Slice", g.add("Shape", "pixel_values"), g.shape(1), g.shape(2))
    shape = g.add("Concat", g.add("Mul", count, g.shape(edge // 3)), g.shape(edge), axis=0)
    zero = g.add("ReduceMax", g.add("ConstantOfShape", shape), keepdims=0)
    return vision(g, g.add("Add", "pixel_values", zero))


def huge_constant(edge: int = 50_000) -> onnx.ModelProto:
    """The same with a constant shape, which ONNX Runtime computes while it loads."""
    g = Graph()
    zero = g.add("ReduceMax", g.add("ConstantOfShape", g.shape(edge, edge)), keepdims=0)
    return vision(g, g.add("Add", "pixel_values", zero))


def huge_weights() -> onnx.ModelProto:
    """Weights that announce 10 GB and have 64 bytes."""
    made = vision(Graph(), "pixel_values")
    made.graph.initializer[-1].dims[:] = [1, 2_500_000_000]
    made.graph.output[0].type.tensor_type.shape.dim[1].dim_param = "dim"
    return made


def huge_for_long_texts(kind: str = "Expand") -> onnx.ModelProto:
    """Expand or Tile by length⁵: 32 numbers for two tokens, 10 GB for 77."""
    g = Graph()
    length = g.add("Slice", g.add("Shape", "input_ids"), g.shape(1), g.shape(2))
    times = g.add("Mul", g.add("Mul", g.add("Mul", length, length), g.add("Mul", length, length)), length)
    values = g.add("Add", g.add(kind, g.const(np.ones(1, np.float32)), times), g.const(np.ones(1, np.float32)))
    return text(g, g.add("ReduceMax", values, keepdims=0))


def huge_for_many_pictures() -> onnx.ModelProto:
    """10 GB for a whole batch, 160 KB for one picture."""
    g = Graph()
    count = g.add("Slice", g.add("Shape", "pixel_values"), g.shape(0), g.shape(1))
    square = g.add("Mul", count, count)
    times = g.add("Mul", g.add("Mul", square, square), g.shape(40_000))
    values = g.add("Add", g.add("Expand", g.const(np.ones(1, np.float32)), times), g.const(np.ones(1, np.float32)))
    return vision(g, g.add("Add", "pixel_values", g.add("ReduceMax", values, keepdims=0)))


def many_rows(times: int = 1_000_000) -> onnx.ModelProto:
    """A million vectors for one picture."""
    g = Graph()
    rows = g.add("Slice", g.add("Reshape", "pixel_values", g.shape(0, -1)), g.shape(0), g.shape(16), g.shape(1))
    g.add("Tile", rows, g.shape(times, 1), out="image_embeds")
    return g.model([pixel_values(32)], [embeds("image")])


def long_vectors(dim: int = 100_000_000) -> onnx.ModelProto:
    """Vectors of 400 MB."""
    g = Graph()
    rows = g.add("Slice", g.add("Reshape", "pixel_values", g.shape(0, -1)), g.shape(0), g.shape(1), g.shape(1))
    g.add("Tile", rows, g.shape(1, dim), out="image_embeds")
    return g.model([pixel_values(32)], [embeds("image", dim)])


def nested(depth: int = 20) -> onnx.ModelProto:
    """If within If, ``depth`` deep."""

    def one(name: str) -> onnx.NodeProto:
        return helper.make_node("Constant", [], [name], value=helper.make_tensor("v", FLOAT, [], [1.0]))

    inner = one("y0")
    for level in range(1, depth):
        branch = helper.make_graph([inner], f"b{level}", [], [info(f"y{level - 1}", FLOAT, [])])
        other = helper.make_graph([one(f"z{level}")], f"c{level}", [], [info(f"z{level}", FLOAT, [])])
        inner = helper.make_node("If", ["on"], [f"y{level}"], then_branch=branch, else_branch=other)
    g = Graph()
    g.weights.append(helper.make_tensor("on", BOOL, [], [True]))
    g.nodes.append(inner)
    return vision(g, g.add("Add", "pixel_values", f"y{depth - 1}"))


def replace(pattern: str, content: str, kind: str = "String") -> dict[str, Any]:
    return {"type": "Replace", "pattern": {kind: pattern}, "content": content}


def sequence(*normalizers: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Sequence", "normalizers": list(normalizers)}


def padding(length: int | None = None, multiple: int | None = None) -> dict[str, Any]:
    strategy = "BatchLongest" if length is None else {"Fixed": length}
    rest = {"direction": "Right", "pad_id": 0, "pad_type_id": 0, "pad_token": "<pad>"}
    return {"strategy": strategy, "pad_to_multiple_of": multiple} | rest


def template(ids: Sequence[int], times: int = 1, *, known: bool = True) -> dict[str, Any]:
    special = {"SpecialToken": {"id": "<s>", "type_id": 0}}
    text_a, text_b = ({"Sequence": {"id": name, "type_id": number}} for number, name in enumerate("AB"))
    token = {"id": "<s>", "ids": list(ids), "tokens": ["<s>"] * len(ids)}
    return {
        "type": "TemplateProcessing",
        "single": [special] * times + [text_a],
        "pair": [text_a, text_b],
        "special_tokens": {"<s>": token} if known else {},
    }


def split(pattern: str) -> dict[str, Any]:
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}


def nested_normalizer(depth: int = 100) -> dict[str, Any]:
    return functools.reduce(lambda inner, _: sequence(inner), range(depth), {"type": "Lowercase"})


def added_token(number: int, content: str) -> dict[str, Any]:
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized", "special"), False)
    return {"id": number, "content": content} | flags
