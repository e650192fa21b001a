"""Run CLIP and similar models from a folder of ONNX files, one ONNX Runtime session per tower."""

from __future__ import annotations

import copy
import mmap
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from clip_core.config import Crop
from clip_core.encoders.base import UnreadWords, need_rgb, unit_length
from clip_core.encoders.cuda import cuda
from clip_core.encoders.folder import ModelFolder
from clip_core.encoders.model_files import (
    AUTO,
    TEXT,
    TOKENIZER,
    VISION,
    cores,
    external_files,
    fingerprint,
    foreign,
    providers_here,
)
from clip_core.encoders.model_inputs import Tokens
from clip_core.errors import EncoderError, GpuFullError, shown_name
from clip_core.text import single_line
from clip_core.types import Floats, Image

IMAGES_AT_ONCE = 16
TEXTS_AT_ONCE = 64
# Below this many source pixels in a call, starting threads costs more than it saves.
PIXELS_WORTH_THREADS = 500_000
PROVIDERS = {"CUDAExecutionProvider": "CUDA", "CPUExecutionProvider": "CPU"}  # in order of preference
DTYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
}
_GPU_FULL = re.compile(r"out of memory|failed to allocate memory|ALLOC_FAILED|CUDA error 2\b", re.IGNORECASE)
ERRORS_ONLY = 3
Shape = tuple[int | None, ...]
FLOATS, WHOLE = ("tensor(float)", "tensor(float16)"), ("tensor(int64)", "tensor(int32)")


