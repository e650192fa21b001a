"""The most memory that indexing takes: an hour of video against a minute of it."""

from __future__ import annotations

import multiprocessing
import tempfile
from pathlib import Path

from tests.benchmarks import made
from tests.benchmarks.table import Row, Spread, tell

SHORT_S, LONG_S = 60, 3600
QUICK_SHORT_S, QUICK_LONG_S = 20, 60
MORE_MB = 100.0
RATE = 2.0


def measure(quick: bool) -> list[Row]:
    """Peak resident memory of a fresh process that indexes, thumbnails included, in MB.

    The model is the small one with random weights (512 numbers a vector), so that decoding sets the pace.
    """
    short_s, long_s = (QUICK_SHORT_S, QUICK_LONG_S) if quick else (SHORT_S, LONG_S)
    peaks = {}
    for seconds in (short_s, long_s):
        path = made.video(seconds, made.SMALL)
        peaks[seconds] = [_peak_mb(path) for _ in range(1 if quick else 2)]
        tell(f"memory: {seconds} s: {Spread.of(peaks[seconds], 'MB', 0)}")
    more = [long - short for long, short in zip(peaks[long_s], peaks[short_s], strict=True)]
    raw = {f"{seconds} s of video": Spread.of(values, "MB", 0) for seconds, values in peaks.items()}
    says = f"MB that indexing {long_s} s of video takes over {short_s} s (640 × 360, {RATE:g}/s) / {MORE_MB:.0f} MB"
    return [Row("memory", Spread.of(more).over(MORE_MB), 1.0, True, says, raw, ())]


def _peak_mb(path: Path) -> float:
    """In a process of its own, whose peak is nobody else's."""
    context = multiprocessing.get_context("spawn")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=_index, args=(path, send))
    process.start()
    peak = float(receive.recv())
    process.join()
    return peak


def _index(path: Path, send: multiprocessing.connection.Connection) -> None:  # type: ignore[name-defined]
    from clip_core import EmbeddingStore, index_video
    from clip_core.encoders.registry import load_encoder

    encoder = load_encoder(str(made.small_model()))
    with tempfile.TemporaryDirectory() as folder:
        for _ in index_video(path, encoder, EmbeddingStore(folder), samples_per_second=RATE):
            pass
    send.send(_high_water_mb())


def _high_water_mb() -> float:
    """Of this process since it began. ``ru_maxrss`` would be that of its parent, if that once was larger."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024
