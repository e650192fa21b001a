"""embed_images against its two parts, preprocessing and the session, each alone in the same run."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from clip_core import load_encoder
from clip_core.encoders.onnx import OnnxEncoder
from clip_core.types import Image
from tests.benchmarks import made
from tests.benchmarks.runs import decode_alone
from tests.benchmarks.table import Row, Spread, tell

FRAMES = 64
BATCH = 16


def measure(quick: bool) -> list[Row]:
    """Frames a second × (seconds of preprocessing + seconds of the session); 1 means that nothing is lost.

    Both parts use all cores when they run alone, so on a machine without a GPU 1 is about what can be reached.
    """
    _, kept = decode_alone(made.video(made.CLIP_S, made.SMALL) if quick else made.video(60))
    frames = [kept[number % len(kept)].rgb for number in range(BATCH if quick else FRAMES)]
    rows = []
    model = made.small_model() if quick else made.true_size_model()
    for name, folder, goal in (("fp32", model, None), ("int8", made.in_int8(model), 0.25)):
        rows += _rows(name, folder, frames, 1 if quick else 5, goal)
    return rows


def _rows(name: str, folder: Path, frames: Sequence[Image], turns: int, share_goal: float | None) -> list[Row]:
    encoder = load_encoder(str(folder))
    wholes, prepares, sessions = [], [], []
    encoder.embed_images(frames[:BATCH])
    for turn in range(turns):
        prepare_s, values = _prepare_alone(encoder, frames)
        session_s = _seconds(lambda values=values: [encoder._vision.run({"pixel_values": v}) for v in values])
        whole_s = _seconds(lambda: encoder.embed_images(frames))
        for found, seconds in ((prepares, prepare_s), (sessions, session_s), (wholes, whole_s)):
            found.append(seconds / len(frames))
        tell(f"encode {name}, turn {turn + 1}: {(prepare_s + session_s) / whole_s:.3f}")
    both = [(prepare + session) / whole for prepare, session, whole in zip(prepares, sessions, wholes, strict=True)]
    shares = [prepare / session for prepare, session in zip(prepares, sessions, strict=True)]
    raw = {
        "embed_images": Spread.of([1 / whole for whole in wholes], "frames/s"),
        "preprocessing alone, in threads": Spread.of(prepares, "ms/frame", 1, 1000),
        "session alone": Spread.of(sessions, "ms/frame", 1, 1000),
    }
    says = f"frames/s × (preprocessing + session), 1080p, true-size ViT-B/32, {name}"
    share = f"preprocessing of a frame over the {name} session's time for it"
    return [
        Row(f"encode {name}", Spread.of(both), 0.95, False, says, raw),
        Row(f"encode {name}, share", Spread.of(shares), share_goal, True, share),
    ]


def _prepare_alone(encoder: OnnxEncoder, frames: Sequence[Image]) -> tuple[float, list[np.ndarray]]:
    values: list[np.ndarray] = []
    return _seconds(lambda: values.extend(encoder._prepared(frames))), values


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
