"""CLIP and its kin from a folder of ONNX files, run by ONNX Runtime."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from clip_core.config import Crop
from clip_core.encoders.checks import need_rgb, unit
from clip_core.encoders.external_data import external_files
from clip_core.encoders.fingerprint import fingerprint
from clip_core.encoders.folder import ModelFolder
from clip_core.encoders.layout import TEXT, TOKENIZER, VISION
from clip_core.encoders.precision import AUTO
from clip_core.encoders.preprocess import Preprocessing
from clip_core.encoders.settings import foreign
from clip_core.encoders.tokens import Tokens
from clip_core.encoders.tower import Tower, cores
from clip_core.errors import EncoderError
from clip_core.values import Floats, Image

IMAGES_AT_ONCE = 16
TEXTS_AT_ONCE = 64
# Below this many source pixels in a call, starting threads costs more than it saves.
PIXELS_WORTH_THREADS = 500_000
FLOATS, WHOLE = ("tensor(float)", "tensor(float16)"), ("tensor(int64)", "tensor(int32)")


class OnnxEncoder:
    """An Encoder over a folder in the transformers.js layout. Both towers are loaded at once.

    Attributes:
        id, fingerprint, dim, logit_scale: See Encoder.
        name: To show.
        provider: "CPU" or "CUDA".
        precision: "fp32", "fp16" or "int8": what the files are in.
        default_threshold: A cosine to start with.
        default_smoothing_s: A window to start with, in seconds.
        image_size, framing: (height, width) of what the model sees, and how a frame becomes that.
        sends_to: None: nothing leaves this machine.

    Args:
        folder: Where its files lie.
        model_id: The name by which it was found.
        precision: Which files to take, see ``ModelFolder.read``.
        root: What all files must really lie in, if not the folder: a hub cache's snapshot is made of links.
        title: What to call it, if not by the folder's name.

    Raises:
        EncoderError: A file is missing, broken, or does not fit the others.
    """

    sends_to: str | None = None

    def __init__(
        self, folder: Path, model_id: str, precision: str = AUTO, *, root: Path | None = None, title: str = ""
    ) -> None:
        model = ModelFolder.read(folder, precision, title)
        weights = {VISION: folder / model.vision, TEXT: folder / model.text}
        external = {role: external_files(path, root or folder) for role, path in weights.items()}
        self.id, self.name, self.precision = model_id, model.name, str(model.precision)
        self.logit_scale = model.logit_scale
        self.default_threshold, self.default_smoothing_s = model.default_threshold, model.default_smoothing_s
        self.image_size, self._made = model.preprocessing.output_size, model.preprocessing
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
        self._tokens = Tokens(folder / TOKENIZER, most, always, model.name, model.lowers_texts)
        self.dim = self._common_dim()
        self._files = {**weights, "tokenizer": folder / TOKENIZER}
        for role, paths in external.items():
            self._files |= {f"{role} {number}": path for number, path in enumerate(paths)}
        self._see_through(self._made)

    def framed(self, crop: Crop | None) -> OnnxEncoder:
        """The same model with its frames cut, squashed or fitted in: see ShownEncoder. It shares the sessions."""
        other = copy.copy(self)
        other._see_through(self._made.framed(crop))
        return other

    def _see_through(self, preprocessing: Preprocessing) -> None:
        self._preprocessing, self.framing = preprocessing, preprocessing.framing
        settings = {"pictures": preprocessing.settings(), "texts": self._tokens.rules.settings()}
        if self._vision.mixes_batch or self._text.mixes_batch:
            settings["alone"] = {"pictures": self._vision.mixes_batch, "texts": self._text.mixes_batch}
        try:
            self.fingerprint = fingerprint(self._files, settings)
        except OSError as error:
            raise EncoderError(f"The model {self.name} cannot be read: {foreign(error)}.") from error

    def embed_images(self, images: Sequence[Image]) -> Floats:
        """Embed pictures: see Encoder."""
        need_rgb(images)
        vectors, done = np.empty((len(images), self.dim), dtype=np.float32), 0
        for values in self._prepared(images):
            found = self._vision.run({"pixel_values": values})
            vectors[done : done + len(values)] = unit(found, self.dim, self.name, "picture")
            done += len(values)
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

    def cut_off(self, texts: Sequence[str]) -> list[str]:
        """The words at the end of each text that the model does not read: see ShownEncoder."""
        return [self._tokens.cut_off(text) for text in texts]

    def _prepared(self, images: Sequence[Image]) -> Iterator[Floats]:
        """Yield float32 (n, 3, height, width), each chunk made while the model is busy with the one before it.

        Pillow works outside the GIL, so threads help with large pictures. At most about 32 prepared pictures wait.
        """
        starts = range(0, len(images), self._images_at_once)
        chunks = [images[start : start + self._images_at_once] for start in starts]
        if sum(image.shape[0] * image.shape[1] for image in images) < PIXELS_WORTH_THREADS:
            for chunk in chunks:
                yield np.stack([self._preprocessing.apply(image) for image in chunk])
            return
        with ThreadPoolExecutor(cores(), "preprocess") as pool:
            ahead = max(1, IMAGES_AT_ONCE // self._images_at_once)
            running = deque(pool.map(self._preprocessing.apply, chunk) for chunk in chunks[:ahead])
            for place in range(len(chunks)):
                values = np.stack(list(running.popleft()))
                if place + ahead < len(chunks):
                    running.append(pool.map(self._preprocessing.apply, chunks[place + ahead]))
                yield values

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
        return self._at_once(VISION, self._vision, shape[0], IMAGES_AT_ONCE)

    def _fit_texts(self, model: ModelFolder) -> tuple[int, int | None, int]:
        """Tokens at most, tokens always (or None), and how many texts the text tower takes at once."""
        shape = self._text.inputs["input_ids"]
        if len(shape) != 2:
            raise EncoderError(f"{TEXT} of {self.name} takes input_ids of shape {shape}, not (n, length).")
        most = shape[1] or model.text_length
        always = most if shape[1] or model.is_siglip else None
        return most, always, self._at_once(TEXT, self._text, shape[0], TEXTS_AT_ONCE)

    def _at_once(self, file: str, tower: Tower, fixed: int | None, most: int) -> int:
        if fixed not in (None, 1):
            raise EncoderError(f"{file} of {self.name} takes exactly {fixed} at once.", "Export it with a free batch.")
        return 1 if fixed or tower.mixes_batch else most

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
