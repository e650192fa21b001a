"""index_video against its two parts: decoding alone and encoding alone, in turns with whole runs."""

from __future__ import annotations

from clip_core import load_encoder
from tests.benchmarks import made
from tests.benchmarks.runs import Watched, decode_alone, encode_alone, index_fresh, warm_up
from tests.benchmarks.table import Row, Spread, tell


def measure(quick: bool) -> list[Row]:
    """Frames a second of index_video × (seconds to decode + seconds to encode a sample); 1 means no loss.

    Both parts use all cores when they run alone, so overlapping them can win only the time in which a
    core would be idle: about 1 is what a machine with few cores can give.
    """
    path = made.video(made.CLIP_S, made.SMALL) if quick else made.video(120)
    encoder = load_encoder(str(made.small_model() if quick else made.true_size_model()))
    warm_up()
    rates, decodes, encodes, ratios, filled, sizes = [], [], [], [], [], []
    for turn in range(1 if quick else 5):
        watched = Watched(encoder)
        decode_s, frames = decode_alone(path)
        if turn == 0:
            encode_alone(encoder, frames, [1, 4])
        run = index_fresh(path, watched)
        encode_s = encode_alone(encoder, frames, watched.batches)
        filled.append(encode_alone(encoder, frames, [16, 16]))
        rates.append(run.frames_per_second)
        decodes.append(decode_s)
        encodes.append(encode_s)
        ratios.append(run.frames_per_second * (decode_s + encode_s))
        sizes.append(run.frames / len(watched.batches))
        tell(f"overlap, turn {turn + 1}: {ratios[-1]:.3f}, {run.frames} frames in {len(watched.batches)} calls")
    raw = {
        "index_video": Spread.of(rates, "frames/s"),
        "decoding alone": Spread.of(decodes, "ms/sample", 1, 1000),
        "encoding alone, in calls as index_video made them": Spread.of(encodes, "ms/sample", 1, 1000),
        "encoding alone, 16 pictures a call": Spread.of(filled, "ms/sample", 1, 1000),
        "pictures a call of index_video": Spread.of(sizes, digits=1),
    }
    says = "index_video frames/s × (decode + encode alone), 1080p H.264 at 2/s, true-size ViT-B/32"
    return [Row("overlap", Spread.of(ratios), 0.95, False, says, raw)]
