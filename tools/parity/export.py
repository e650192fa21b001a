"""The towers of a model as ONNX files, with the names that the published folders use."""

from __future__ import annotations

from pathlib import Path

import onnx
import torch
from torch import nn
from transformers import CLIPModel, SiglipModel

from tools.parity.models import IMAGE_SIZE

OPSET = 17


class ClipVision(nn.Module):
    """pixel_values → image_embeds, not normalised."""

    def __init__(self, model: CLIPModel) -> None:
        """Take the tower and its projection."""
        super().__init__()
        self.tower, self.projection = model.vision_model, model.visual_projection

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        """Embed prepared pictures."""
        return self.projection(self.tower(pixel_values=pixel_values).pooler_output)


class ClipText(nn.Module):
    """input_ids → text_embeds, not normalised; like the published ones it takes no attention_mask."""

    def __init__(self, model: CLIPModel) -> None:
        """Take the tower and its projection."""
        super().__init__()
        self.tower, self.projection = model.text_model, model.text_projection

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        """Embed token ids."""
        return self.projection(self.tower(input_ids=input_ids).pooler_output)


class SiglipTower(nn.Module):
    """pixel_values or input_ids → pooler_output, not normalised."""

    def __init__(self, tower: nn.Module, takes: str) -> None:
        """Take one tower and the name of its input."""
        super().__init__()
        self.tower, self.takes = tower, takes

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        """Embed prepared pictures or token ids."""
        return self.tower(**{self.takes: given}).pooler_output


def export_clip(model: CLIPModel, folder: Path) -> None:
    """Write onnx/vision_model.onnx and onnx/text_model.onnx."""
    _write(ClipVision(model), folder, "vision", "image_embeds")
    _write(ClipText(model), folder, "text", "text_embeds")


def export_siglip(model: SiglipModel, folder: Path) -> None:
    """Write onnx/vision_model.onnx and onnx/text_model.onnx."""
    _write(SiglipTower(model.vision_model, "pixel_values"), folder, "vision", "pooler_output")
    _write(SiglipTower(model.text_model, "input_ids"), folder, "text", "pooler_output")


def _write(tower: nn.Module, folder: Path, side: str, output: str) -> None:
    (folder / "onnx").mkdir(parents=True, exist_ok=True)
    if side == "vision":
        takes, example = "pixel_values", torch.rand(2, 3, IMAGE_SIZE, IMAGE_SIZE)
        axes = {takes: {0: "batch_size"}}
    else:
        takes, example = "input_ids", torch.ones(2, 64, dtype=torch.int64)
        axes = {takes: {0: "batch_size", 1: "sequence_length"}}
    path = folder / "onnx" / f"{side}_model.onnx"
    torch.onnx.export(
        tower.eval(), (example,), str(path), dynamo=False, opset_version=OPSET,
        input_names=[takes], output_names=[output], dynamic_axes={**axes, output: {0: "batch_size"}},
    )  # fmt: skip
    onnx.save_model(_short_names(onnx.load(path), {takes, output}), path)


def _short_names(model: onnx.ModelProto, kept: set[str]) -> onnx.ModelProto:
    """Number what lies between input and output: the long names of an export are a third of so small a file."""
    graph, short = model.graph, {name: name for name in kept}
    short[""] = ""  # an optional input that is left out
    for weight in graph.initializer:
        weight.name = short.setdefault(weight.name, f"w{len(short)}")
    for node in graph.node:
        node.ClearField("name")
        node.ClearField("doc_string")
        for names in (node.input, node.output):
            names[:] = [short.setdefault(name, f"v{len(short)}") for name in names]
    graph.ClearField("value_info")
    onnx.checker.check_model(model, full_check=True)
    return model
