"""Search 1,000,000 stored frames: stretches built, a query against exact search, new frames, memory, disk."""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from clip_core.indexing.stretches import build_stretches, stored_bank
from clip_core.retrieval.build_stretches import refresh_stretches
from clip_core.retrieval.search import search
from clip_core.scoring.null_bank import SHARPNESS, bank_levels, bank_texts
from clip_core.store.store import EmbeddingStore
from clip_core.types import Floats, FrameEmbeddings, Image, Ints, TimeTable, VideoRecord
from tests.benchmarks import semi_real
from tests.benchmarks.table import Row, Spread, tell
from tests.support.records import HEADER

FRAMES, QUICK_FRAMES = (200_000, 1_000_000), (4_000,)
SAMPLES, RATE, NEW_FRAMES = 500, 2.0, 10_000
MODEL = "5e" * 32
CAPTIONS = np.array([[0, 1]], np.float32)
BEST, FRAMES_OF_A_SCORE = 10, 4
QUERY_MS, RECALL, BUILD_S, BUILD_MB, QUERY_MB = 50.0, 0.97, 60.0, 1024.0, 300.0


def query_text(number: int) -> str:
    """Return the text that stands for a caption to look for; by its length it is compared with captions."""
    return f"a picture with the number {number} of the pairs"


class PairsEncoder:
    """An encoder in name only: the texts of both null banks get the vectors of captions."""

    id, fingerprint, dim, logit_scale = "pairs", MODEL, semi_real.DIM, 100.0

    def __init__(self, known: semi_real.Pairs) -> None:
        banks = (zip(bank_texts(kind), known.bank, strict=True) for kind in ("names", "captions"))
        self._known = {text: vector for bank in banks for text, vector in bank}
        self._known |= {query_text(number): vector for number, vector in enumerate(known.queries)}

    def embed_texts(self, texts: Sequence[str]) -> Floats:
        """Return the captions that stand for the texts of the banks and for the numbered queries."""
        return np.stack([self._known[text] for text in texts])

    def embed_images(self, images: Sequence[Image]) -> Floats:
        """Refuse: the queries are texts."""
        raise AssertionError("a benchmark of texts embeds no pictures")


