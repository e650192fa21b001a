"""The shipped model folder as a program sees it: JSON settings, tokenizer, two ONNX files; no torch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image
from tokenizers import Tokenizer

from tools.sample_world.text import encode

Vectors = NDArray[np.float32]


class ModelFolder:
    """Pictures and texts to unit vectors with nothing but the files of a model folder."""

    def __init__(self, folder: Path, threads: int = 2) -> None:
        """Open the files.

        Raises:
            FileNotFoundError: no such folder; run the export first.
        """
        if not (folder / "config.json").is_file():
            raise FileNotFoundError(f"{folder} holds no config.json: run python -m tools.sample_world.export first")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._vision = onnxruntime.InferenceSession(folder / "onnx" / "vision_model.onnx", options)
        self._text = onnxruntime.InferenceSession(folder / "onnx" / "text_model.onnx", options)
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        settings: dict[str, Any] = json.loads((folder / "preprocessor_config.json").read_text(encoding="utf-8"))
        self._size = settings["size"]["width"], settings["size"]["height"]
        self._resample = Image.Resampling(settings["resample"])
        self._factor = np.float32(settings["rescale_factor"])
        self._mean = np.asarray(settings["image_mean"], np.float32)
        self._std = np.asarray(settings["image_std"], np.float32)

    def pixels(self, image: Image.Image) -> NDArray[np.float32]:
        """The whole picture squashed to the input, float32 (3, height, width)."""
        small = np.asarray(image.convert("RGB").resize(self._size, self._resample), np.float32)
        return ((small * self._factor - self._mean) / self._std).transpose(2, 0, 1)

    def run_vision(self, pixels: NDArray[np.float32]) -> Vectors:
        """Raw image embeddings (n, dim) of (n, 3, height, width)."""
        return np.asarray(self._vision.run(["image_embeds"], {"pixel_values": pixels})[0], np.float32)

    def embed_pixels(self, pixels: NDArray[np.float32], batch: int = 64) -> Vectors:
        """Unit vectors (n, dim) of prepared pictures."""
        parts = [self.run_vision(pixels[k : k + batch]) for k in range(0, len(pixels), batch)]
        return _unit(np.concatenate(parts))

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors (n, dim) of texts."""
        ids = encode(self._tokenizer, texts)
        return _unit(np.asarray(self._text.run(["text_embeds"], {"input_ids": ids})[0], np.float32))


def _unit(vectors: Vectors) -> Vectors:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.isfinite(length).all() or (length == 0).any():
        raise ValueError("the model gave NaN or zero vectors; export it again from a good checkpoint")
    unit: Vectors = (vectors / length).astype(np.float32)
    return unit
