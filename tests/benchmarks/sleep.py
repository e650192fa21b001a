"""index_video against an encoder that only sleeps: decoding must hide behind it entirely."""

from __future__ import annotations

from tests.benchmarks import made
from tests.benchmarks.runs import Watched, decode_alone, encode_alone, index_fresh, warm_up
from tests.benchmarks.table import Row, Spread, tell
from tests.support.fakes import FakeEncoder

LONGER_THAN_DECODING = 2.5
SHORTEST_S, QUICK_SHORTEST_S = 0.08, 0.01


def measure(quick: bool) -> list[Row]:
    """Frames a second of index_video × seconds a picture of the encoder alone; 1 means decoding costs nothing."""
    path = made.video(made.CLIP_S, made.SMALL) if quick else made.video(120)
    warm_up()
    decode_s, _ = decode_alone(path)
    delay_s = max(QUICK_SHORTEST_S if quick else SHORTEST_S, LONGER_THAN_DECODING * decode_s)
    rates, decodes, encodes, ratios = [], [], [], []
    for turn in range(1 if quick else 3):
        watched = Watched(FakeEncoder(delay_s=delay_s))
        decode_s, frames = decode_alone(path)
        run = index_fresh(path, watched)
        encode_s = encode_alone(watched, frames, tuple(watched.batches))
        rates.append(run.frames_per_second)
        decodes.append(decode_s)
        encodes.append(encode_s)
        ratios.append(run.frames_per_second * encode_s)
        tell(f"sleep, turn {turn + 1}: {ratios[-1]:.3f} with {delay_s * 1000:.0f} ms of sleep a picture")
    raw = {
        "index_video": Spread.of(rates, "frames/s"),
        "encoding alone": Spread.of(encodes, "ms/sample", 1, 1000),
        "decoding alone": Spread.of(decodes, "ms/sample", 1, 1000),
    }
    says = "index_video frames/s × encode alone, the encoder only sleeps"
    return [Row("sleep", Spread.of(ratios), 0.95, False, says, raw)]
