"""One ONNX model file in one ONNX Runtime session: what it takes, what it gives, and its errors."""

from __future__ import annotations

import mmap
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from clip_core.encoders.settings import foreign
from clip_core.errors import EncoderError, shown_name
from clip_core.text import single_line
from clip_core.values import Floats

PROVIDERS = {"CUDAExecutionProvider": "CUDA", "CPUExecutionProvider": "CPU"}  # the better one first
DTYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
}
ERRORS_ONLY = 3
Shape = tuple[int | None, ...]


class Tower:
    """A session that turns one batch into vectors. Safe to use from several threads.

    Attributes:
        name: The file's name, for messages.
        provider: "CPU" or "CUDA": what the session really runs on.
        inputs: Name → shape, None where a size is free.
        dim: Length of a vector if the file says it, else None.
        mixes_batch: Whether a vector depends on what else is in its batch.

    Args:
        path: The .onnx file; its external data has been checked.
        takes: Input names it must have → element types they may have.
        may_take: The same for inputs it can have besides.
        gives: Output names it may have, the preferred one first.

    Raises:
        EncoderError: No readable model, or other inputs or outputs.
    """

    def __init__(
        self,
        path: Path,
        *,
        takes: Mapping[str, Sequence[str]],
        may_take: Mapping[str, Sequence[str]],
        gives: Sequence[str],
    ) -> None:
        self.name = shown_name(path)
        self._session = _session(path, self.name)
        self.mixes_batch = _mixes_batch(path)
        self.provider = PROVIDERS.get(self._session.get_providers()[0], "CPU")
        self.inputs, self._dtypes = self._read_inputs(takes, {**takes, **may_take})
        outputs = {output.name: output for output in self._session.get_outputs()}
        self._output = next((name for name in gives if name in outputs), "")
        if not self._output:
            raise self._misfit(f"gives {_names(outputs)}, not {' or '.join(gives)}")
        given = outputs[self._output]
        if given.type not in ("tensor(float)", "tensor(float16)") or len(given.shape) not in (0, 2):
            raise self._misfit(
                f"gives {self._output} as {given.type} {single_line(str(given.shape), 60)}, not as floats (n, dim)"
            )
        last = given.shape[-1] if given.shape else None
        self.dim: int | None = last if isinstance(last, int) else None

    def _read_inputs(
        self, needed: Mapping[str, Sequence[str]], known: Mapping[str, Sequence[str]]
    ) -> tuple[dict[str, Shape], dict[str, Any]]:
        shapes: dict[str, Shape] = {}
        dtypes: dict[str, Any] = {}
        given = self._session.get_inputs()
        if {put.name for put in given} - set(known) or set(needed) - {put.name for put in given}:
            raise self._misfit(f"takes {_names([put.name for put in given])}, not {_names(known)}")
        for put in given:
            if put.type not in known[put.name]:
                raise self._misfit(f"takes {put.name} as {put.type}, not {' or '.join(known[put.name])}")
            shapes[put.name] = tuple(size if isinstance(size, int) else None for size in put.shape)
            dtypes[put.name] = DTYPES[put.type]
        return shapes, dtypes

    def _misfit(self, problem: str) -> EncoderError:
        return EncoderError(f"{self.name} {problem}.", "Use a model in the layout that the README names.")

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> Floats:
        """Embed one batch.

        Args:
            feeds: Input name → array (n, …), cast to the types that the model takes; more than it takes is left out.

        Returns:
            float32 (n, dim) as the model gives them: not normalised.

        Raises:
            EncoderError: The model failed or gave another shape.
        """
        count = len(next(iter(feeds.values())))
        cast = {name: feeds[name].astype(dtype, copy=False) for name, dtype in self._dtypes.items()}
        try:
            (result,) = self._session.run([self._output], cast)
        except Exception as error:  # ONNX Runtime's classes have no common base but this
            raise EncoderError(f"{self.name} failed: {foreign(error)}.", "Use another model.") from error
        vectors = np.asarray(result, dtype=np.float32)
        if vectors.ndim != 2 or len(vectors) != count:
            raise self._misfit(f"gave vectors of shape {vectors.shape} for {count} inputs")
        return vectors


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _mixes_batch(path: Path) -> bool:
    """Whether numbers are quantized by the largest in the whole batch (ONNX's DynamicQuantizeLinear).

    One frame beside other frames then had another vector: on a random ViT-B/32 the cosine between the two was 0.99.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return data.find(b"DynamicQuantizeLinear") >= 0


def _session(path: Path, name: str) -> ort.InferenceSession:
    # No custom-op library is ever registered, so a model that needs one fails here.
    options = ort.SessionOptions()
    options.intra_op_num_threads = cores()
    # Waiting threads that spin take the cores that decode and preprocess: sleeping ones were 10 % faster beside them.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = ERRORS_ONLY + 1  # what fails is raised; nothing is to be printed besides
    ort.set_default_logger_severity(ERRORS_ONLY)
    available = ort.get_available_providers()
    try:
        return ort.InferenceSession(
            str(path), sess_options=options, providers=[name for name in PROVIDERS if name in available]
        )
    except Exception as error:  # ONNX Runtime's classes have no common base but this
        raise EncoderError(
            f"{name} cannot be loaded: {foreign(error, path)}.", "Copy the model's file again."
        ) from error


def _names(names: Sequence[str] | Mapping[str, object]) -> str:
    return ", ".join(single_line(name, 30) for name in list(names)[:5]) or "nothing"
