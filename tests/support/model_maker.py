"""Makes models with random weights, in the layout that the app reads.

``python -m tests.support.model_maker vit-b-32 FOLDER`` writes a true-size CLIP ViT-B/32 (350 MB) for benchmarks.
Small ones for tests take milliseconds. The same seed gives the same model.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
IR_VERSION = 8
OPENAI_MEAN = [0.48145466, 0.4578275, 0.40821073]
OPENAI_STD = [0.26862954, 0.26130258, 0.27577711]
WORDS = ["a", "photo", "of", "the", "dog", "cat", "pizza", "red", "green", "blue", "house", "car", "tree", "sun"]


@dataclass
class Graph:
    """Collects nodes and weights; each method adds one step and returns its output's name."""

    nodes: list[Any] = field(default_factory=list)
    weights: list[Any] = field(default_factory=list)

    def const(self, values: NDArray[Any]) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(values, order="C"), name))
        return name

    def shape(self, *sizes: int) -> str:
        return self.const(np.array(sizes, dtype=np.int64))

    def add(self, kind: str, *inputs: str, out: str = "", **attributes: Any) -> str:
        out = out or f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [out], **attributes))
        return out

    def model(self, inputs: Sequence[Any], outputs: Sequence[Any]) -> onnx.ModelProto:
        graph = helper.make_graph(self.nodes, "random", list(inputs), list(outputs), self.weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)


def floats(rng: np.random.Generator, *shape: int, scale: float) -> NDArray[np.float32]:
    return rng.standard_normal(shape, dtype=np.float32) * np.float32(scale)


def pixel_values(size: int) -> Any:
    return helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, ["n", 3, size, size])


