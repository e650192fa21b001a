"""An index run that finds everything done."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from clip_core import EmbeddingStore, index_video, load_encoder
from tests.benchmarks import made
from tests.benchmarks.runs import RATE, warm_up
from tests.benchmarks.table import Row, Spread, tell

GOAL_S = 1.0
ROOT = Path(__file__).parents[2]


def measure(quick: bool) -> list[Row]:
    """Seconds of index_video when all is stored, in a process that has everything imported; goal 1 s."""
    path, model = made.video(made.CLIP_S, made.SMALL) if quick else made.video(120), str(made.small_model())
    encoder = load_encoder(model)
    warm_up()
    with tempfile.TemporaryDirectory(dir=made.CACHE) as folder:
        began = time.perf_counter()
        _index(path, encoder, folder)
        first_s = time.perf_counter() - began
        again, fresh = [], []
        for _ in range(2 if quick else 20):
            began = time.perf_counter()
            _index(path, encoder, folder)
            again.append(time.perf_counter() - began)
        for _ in range(1 if quick else 3):
            began = time.perf_counter()
            finished = _whole_process(path, model, folder)
            fresh.append(time.perf_counter() - began)
    raw = {"nothing to do": Spread.of(again, "ms", 1, 1000), "the run that did it": Spread.of([first_s], "s")}
    notes: tuple[str, ...] = ()
    if finished.returncode == 0:
        raw["`python -m clip_core index`, whole process"] = Spread.of(fresh, "s")
    else:
        notes = (f"`python -m clip_core index` failed: {(finished.stderr.strip().splitlines() or ['?'])[-1]}",)
    tell(f"nothing: {Spread.of(again, 'ms', 1, 1000)}")
    says = "an index run with nothing to do, in a warm process / 1 s"
    return [Row("nothing", Spread.of(again, digits=3).over(GOAL_S), 1.0, True, says, raw, notes)]


def _index(path: Path, encoder: object, folder: str) -> None:
    for _ in index_video(path, encoder, EmbeddingStore(folder), samples_per_second=RATE):  # type: ignore[arg-type]
        pass


def _whole_process(path: Path, model: str, folder: str) -> subprocess.CompletedProcess[str]:
    asked = ["index", str(path), "--model", model, "--samples-per-second", f"{RATE:g}", "--store", folder]
    command = [sys.executable, "-m", "clip_core", *asked]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