class OnnxEncoder:
    """A ShownEncoder for a folder in the transformers.js layout. Both towers are loaded on creation.

    Attributes: See ShownEncoder. Nothing leaves this machine. ``image_size`` is the (height, width) of the input, and
        ``images_at_once`` how many pictures the model gets in one run.

    Args:
        folder, model_id: The model's folder, and the name under which it was found.
        precision, title: See ``ModelFolder.read``.
        root: The folder that must contain the real files, if not ``folder``: snapshots in the hub's cache are links.

    Raises:
        EncoderError: A file is missing, broken, or does not fit the others.
    """

    sends_to: str | None = None

    def __init__(
        self, folder: Path, model_id: str, precision: str = AUTO, *, root: Path | None = None, title: str = ""
    ) -> None:
        model = ModelFolder.read(folder, precision, title)
        weights = {VISION: folder / model.towers.vision, TEXT: folder / model.towers.text}
        external = {role: external_files(path, root or folder) for role, path in weights.items()}
        self.id, self.name, self.precision = model_id, model.name, str(model.towers.precision)
        self.logit_scale = model.logit_scale
        self.default_threshold = model.default_threshold
        self.image_size, self._own_preprocessing = model.preprocessing.output_size, model.preprocessing
        self._vision = Tower(weights[VISION], takes={"pixel_values": FLOATS}, gives=("image_embeds", "pooler_output"))
        takes = {"input_ids": WHOLE, "attention_mask": WHOLE}
        self._text = Tower(
            weights[TEXT], takes=takes, optional=("attention_mask",), gives=("text_embeds", "pooler_output")
        )
        self.provider = self._vision.provider
        self.images_at_once = self._fit_pictures()
        most, always, self._texts_at_once = self._fit_texts(model)
        self._tokens = Tokens(folder / TOKENIZER, most, always, model.name, model.lowers_texts)
        self.dim = self._common_dim()
        self._files = {**weights, "tokenizer": folder / TOKENIZER}
        for role, paths in external.items():
            self._files |= {f"{role} {number}": path for number, path in enumerate(paths)}
        self._set_framing(None)

    def framed(self, crop: Crop | None) -> OnnxEncoder:
        """Return the model with frames cropped, squashed or padded: see ShownEncoder. It shares the sessions."""
        other = copy.copy(self)
        other._set_framing(crop)
        return other

    def _set_framing(self, crop: Crop | None) -> None:
        self._preprocessing = preprocessing = self._own_preprocessing.framed(crop)
        self.framing = preprocessing.framing
        settings = {"pictures": preprocessing.settings(), "texts": self._tokens.settings}
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
            raw = self._run(values)
            vectors[done : done + len(values)] = unit_length(raw, self.dim, self.name, "picture")
            done += len(values)
        return vectors

    def _run(self, pictures: Floats) -> Floats:
        """Run the image tower; if the GPU has no memory for so many pictures, with half of them from now on."""
        try:
            return self._vision.run({"pixel_values": pictures})
        except GpuFullError:
            if len(pictures) == 1:
                raise
        half = len(pictures) // 2
        self.images_at_once = min(self.images_at_once, half)
        return np.concatenate([self._run(part) for part in (pictures[:half], pictures[half:])])

    def embed_texts(self, texts: Sequence[str]) -> Floats:
        """Embed texts, truncated to the model's length: see Encoder."""
        if isinstance(texts, str):
            raise TypeError("embed_texts takes a list of texts, not one text")
        vectors = np.empty((len(texts), self.dim), dtype=np.float32)
        for start in range(0, len(texts), self._texts_at_once):
            chunk = texts[start : start + self._texts_at_once]
            ids, mask = self._tokens(chunk)
            raw = self._text.run({"input_ids": ids, "attention_mask": mask})
            vectors[start : start + len(chunk)] = unit_length(raw, self.dim, self.name, "text")
        return vectors

    def unread(self, texts: Sequence[str]) -> list[UnreadWords]:
        """Return which words of each text the model does not read: see ShownEncoder."""
        return [self._tokens.unread(text) for text in texts]

    def _prepared(self, images: Sequence[Image]) -> Iterator[Floats]:
        """Yield float32 (n, 3, height, width), preparing each chunk while the model runs on the previous one.

        Pillow releases the GIL, so threads help with large pictures. At most about 32 prepared pictures wait, or on a
        GPU as many as it gets in two runs.
        """
        at_once = self.images_at_once
        chunks = [images[start : start + at_once] for start in range(0, len(images), at_once)]
        if sum(image.shape[0] * image.shape[1] for image in images) < PIXELS_WORTH_THREADS:
            for chunk in chunks:
                yield np.stack([self._preprocessing.apply(image) for image in chunk])
            return
        with ThreadPoolExecutor(cores(), "preprocess") as pool:
            ahead = max(1, IMAGES_AT_ONCE // at_once)
            running = deque(pool.map(self._preprocessing.apply, chunk) for chunk in chunks[:ahead])
            for place in range(len(chunks)):
                values = np.stack(list(running.popleft()))
                if place + ahead < len(chunks):
                    running.append(pool.map(self._preprocessing.apply, chunks[place + ahead]))
                yield values

    def _fit_pictures(self) -> int:
        """Check the image tower's input shape; return how many pictures to run per batch."""
        shape, made = self._vision.inputs["pixel_values"], (3, *self.image_size)
        if len(shape) != 4 or any(size not in (None, want) for size, want in zip(shape[1:], made, strict=True)):
            raise EncoderError(
                f"{VISION} of {self.name} takes pictures of shape {shape[1:]}, "
                f"but preprocessor_config.json makes {made}.",
                "Copy both from the same model.",
            )
        most = cuda().pictures_at_once if self.provider == "CUDA" else IMAGES_AT_ONCE
        return self._at_once(VISION, self._vision, shape[0], most)

    def _fit_texts(self, model: ModelFolder) -> tuple[int, int | None, int]:
        """Return the most tokens, the fixed number of tokens (or None), and how many texts to run per batch."""
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
        """Return the vector length, which both towers must share; a test run finds it if a file does not declare it."""
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


class Tower:
    """An ONNX Runtime session that embeds one batch. Safe to use from several threads.

    Attributes:
        name: The file's name, for messages.
        provider: "CPU" or "CUDA": what the session actually runs on.
        inputs: Name → shape, with None for a free size.
        dim: Length of a vector if the file declares it, else None.
        mixes_batch: Whether a vector depends on the rest of its batch.

    Args:
        path: The .onnx file; its external data must have been checked.
        takes: Names of inputs → allowed element types.
        gives: Accepted output names, in order of preference.
        optional: Those of ``takes`` that the model may lack.

    Raises:
        EncoderError: The model is unreadable, or has other inputs or outputs.
    """

    def __init__(
        self, path: Path, *, takes: Mapping[str, Sequence[str]], gives: Sequence[str], optional: Sequence[str] = ()
    ) -> None:
        self.name = shown_name(path)
        self._session = _session(path, self.name)
        self.mixes_batch = _mixes_batch(path)
        self.provider = PROVIDERS.get(self._session.get_providers()[0], "CPU")
        self.inputs, self._dtypes = self._read_inputs(takes, optional)
        outputs = {output.name: output for output in self._session.get_outputs()}
        self._output = next((name for name in gives if name in outputs), "")
        if not self._output:
            raise self._misfit(f"gives {_names(outputs)}, not {' or '.join(gives)}")
        output = outputs[self._output]
        if output.type not in ("tensor(float)", "tensor(float16)") or len(output.shape) not in (0, 2):
            raise self._misfit(
                f"gives {self._output} as {output.type} {single_line(str(output.shape), 60)}, not as floats (n, dim)"
            )
        last = output.shape[-1] if output.shape else None
        self.dim: int | None = last if isinstance(last, int) else None

    def _read_inputs(
        self, takes: Mapping[str, Sequence[str]], optional: Sequence[str]
    ) -> tuple[dict[str, Shape], dict[str, Any]]:
        inputs = {put.name: put for put in self._session.get_inputs()}
        if not set(takes) - set(optional) <= set(inputs) <= set(takes):
            raise self._misfit(f"takes {_names(inputs)}, not {_names(takes)}")
        for name, put in inputs.items():
            if put.type not in takes[name]:
                raise self._misfit(f"takes {name} as {put.type}, not {' or '.join(takes[name])}")
        shapes = {
            name: tuple(size if isinstance(size, int) else None for size in put.shape) for name, put in inputs.items()
        }
        return shapes, {name: DTYPES[put.type] for name, put in inputs.items()}

    def _misfit(self, problem: str) -> EncoderError:
        return EncoderError(f"{self.name} {problem}.", "Use a model in the layout in docs/models.md.")

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> Floats:
        """Embed one batch, float32 (n, dim), not normalised.

        Args:
            feeds: Input name → array (n, …), cast to the model's types; inputs that it does not have are left out.
        """
        count = len(next(iter(feeds.values())))
        cast = {name: feeds[name].astype(dtype, copy=False) for name, dtype in self._dtypes.items()}
        try:
            (result,) = self._session.run([self._output], cast)
        except Exception as error:  # ONNX Runtime's classes have no common base but this
            if self.provider == "CUDA" and _GPU_FULL.search(str(error)):
                raise GpuFullError(f"The memory of the GPU is full ({self.name}).", "End what else uses it.") from error
            raise EncoderError(f"{self.name} failed: {foreign(error)}.", "Use another model.") from error
        vectors = np.asarray(result, dtype=np.float32)
        if vectors.ndim != 2 or len(vectors) != count:
            raise self._misfit(f"gave vectors of shape {vectors.shape} for {count} inputs")
        return vectors


def _mixes_batch(path: Path) -> bool:
    """Return whether values are quantised by the range of the whole batch (ONNX's DynamicQuantizeLinear).

    A frame's vector then depends on its batch: on a random ViT-B/32 the cosine to the vector alone was 0.99.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return data.find(b"DynamicQuantizeLinear") >= 0


def _session(path: Path, name: str) -> ort.InferenceSession:
    # No custom-op library is registered, so a model that needs one fails here.
    options = ort.SessionOptions()
    options.intra_op_num_threads = cores()
    # Threads that spin while waiting take cores from decoding and preprocessing: sleeping ones were 10 % faster.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = ERRORS_ONLY + 1  # failures are raised, so nothing needs to be printed
    ort.set_default_logger_severity(ERRORS_ONLY)
    available = providers_here()
    try:
        return ort.InferenceSession(
            str(path), sess_options=options, providers=[name for name in PROVIDERS if name in available]
        )
    except Exception as error:  # ONNX Runtime's classes have no common base but this
        raise EncoderError(
            f"{name} cannot be loaded: {foreign(error, path)}.", "Copy the model's file again."
        ) from error


def _names(names: Iterable[str]) -> str:
    return ", ".join(single_line(name, 30) for name in list(names)[:5]) or "nothing"