def small_vision(seed: int = 0, dim: int = 16, size: int = 32, factor: float = 1.0) -> onnx.ModelProto:
    """Patches of 8 × 8 → 24 features → ReLU → mean and flattened remainder → dim."""
    rng, g = np.random.default_rng(seed), Graph()
    x = g.add("Conv", "pixel_values", g.const(floats(rng, 24, 3, 8, 8, scale=0.07)), strides=[8, 8])
    x = g.add("Reshape", g.add("Relu", x), g.shape(0, -1))
    x = g.add("MatMul", x, g.const(floats(rng, 24 * (size // 8) ** 2, dim, scale=0.05)))
    g.add("Mul", x, g.const(np.array(factor, dtype=np.float32)), out="image_embeds")
    return g.model([pixel_values(size)], [helper.make_tensor_value_info("image_embeds", TensorProto.FLOAT, ["n", dim])])


def small_text(
    seed: int = 0, dim: int = 16, words: int = len(WORDS) + 4, length: int = 77, *, mask: bool = True
) -> onnx.ModelProto:
    """Word vector × place vector, meaned over the tokens that the mask keeps (over all without a mask)."""
    rng, g = np.random.default_rng(seed + 1), Graph()
    x = g.add("Gather", g.const(floats(rng, words, dim, scale=1.0)), "input_ids")
    end = g.add("Slice", g.add("Shape", "input_ids"), g.shape(1), g.shape(2))
    places = g.add("Slice", g.const(1 + floats(rng, length, dim, scale=0.3)), g.shape(0), end, g.shape(0))
    x = g.add("Mul", x, places)
    inputs = [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["n", "length"])]
    if mask:
        inputs.append(helper.make_tensor_value_info("attention_mask", TensorProto.INT64, ["n", "length"]))
        kept = g.add("Unsqueeze", g.add("Cast", "attention_mask", to=TensorProto.FLOAT), g.shape(2))
        total = g.add("ReduceSum", g.add("Mul", x, kept), g.shape(1), keepdims=0)
        g.add("Div", total, g.add("ReduceSum", kept, g.shape(1), keepdims=0), out="text_embeds")
    else:
        g.add("ReduceMean", x, axes=[1], keepdims=0, out="text_embeds")
    return g.model(inputs, [helper.make_tensor_value_info("text_embeds", TensorProto.FLOAT, ["n", dim])])


def tokenizer_json(*, start_and_end: bool = True) -> dict[str, Any]:
    """A word-level tokenizer: lower case, [UNK] for unknown words, <s> … </s> around a text."""
    names = ["<pad>", "[UNK]", "<s>", "</s>", *WORDS]
    sequence = [{"Sequence": {"id": "A", "type_id": 0}}]
    if start_and_end:
        around = [{"SpecialToken": {"id": name, "type_id": 0}} for name in ("<s>", "</s>")]
        sequence = [around[0], *sequence, around[1]]
    special = {name: {"id": name, "ids": [names.index(name)], "tokens": [name]} for name in ("<s>", "</s>")}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": i, "content": names[i], "single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
            | {"special": True}
            for i in range(4)
        ],
        "normalizer": {"type": "Lowercase"},
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": sequence,
            "pair": [*sequence, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": special,
        },
        "decoder": None,
        "model": {"type": "WordLevel", "vocab": {name: i for i, name in enumerate(names)}, "unk_token": "[UNK]"},
    }


def clip_preprocessor(size: int) -> dict[str, Any]:
    return {
        "crop_size": {"height": size, "width": size},
        "do_center_crop": True,
        "do_convert_rgb": True,
        "do_normalize": True,
        "do_rescale": True,
        "do_resize": True,
        "feature_extractor_type": "CLIPFeatureExtractor",
        "image_mean": OPENAI_MEAN,
        "image_processor_type": "CLIPImageProcessor",
        "image_std": OPENAI_STD,
        "resample": 3,
        "rescale_factor": 0.00392156862745098,
        "size": {"shortest_edge": size},
    }


def siglip_preprocessor(size: int) -> dict[str, Any]:
    return {
        "do_normalize": True,
        "do_rescale": True,
        "do_resize": True,
        "image_mean": [0.5, 0.5, 0.5],
        "image_processor_type": "SiglipImageProcessor",
        "image_std": [0.5, 0.5, 0.5],
        "processor_class": "SiglipProcessor",
        "resample": 3,
        "rescale_factor": 0.00392156862745098,
        "size": {"height": size, "width": size},
    }


def write_json(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


def write_folder(
    folder: Path,
    vision: onnx.ModelProto,
    text: onnx.ModelProto,
    *,
    config: dict[str, Any],
    preprocessor: dict[str, Any],
    tokenizer: dict[str, Any] | None = None,
) -> Path:
    """Write the five files, and tokenizer_config.json."""
    (folder / "onnx").mkdir(parents=True, exist_ok=True)
    onnx.save_model(vision, folder / "onnx" / "vision_model.onnx")
    onnx.save_model(text, folder / "onnx" / "text_model.onnx")
    write_json(folder / "config.json", config)
    write_json(folder / "preprocessor_config.json", preprocessor)
    write_json(folder / "tokenizer.json", tokenizer or tokenizer_json())
    write_json(folder / "tokenizer_config.json", {"pad_token": "<pad>"})
    return folder


def make_clip(folder: Path, seed: int = 0, dim: int = 16) -> Path:
    """A small CLIP: 32 × 32, centre crop, an attention mask, texts of up to 77 tokens."""
    config = {"model_type": "clip", "projection_dim": dim, "logit_scale_init_value": 2.6592}
    return write_folder(
        folder, small_vision(seed, dim), small_text(seed, dim), config=config, preprocessor=clip_preprocessor(32)
    )


def add_precision(folder: Path, suffix: str, seed: int = 5, dim: int = 16, text_suffix: str | None = None) -> Path:
    """Give a small CLIP another pair of towers, named as that precision. Other weights stand in for rounded ones."""
    onnx.save_model(small_vision(seed, dim), folder / "onnx" / f"vision_model{suffix}.onnx")
    text = suffix if text_suffix is None else text_suffix
    onnx.save_model(small_text(seed, dim), folder / "onnx" / f"text_model{text}.onnx")
    return folder


def move_weights_out(folder: Path, tower: str = "vision_model") -> Path:
    """Keep a tower's weights in a file of their own, as exporters do above 2 GB."""
    path = folder / "onnx" / f"{tower}.onnx"
    model = onnx.load_model(path)
    path.unlink()
    onnx.save_model(model, path, save_as_external_data=True, location=f"{tower}.onnx_data", size_threshold=1000)
    return folder


def make_siglip(folder: Path, seed: int = 1, dim: int = 16) -> Path:
    """A small SigLIP: squashes, has no mask, and counts on texts filled up to 64 tokens."""
    config = {"model_type": "siglip", "text_config": {"max_position_embeddings": 64}}
    return write_folder(
        folder,
        small_vision(seed, dim),
        small_text(seed, dim, length=64, mask=False),
        config=config,
        preprocessor=siglip_preprocessor(32),
    )


def _linear(g: Graph, rng: np.random.Generator, x: str, wide: int, out: int, scale: float = 1.0) -> str:
    x = g.add("MatMul", x, g.const(floats(rng, wide, out, scale=scale * wide**-0.5)))
    return g.add("Add", x, g.const(floats(rng, out, scale=0.02)))


def _norm(g: Graph, x: str, width: int) -> str:
    ones, zeros = np.ones(width, dtype=np.float32), np.zeros(width, dtype=np.float32)
    return g.add("LayerNormalization", x, g.const(ones), g.const(zeros), axis=-1, epsilon=1e-5)


def _heads(g: Graph, x: str, heads: int, each: int, order: Sequence[int]) -> str:
    return g.add("Transpose", g.add("Reshape", x, g.shape(0, -1, heads, each)), perm=list(order))


def _block(g: Graph, rng: np.random.Generator, x: str, width: int, heads: int) -> str:
    """Attention and a perceptron with QuickGELU, each behind a layer norm and beside a residual."""
    each, inner = width // heads, _norm(g, x, width)
    query = _heads(g, _linear(g, rng, inner, width, width, 2.0), heads, each, (0, 2, 1, 3))
    key = _heads(g, _linear(g, rng, inner, width, width, 2.0), heads, each, (0, 2, 3, 1))
    value = _heads(g, _linear(g, rng, inner, width, width), heads, each, (0, 2, 1, 3))
    scaled = g.add("Mul", g.add("MatMul", query, key), g.const(np.array(each**-0.5, dtype=np.float32)))
    mixed = g.add("MatMul", g.add("Softmax", scaled, axis=-1), value)
    mixed = g.add("Reshape", g.add("Transpose", mixed, perm=[0, 2, 1, 3]), g.shape(0, -1, width))
    x = g.add("Add", x, _linear(g, rng, mixed, width, width))
    hidden = _linear(g, rng, _norm(g, x, width), width, 4 * width)
    gate = g.add("Sigmoid", g.add("Mul", hidden, g.const(np.array(1.702, dtype=np.float32))))
    return g.add("Add", x, _linear(g, rng, g.add("Mul", hidden, gate), 4 * width, width))


def vit_vision(
    seed: int = 0,
    *,
    layers: int = 12,
    width: int = 768,
    heads: int = 12,
    patch: int = 32,
    size: int = 224,
    dim: int = 512,
) -> onnx.ModelProto:
    """CLIP's image tower; the defaults are ViT-B/32's, 88 M weights."""
    rng, g = np.random.default_rng(seed), Graph()
    patches = floats(rng, width, 3, patch, patch, scale=(3 * patch * patch) ** -0.5)
    x = g.add("Conv", "pixel_values", g.const(patches), strides=[patch, patch])
    x = g.add("Transpose", g.add("Reshape", x, g.shape(0, width, -1)), perm=[0, 2, 1])
    count = g.add("Slice", g.add("Shape", "pixel_values"), g.shape(0), g.shape(1))
    one = g.add("Concat", count, g.shape(1, 1), axis=0)
    start = g.add("Expand", g.const(floats(rng, 1, 1, width, scale=0.02)), one)
    x = g.add("Concat", start, x, axis=1)
    x = g.add("Add", x, g.const(floats(rng, 1, (size // patch) ** 2 + 1, width, scale=0.02)))
    x = _norm(g, x, width)
    for _ in range(layers):
        x = _block(g, rng, x, width, heads)
    x = g.add("Gather", x, g.const(np.array(0, dtype=np.int64)), axis=1)
    g.add("MatMul", _norm(g, x, width), g.const(floats(rng, width, dim, scale=width**-0.5)), out="image_embeds")
    return g.model([pixel_values(size)], [helper.make_tensor_value_info("image_embeds", TensorProto.FLOAT, ["n", dim])])


def make_vit_b_32(folder: Path, seed: int = 0) -> Path:
    """A true-size ViT-B/32 with OpenAI's preprocessing and a small text tower."""
    config = {"model_type": "clip", "projection_dim": 512, "logit_scale_init_value": 2.6592}
    return write_folder(
        folder, vit_vision(seed), small_text(seed, 512), config=config, preprocessor=clip_preprocessor(224)
    )


MAKERS = {"clip": make_clip, "siglip": make_siglip, "vit-b-32": make_vit_b_32}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write a model with random weights.")
    parser.add_argument("kind", choices=MAKERS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    MAKERS[arguments.kind](arguments.folder, arguments.seed)