class Library:
    """A store with the frames of semi-real videos, and what an exact search of them finds."""

    def __init__(self, folder: Path, known: semi_real.Pairs, frames: int) -> None:
        self.folder, self.known, self.shots = folder, known, dict[str, Ints]()
        self._exact: list[tuple[Floats, Floats]] = []
        self.fill(frames, 1)
        highest, means = (np.concatenate(parts) for parts in zip(*self._exact, strict=True))
        self.exact = {"best frame": highest, f"mean of {FRAMES_OF_A_SCORE}": means}

    def fill(self, frames: int, seed: int) -> None:
        """Store as many videos of 500 frames as it takes."""
        store, table = EmbeddingStore(self.folder), TimeTable(
            np.arange(SAMPLES), Fraction(1, 2), 0, SAMPLES / RATE, True, np.array([0])
        )  # fmt: skip
        for number, (vectors, shots) in enumerate(semi_real.videos(self.known, frames // SAMPLES, SAMPLES, seed)):
            video_id = f"{seed:032x}{number:032x}"
            record = VideoRecord(
                video_id=video_id, path=f"/films/{number}.mp4", name=f"{number}.mp4", table=table,
                unreadable_after_s=None, added_s=float(number), reading="", **HEADER,
            )  # fmt: skip
            store.remember_video(record)
            store.begin(video_id, MODEL, "pairs", RATE)
            store.append(video_id, MODEL, FrameEmbeddings(table.pts, table.times_s, vectors))
            self.shots[video_id] = shots
            self._exact.append(self.score_shots(vectors, shots))
        store.finish(video_id, MODEL, RATE)
        store.optimize(MODEL)

    def score(self, vectors: Floats) -> Floats:
        """Return the corrected scores of frames for all queries, float32 (n, 100)."""
        levels = bank_levels(vectors @ self.known.bank.T, SHARPNESS * PairsEncoder.logit_scale).level
        return np.asarray(vectors @ self.known.queries.T - levels[:, None], np.float32)

    def score_shots(self, vectors: Floats, shots: Ints) -> tuple[Floats, Floats]:
        """Return of each shot, for all queries, the score of its best frame and the mean of its 4 best."""
        parts = np.split(self.score(vectors), np.flatnonzero(np.diff(shots)) + 1)
        best = [-np.sort(-part, axis=0)[:FRAMES_OF_A_SCORE] for part in parts]
        return np.stack([own[0] for own in best]), np.stack([own.mean(axis=0) for own in best])


def measure(quick: bool) -> list[Row]:
    """A row for each size and goal; all of it in processes whose memory is nobody else's."""
    rows = []
    for frames in QUICK_FRAMES if quick else FRAMES:
        with tempfile.TemporaryDirectory() as folder:
            library = Library(Path(folder), semi_real.pairs(), frames)
            tell(f"library: {frames} frames stored, {library.known.source}")
            rows += _rows(library, frames, quick)
    return rows


def _rows(library: Library, frames: int, quick: bool) -> list[Row]:
    build = _apart(_build, library)
    tell(f"library: built in {build['wall_s']:.1f} s, {build['cpu_s']:.1f} CPU-s")
    asked = _apart(_ask, library)
    if not quick:
        library.fill(NEW_FRAMES, 2)
        later = _apart(_ask_for_new, library)
    else:
        later = asked
    name, where = f"library {frames}", f"{library.known.source}; {build['stretches']:.0f} stretches"
    disk = {part: _size_mb(library.folder, part) for part in ("frames", "stretches16")}
    query = {
        "wall": Spread.of(asked["wall_ms"], "ms", 1),
        "CPU": Spread.of(asked["cpu_ms"], "ms", 1),
        "search(), hits with their edges, wall": Spread.of(asked["search_ms"], "ms", 0),
        "the same, CPU": Spread.of(asked["search_cpu_ms"], "ms", 0),
        "looking among stretches": Spread.of(asked["nearest_ms"], "ms", 1),
        "reading frames": Spread.of(asked["frames_ms"], "ms", 1),
        f"{NEW_FRAMES} new frames, not indexed": Spread.of(later["wall_ms"], "ms", 1),
        "size of frames and stretches": Spread.of(list(disk.values()), "MB", 0),
    }
    recall = {kind: Spread.of(asked[kind], "", 3) for kind in library.exact}
    lowest = min(float(np.mean(asked[kind])) for kind in library.exact)
    means = tuple(f"mean of {kind}: {np.mean(asked[kind]):.4f}" for kind in library.exact)
    took = {"CPU": Spread.of([build["cpu_s"]], "s", 1), "peak": Spread.of([build["peak_mb"]], "MB", 0)}
    over, fits = Spread.of([asked["over_mb"]]).over(QUERY_MB), Spread.of([build["peak_mb"]]).over(BUILD_MB)
    return [
        Row(f"{name} built", Spread.of([build["wall_s"]]).over(BUILD_S), 1.0, True, "stretches built / 60 s", took),
        Row(f"{name} peak", fits, 1.0, True, "peak memory of building / 1 GB"),
        Row(f"{name} query", Spread.of(asked["wall_ms"]).over(QUERY_MS), 1.0, True, "a text query / 50 ms", query),
        Row(f"{name} found", Spread.of([lowest]), RECALL, False, "moments@10", recall, (where, *means)),
        Row(f"{name} memory", over, 1.0, True, "peak memory of queries over the idle process / 300 MB"),
    ]


def _build(library: Library) -> dict[str, object]:
    store, wall, cpu = EmbeddingStore(library.folder), time.perf_counter(), time.process_time()
    for _ in refresh_stretches(store, PairsEncoder(library.known)):
        pass
    took = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu, "peak_mb": _peak_mb()}
    found = store.stretches_of([*library.shots], MODEL)
    return took | {"stretches": float(sum(len(own) for own in found.values()))}


def _ask(library: Library) -> dict[str, object]:
    store, queries = EmbeddingStore(library.folder), library.known.queries
    store.stored_pts("0" * 64, MODEL)
    store.stretches_are_current("0" * 64, MODEL)
    idle = _peak_mb()
    times: dict[str, list[float]] = {key: [] for key in ("wall_ms", "cpu_ms", "nearest_ms", "frames_ms")}
    recall: dict[str, list[float]] = {kind: [] for kind in library.exact}
    for number in range(len(queries)):
        wall, cpu = time.perf_counter(), time.process_time()
        found = store.nearest_stretches(MODEL, queries[number : number + 1], CAPTIONS)
        nearest = time.perf_counter()
        frames = store.frames_of_stretches(MODEL, found)
        read = time.perf_counter()
        levels = bank_levels(frames.vectors @ library.known.bank.T, SHARPNESS * PairsEncoder.logit_scale).level
        _ = frames.vectors @ queries[number] - levels
        done = time.perf_counter()
        if number >= len(queries) // 5:  # before that, it is not warm
            cpu_ms = (time.process_time() - cpu) * 1000
            for key, value in zip(times, (done - wall, cpu_ms / 1000, nearest - wall, read - nearest), strict=True):
                times[key].append(value * 1000)
        shots = np.array(
            [library.shots[v][p] for v, p in zip(np.array(found.video_ids)[frames.places], frames.pts, strict=True)]
        )
        for own, exact in zip(recall.values(), library.exact.values(), strict=True):
            own.append(float(np.isin(np.argsort(-exact[:, number])[:BEST], shots).mean()))
    return times | _whole_searches(store, library) | recall | {"over_mb": _peak_mb() - idle}


def _whole_searches(store: EmbeddingStore, library: Library) -> dict[str, list[float]]:
    """Return what ``search`` takes with texts whose vectors are stored, the first fifth of the queries left out."""
    encoder, texts = PairsEncoder(library.known), [query_text(n) for n in range(len(library.known.queries))]
    store.append_texts(MODEL, texts, library.known.queries)
    wall_ms, cpu_ms = [], []
    for text in texts:
        wall, cpu = time.perf_counter(), time.process_time()
        search(text, store, encoder)
        wall_ms.append(1000 * (time.perf_counter() - wall))
        cpu_ms.append(1000 * (time.process_time() - cpu))
    return {"search_ms": wall_ms[len(texts) // 5 :], "search_cpu_ms": cpu_ms[len(texts) // 5 :]}


def _ask_for_new(library: Library) -> dict[str, object]:
    """Ask again after new frames were stored, whose stretches are built but not in the index."""
    store = EmbeddingStore(library.folder)
    bank = stored_bank(store, MODEL, PairsEncoder.logit_scale)
    for video_id in store.outdated_stretches(MODEL):
        build_stretches([video_id], MODEL, store, bank)
    return _ask(library)


def _apart(work: Callable[[Library], dict[str, object]], library: Library) -> dict:  # type: ignore[type-arg]
    """Return what ``work`` returns in a process of its own."""
    context = multiprocessing.get_context("spawn")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(work, library, send))
    process.start()
    send.close()
    found = receive.recv()
    process.join()
    return dict(found)


def _peak_mb() -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def _size_mb(folder: Path, part: str) -> float:
    """Return the size of the files of one table's latest version, in MB."""
    with EmbeddingStore(folder)._tables.reading(f"{part}_{MODEL}") as table:
        assert table is not None
        data = float(table.ask(lambda raw: raw.stats()["total_bytes"]))
        indices = sum(index.size_bytes for index in table.ask(lambda raw: raw.list_indices()))
    return (data + indices) / 1e6


def _send(work: Callable[[Library], dict[str, object]], library: Library, send: Connection) -> None:
    send.send(work(library))
