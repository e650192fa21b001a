"""Load a model's folder in a child process with limits first, so that a hostile one cannot exhaust this process.

Why, what is measured, and what a trial cannot find: docs/decisions/model-trial.md.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

import onnxruntime
import tokenizers
from huggingface_hub import constants

from clip_core.encoders.folder import PROCESSOR, ModelFolder
from clip_core.encoders.model_files import (
    CONFIG,
    MOST_MODEL_BYTES,
    MOST_SMALL_BYTES,
    PREPROCESSOR,
    TOKENIZER,
    TOKENIZER_CONFIG,
    ModelSource,
    cores,
    external_files,
    file_sha256,
    foreign,
)
from clip_core.errors import EncoderError, shown_name
from clip_core.text import size_text

CHILD = "clip_core.encoders.trial_child"
PACKAGES = Path(__file__).parents[2]
# Increment it when a trial finds more than before: every model is tried again.
TRIAL = 1
# Python and the libraries take 120 MB, and the threads of ONNX Runtime 16 MB of stacks a core. ViT-B/32 took 1.8 times
# the size of its files, and 3.6 times with half floats, which become floats on a CPU.
BASE_BYTES, CORE_BYTES, SIZE_FACTOR = 1_000_000_000, 32_000_000, 6
# ViT-B/32 took 6 s for 605 MB on two cores; a cold disk and larger pictures take longer.
BASE_S, BYTES_PER_S = 30.0, 4_000_000
# On a machine with eight times as much to do as it has cores, the sample model needed over 30 s.
BUSY_FACTOR = 4
MOST_ANSWER_BYTES = 65_536
# A model that was refused is tried again after this time, so that a page that is drawn again does not wait each time.
REFUSED_FOR_S = 600
OUT_OF_MEMORY = (b"memory allocation of", b"bad_alloc", b"MemoryError")
USE_ANOTHER = "Use another model, or copy its files again."

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a trial may use.

    Attributes:
        memory_bytes: Where the system can limit it (Linux).
        time_s: Seconds of each core, and ``BUSY_FACTOR`` times as many by the clock: others use the cores as well.
    """

    memory_bytes: int
    time_s: float

    @classmethod
    def of(cls, size_bytes: int) -> Limits:
        """Return the limits for a model whose files have so many bytes."""
        memory = BASE_BYTES + CORE_BYTES * cores() + SIZE_FACTOR * size_bytes
        return cls(min(memory, _most_memory()), BASE_S + size_bytes / BYTES_PER_S)


def _most_memory() -> int:
    """Return three quarters of this machine's memory in bytes: a file full of holes can announce any size."""
    if not hasattr(os, "sysconf"):
        return sys.maxsize  # Windows, where memory is not limited
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * 3 // 4


@dataclass(frozen=True, slots=True)
class _Files:
    """The files that a model is loaded from.

    Attributes:
        source: With the precision that was chosen.
        name: The model's name, for messages.
        size_bytes: Of all files.
        content_id: 64 hex digits for the bytes of all files, what reads them, and the version of the trial.
    """

    source: ModelSource
    name: str
    size_bytes: int
    content_id: str

    @classmethod
    def of(cls, source: ModelSource) -> _Files:
        """Read the folder's JSON files, check the names and sizes of all files, and hash them."""
        try:
            model = ModelFolder.read(source.folder, source.precision, source.title)
            paths, small = _paths(source, model)
            sizes = {role: path.stat().st_size for role, path in paths.items()}
            for file in small:
                if sizes[file] > MOST_SMALL_BYTES:
                    what = f"{file} of {model.name} has {size_text(sizes[file])}, which is too much."
                    raise EncoderError(what, USE_ANOTHER)
            total = sum(sizes.values())
            if total > MOST_MODEL_BYTES:
                what = f"The files of {model.name} have {size_text(total)}, which is too much."
                raise EncoderError(what, USE_ANOTHER)
            hashes = {role: file_sha256(path) for role, path in paths.items()}
        except OSError as error:
            name = source.title or shown_name(source.folder)
            raise EncoderError(
                f"The model {name} cannot be read: {foreign(error)}.", "Check its permissions."
            ) from error
        whole = {"trial": TRIAL, "libraries": [onnxruntime.__version__, tokenizers.__version__], "files": hashes}
        content_id = hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()
        source = replace(source, folder=source.folder.absolute(), precision=str(model.towers.precision))
        return cls(source, model.name, total, content_id)


def _paths(source: ModelSource, model: ModelFolder) -> tuple[dict[str, Path], set[str]]:
    """Return role → path of all files that a model is loaded from, and the roles of those that are not weights."""
    others = (PREPROCESSOR, PROCESSOR, TOKENIZER_CONFIG)
    small = {CONFIG, TOKENIZER, *(name for name in others if (source.folder / name).is_file())}
    towers = (model.towers.vision, model.towers.text)
    paths = {name: source.folder / name for name in (*small, *towers)}
    for tower in towers:
        external = external_files(source.folder / tower, source.root)
        paths |= {f"{tower} {number}": path for number, path in enumerate(external)}
    return paths, small


