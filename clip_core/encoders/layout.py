"""The names of the files that a model consists of: the layout of transformers.js."""

from __future__ import annotations

from pathlib import Path

CONFIG, PREPROCESSOR, TOKENIZER = "config.json", "preprocessor_config.json", "tokenizer.json"
TOKENIZER_CONFIG = "tokenizer_config.json"
# Roles as well as names: a fingerprint calls the towers so whatever files were chosen.
VISION, TEXT = "onnx/vision_model.onnx", "onnx/text_model.onnx"


def onnx_files(path: Path) -> frozenset[str]:
    """The names of the files in a model's onnx/, relative to the model; none if it cannot be listed."""
    try:
        return frozenset(f"onnx/{file.name}" for file in (path / "onnx").iterdir() if file.is_file())
    except OSError:
        return frozenset()
