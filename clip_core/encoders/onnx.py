"""CLIP and its kin from a folder of ONNX files, run by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import numpy as np

from clip_core.encoders.checks import need_rgb, unit
from clip_core.encoders.external_data import external_files
from clip_core.encoders.fingerprint import fingerprint
from clip_core.encoders.folder import TEXT, TOKENIZER, VISION, ModelFolder
from clip_core.encoders.settings import foreign
from clip_core.encoders.tokens import Tokens
from clip_core.encoders.tower import Tower, cores
from clip_core.errors import EncoderError
from clip_core.values import Floats, Image

IMAGES_AT_ONCE = 32
TEXTS_AT_ONCE = 64
# Below this many source pixels in a chunk, starting threads costs more than it saves.
PIXELS_WORTH_THREADS = 500_000
FLOATS, WHOLE = ("tensor(float)", "tensor(float16)"), ("tensor(int64)", "tensor(int32)")


class OnnxEncoder:
    """An Encoder over a folder in the transformers.js layout. Both towers are loaded at once.

    Attributes:
        id, fingerprint, dim, logit_scale: See Encoder.
        name: To show.
        provider: "CPU" or "CUDA".
        default_threshold: A cosine to start with.
        default_smoothing_s: A window to start with, in seconds.
        image_size: (height, width) of what the model sees.

    Args:
        folder: Where its files lie.
        model_id: The name by which it was found.

    Raises:
        EncoderError: A file is missing, broken, or does not fit the others.
    """

    def __init__(self, folder: Path, model_id: str) -> None:
        model = ModelFolder.read(folder)
        weights = {role: folder / role for role in (VISION, TEXT)}
        external = {role: external_files(path, folder) for role, path in weights.items()}
        self.id, self.name = model_id, model.name
        self.logit_scale = model.logit_scale
        self.default_threshold, self.default_smoothing_s = model.default_threshold, model.default_smoothing_s
        self.image_size = model.preprocessing.output_size
        self._preprocessing = model.preprocessing
        self._vision = Tower(
            weights[VISION], takes={"pixel_values": FLOATS}, may_take={}, gives=("image_embeds", "pooler_output")
        )
        self._text = Tower(
            weights[TEXT],
            takes={"input_ids": WHOLE},
            may_take={"attention_mask": WHOLE},
            gives=("text_embeds", "pooler_output"),
        )
        self.provider = self._vision.provider
        self._images_at_once = self._fit_pictures()
        most, always, self._texts_at_once = self._fit_texts(model)
        self._tokens = Tokens(folder / TOKENIZER, most, always, model.name)
        self.dim = self._common_dim()
        files = {**weights, "tokenizer": folder / TOKENIZER}
        files |= {f"{role} {number}": path for role, paths in external.items() for number, path in enumerate(paths)}
        try:
            self.fingerprint = fingerprint(
                files, {"pictures": model.preprocessing.settings(), "texts": asdict(self._tokens.rules)}
            )
        except OSError as error:
            raise EncoderError(f"The model {self.name} cannot be read: {foreign(error)}.") from error

    def embed_images(self, images: Sequence[Image]) -> Floats:
        """Embed pictures: see Encoder."""
        need_rgb(images)
        vectors = np.empty((len(images), self.dim), dtype=np.float32)
        for start in range(0, len(images), self._images_at_once):
            chunk = images[start : start + self._images_at_once]
            found = self._vision.run({"pixel_values": self._pixel_values(chunk)})
            vectors[start : start + len(chunk)] = unit(found, self.dim, self.name, "picture")
        return vectors

    def embed_texts(self, texts: Sequence[str]) -> Floats:
        """Embed texts, cut to the model's length: see Encoder."""
        if isinstance(texts, str):
            raise TypeError("embed_texts takes a list of texts, not one text")
        vectors = np.empty((len(texts), self.dim), dtype=np.float32)
        for start in range(0, len(texts), self._texts_at_once):
            chunk = texts[start : start + self._texts_at_once]
            ids, mask = self._tokens(chunk)
            found = self._text.run({"input_ids": ids, "attention_mask": mask})
            vectors[start : start + len(chunk)] = unit(found, self.dim, self.name, "text")
        return vectors

    def _pixel_values(self, images: Sequence[Image]) -> Floats:
        """float32 (n, 3, height, width). Pillow works outside the GIL, so threads help with large pictures."""
        if len(images) > 1 and sum(image.shape[0] * image.shape[1] for image in images) >= PIXELS_WORTH_THREADS:
            with ThreadPoolExecutor(min(cores(), len(images))) as pool:
                return np.stack(list(pool.map(self._preprocessing.apply, images)))
        return np.stack([self._preprocessing.apply(image) for image in images])

    def _fit_pictures(self) -> int:
        """How many pictures the image tower takes at once."""
        shape = self._vision.inputs["pixel_values"]
        wanted = (None, 3, *self.image_size)
        if len(shape) != 4 or any(
            has is not None and has != want for has, want in zip(shape[1:], wanted[1:], strict=True)
        ):
            raise EncoderError(
                f"{VISION} of {self.name} takes pictures of shape {shape[1:]}, "
                f"but preprocessor_config.json makes {wanted[1:]}.",
                "Copy both from the same model.",
            )
        return self._at_once(VISION, shape[0], IMAGES_AT_ONCE)

    def _fit_texts(self, model: ModelFolder) -> tuple[int, int | None, int]:
        """Tokens at most, tokens always (or None), and how many texts the text tower takes at once."""
        shape = self._text.inputs["input_ids"]
        if len(shape) != 2:
            raise EncoderError(f"{TEXT} of {self.name} takes input_ids of shape {shape}, not (n, length).")
        most = shape[1] or model.text_length
        always = most if shape[1] or model.is_siglip else None
        return most, always, self._at_once(TEXT, shape[0], TEXTS_AT_ONCE)

    def _at_once(self, file: str, fixed: int | None, most: int) -> int:
        if fixed not in (None, 1):
            raise EncoderError(f"{file} of {self.name} takes exactly {fixed} at once.", "Export it with a free batch.")
        return fixed or most

    def _common_dim(self) -> int:
        """The length of a vector, which both towers must share; asked of the models where they do not say."""
        black: Floats = np.zeros((1, 3, *self.image_size), dtype=np.float32)
        image = self._vision.dim or self._vision.run({"pixel_values": black}).shape[1]
        ids, mask = self._tokens(["a"])
        text = self._text.dim or self._text.run({"input_ids": ids, "attention_mask": mask}).shape[1]
        if image != text:
            raise EncoderError(
                f"{self.name}: pictures become {image} numbers, but texts {text}.",
                "Copy both towers from the same model.",
            )
        return image