def needs_trial(source: ModelSource) -> bool:
    """Return whether ``ensure_tried`` would start a trial.

    Raises:
        EncoderError: See ``ensure_tried``.
    """
    return not _has_passed(_Files.of(source).content_id)


def ensure_tried(source: ModelSource) -> None:
    """Try a model in a child process, unless its files were tried before on this machine.

    The child loads it as ``OnnxEncoder`` does, embeds texts and pictures, and ends. It can take as long as ``Limits``
    allows.

    Raises:
        EncoderError: A file is missing, broken or too large, or the model took too much memory or time, crashed, or
            gave no usable vectors.
    """
    files = _Files.of(source)
    if _has_passed(files.content_id):
        return
    refused = _refusal(files, int(time.monotonic() / REFUSED_FOR_S))
    if refused is not None:
        raise EncoderError(*refused)
    if _Files.of(source) != files:
        raise EncoderError(f"The files of {files.name} changed while it was tried.", "Try again.")
    record = _record(files.content_id)
    try:
        record.parent.mkdir(parents=True, exist_ok=True)
        record.touch()
    except OSError as error:  # the model is usable, and is tried again later
        _log.warning("The trial of %s cannot be remembered: %s", files.name, foreign(error))


def _record(content_id: str) -> Path:
    """Return the file, outside of every model's folder, that exists if files of this content passed a trial."""
    return Path(constants.HF_ASSETS_CACHE).expanduser() / "clip_video_investigator" / "tried_models" / content_id


def _has_passed(content_id: str) -> bool:
    return os.path.exists(_record(content_id))  # noqa: PTH110 - Path's raises if the folder may not be read


@lru_cache(maxsize=64)
def _refusal(files: _Files, _period: int) -> tuple[str, str] | None:
    """Run a trial; return None if the model passed, else what happened and the next step."""
    name, limits = files.name, Limits.of(files.size_bytes)
    code, answer, said = _run(files.source, limits)
    if code is None or -code == getattr(signal, "SIGXCPU", None):
        most_s = limits.time_s * BUSY_FACTOR if code is None else limits.time_s
        what = f"The model {name} was stopped: it did not finish its first trial within {most_s:.0f} s."
        return what, "Use another model, or try again when the machine is less busy."
    found = _parsed(answer) if code == 0 else None
    killed = -code == getattr(signal, "SIGKILL", None)  # not by this process: by the system, which lacks memory
    if killed or any(sign in said for sign in OUT_OF_MEMORY) or (found is not None and found.get("memory")):
        limit, size = size_text(limits.memory_bytes), size_text(files.size_bytes)
        return f"The model {name} was stopped: it needs over {limit} of memory; its files have {size}.", USE_ANOTHER
    if found is None:
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return f"The model {name} crashed in its first trial ({how}).", USE_ANOTHER
    return (found["what"], found["next_step"]) if found["what"] else None


def _run(source: ModelSource, limits: Limits) -> tuple[int | None, bytes, bytes]:
    """Run the child; return its exit code (None: stopped after its time) and the start of stdout and stderr."""
    words = (source.folder, source.precision, source.root.absolute(), source.title, limits.memory_bytes, limits.time_s)
    command = [sys.executable, "-P", "-m", CHILD, *map(str, words)]
    path = os.pathsep.join(filter(None, (str(PACKAGES), os.environ.get("PYTHONPATH"))))
    # BLAS would reserve memory for each core, and nothing here uses it.
    environment = os.environ | {"PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"}
    try:
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            # A session of its own: Ctrl-C reaches only this process, which then ends the child.
            child = subprocess.Popen(  # noqa: S603 - this interpreter, without a shell
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment, start_new_session=True
            )
            return _code_of(child, limits.time_s * BUSY_FACTOR), _start_of(out), _start_of(err)
    except OSError as error:
        what = f"No process can be started to try a model: {foreign(error)}."
        raise EncoderError(what, "Free some memory and space for temporary files.") from error


def _code_of(child: subprocess.Popen[bytes], time_s: float) -> int | None:
    """Wait for a child; return its exit code, or None if it did not end in time. It has ended in any case."""
    try:
        return child.wait(time_s)
    except subprocess.TimeoutExpired:
        return None
    finally:
        child.kill()
        child.wait()


def _start_of(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read(MOST_ANSWER_BYTES)


def _parsed(answer: bytes) -> dict[str, Any] | None:
    """Return the child's answer, or None if that is not one."""
    try:
        value = json.loads(answer)
    except ValueError:
        return None
    texts = isinstance(value, dict) and all(isinstance(value.get(key), str) for key in ("what", "next_step"))
    return value if texts else None
