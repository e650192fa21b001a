"""Write the model folder: `python -m tools.sample_world.export --work-dir DIR --out data/models/sample`."""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from tools.sample_world.model import DIM, IMAGE_SIZE, SampleClip
from tools.sample_world.text import MAX_TOKENS, build_tokenizer
from tools.sample_world.train import CHECKPOINT_NAME
from tools.sample_world.vocabulary import CLDR_ANNOTATIONS, build_vocabulary

OPSET = 17
DEFAULT_THRESHOLD = 0.40

log = logging.getLogger("sample_world.export")


def export_towers(model: SampleClip, folder: Path) -> None:
    """Both towers as ONNX with their weights inside, with free batch size (and text length)."""
    folder.mkdir(parents=True, exist_ok=True)
    pixels = torch.rand(2, 3, IMAGE_SIZE, IMAGE_SIZE)
    ids = torch.ones(2, MAX_TOKENS, dtype=torch.int64)
    torch.onnx.export(
        model.image, (pixels,), str(folder / "vision_model.onnx"), dynamo=False, opset_version=OPSET,
        input_names=["pixel_values"], output_names=["image_embeds"],
        dynamic_axes={"pixel_values": {0: "n"}, "image_embeds": {0: "n"}},
    )  # fmt: skip
    torch.onnx.export(
        model.text, (ids,), str(folder / "text_model.onnx"), dynamo=False, opset_version=OPSET,
        input_names=["input_ids"], output_names=["text_embeds"],
        dynamic_axes={"input_ids": {0: "n", 1: "length"}, "text_embeds": {0: "n"}},
    )  # fmt: skip


def config_json(model: SampleClip, n_words: int, threshold: float) -> dict[str, Any]:
    """config.json: the model's sizes, its learned scale, and what suits it in the app."""
    return {
        "model_type": "clip",
        "projection_dim": DIM,
        "logit_scale_init_value": round(model.log_scale.item(), 6),
        "logit_bias": round(model.bias.item(), 6),
        "text_config": {"max_position_embeddings": MAX_TOKENS, "vocab_size": n_words, "hidden_size": 96},
        "vision_config": {"image_size": IMAGE_SIZE, "num_channels": 3, "hidden_size": 192},
        "clip_video_investigator": {
            "name": "Sample (emoji)",
            "default_threshold": threshold,
        },
    }


def preprocessor_json() -> dict[str, Any]:
    """preprocessor_config.json: the whole frame squashed to a square, values to -1..1."""
    return {
        "do_convert_rgb": True,
        "do_resize": True,
        "size": {"height": IMAGE_SIZE, "width": IMAGE_SIZE},
        "resample": int(Image.Resampling.BICUBIC),
        "do_center_crop": False,
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5],
    }


def main() -> None:
    """Export the averaged weights of the checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work-dir", type=Path, required=True, help="where the training keeps its checkpoint")
    parser.add_argument("--out", type=Path, default=Path("data/models/sample"))
    parser.add_argument("--threshold", type=float, default=DEFAULT_THRESHOLD, help="what the app starts with")
    parser.add_argument("--cldr", type=Path, default=CLDR_ANNOTATIONS)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")

    checkpoint = options.work_dir / CHECKPOINT_NAME
    if not checkpoint.is_file():
        parser.error(f"{checkpoint} is missing: run python -m tools.sample_world.train first")
    state: dict[str, Any] = torch.load(checkpoint, weights_only=True)
    tokenizer = build_tokenizer(build_vocabulary(options.cldr).words())
    model = SampleClip(tokenizer.get_vocab_size())
    model.load_state_dict(state["average"])
    model.eval()
    export_towers(model, options.out / "onnx")
    tokenizer.save(str(options.out / "tokenizer.json"))
    config = config_json(model, tokenizer.get_vocab_size(), options.threshold)
    for name, content in (("config.json", config), ("preprocessor_config.json", preprocessor_json())):
        (options.out / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    log.info("step %d of %d written to %s", state["step"], state["total_steps"], options.out)


if __name__ == "__main__":
    main()
