"""The child process of a trial: load a model under limits, embed texts and pictures, and print one line of JSON.

``python -m clip_core.encoders.trial_child FOLDER PRECISION ROOT TITLE MEMORY_BYTES TIME_S``, run by trial.py.
"""

from __future__ import annotations

import json
import math
import string
import sys
from pathlib import Path

from clip_core.encoders.model_files import cores, foreign
from clip_core.errors import EncoderError

MOST_OUTPUT_BYTES = 1_000_000
SHORT_TEXT = "a photo of a dog"
# Over 500 tokens, so that every tower of up to that length is given all that it reads.
LONG_TEXT = "the quick brown fox jumps over 12 lazy dogs, and then it sleeps in the sun. " * 40
# For the tokenizer alone: one word, runs of each character, and other scripts.
HARD_TEXTS = (
    "a" * 20_000,
    "".join(character * 40 + "\n" for character in string.printable),
    "Größe 狗在雪地里奔跑 собака สุนัข كلب \ufdfa 🐶 " * 300,
)
OUT_OF_MEMORY = ("bad_alloc", "bad allocation", "llocate memory", "nable to allocate", "capacity overflow")


def main() -> None:
    """Try the model that the arguments name."""
    folder, precision, root, title, memory_bytes, time_s = sys.argv[1:]
    _limit(int(memory_bytes), math.ceil(float(time_s)))
    answer: dict[str, object] = {"what": "", "next_step": "", "memory": False}
    try:
        _try(Path(folder), precision, Path(root), title)
    except Exception as error:  # noqa: BLE001 - whatever a library raises is told by the parent
        what = f"The first trial of {title or Path(folder).name} failed: {foreign(error)}."
        told = error if isinstance(error, EncoderError) else EncoderError(what, "Use another model.")
        answer = {"what": told.what, "next_step": told.next_step, "memory": _lacks_memory(error)}
    print(json.dumps(answer), flush=True)  # noqa: T201 - this is how it answers


def _limit(memory_bytes: int, time_s: int) -> None:
    """Limit memory, CPU time and what is written, and leave no core dump, where the system can."""
    if sys.platform == "win32":
        return
    import resource

    wanted = {
        # Not RLIMIT_AS: addresses that are only reserved count there, 64 MB a thread, and gigabytes for CUDA.
        resource.RLIMIT_DATA: memory_bytes,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: MOST_OUTPUT_BYTES,
        resource.RLIMIT_CPU: time_s * cores(),
    }
    for kind, most in wanted.items():
        _, allowed = resource.getrlimit(kind)
        limit = most if allowed == resource.RLIM_INFINITY else min(most, allowed)
        # At the hard limit the system sends SIGKILL, as it does where memory lacks; at the soft one SIGXCPU.
        resource.setrlimit(kind, (limit, allowed if kind == resource.RLIMIT_CPU else limit))


def _try(folder: Path, precision: str, root: Path, title: str) -> None:
    """Load and use the model as a video does.

    Raises:
        EncoderError: It cannot be loaded, or gives no usable vectors.
    """
    import numpy as np

    from clip_core.encoders.onnx import IMAGES_AT_ONCE, TEXTS_AT_ONCE, OnnxEncoder

    encoder = OnnxEncoder(folder, folder.name, precision, root=root, title=title)
    noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    slope = np.broadcast_to(np.arange(64, dtype=np.uint8)[:, None, None] * 3, (64, 64, 3))
    encoder.embed_images([noise, slope] * (IMAGES_AT_ONCE // 2 if encoder.images_at_once > 1 else 1))
    encoder.embed_texts([SHORT_TEXT] * TEXTS_AT_ONCE)
    encoder.embed_texts([SHORT_TEXT, LONG_TEXT])
    for text in HARD_TEXTS:
        try:
            encoder.unread([text])
        except EncoderError as error:  # a message in use, too: only memory, time and crashes count here
            if _lacks_memory(error):
                raise


def _lacks_memory(error: BaseException | None) -> bool:
    """Return whether an error, or one that caused it, says that memory lacks."""
    if error is None:
        return False
    says_so = isinstance(error, MemoryError) or any(sign in str(error) for sign in OUT_OF_MEMORY)
    return says_so or _lacks_memory(error.__cause__)


if __name__ == "__main__":
    main()
