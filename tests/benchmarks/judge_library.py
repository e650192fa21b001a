"""Search in a library of real pictures' vectors: is the right moment found, is nothing absent called found?

``python -m tests.benchmarks --only judge_library``. The films are those of ../shared/realclip/judge.py beside the
checkout: real CLIP vectors of COCO pictures, moved. One video a film, written into the store with its vectors. 40
captions are shown and 40 are not, 300 others are the null bank; the rest of the pictures is shown and never asked for.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from clip_core import EmbeddingStore, search
from clip_core.retrieval.results import SearchResult
from clip_core.scoring.null_bank import bank_levels
from clip_core.scoring.stretches import find_stretches
from clip_core.types import Floats, FrameEmbeddings
from tests.benchmarks.table import Row, Spread, tell
from tests.support.row_library import RowEncoder, store_video

JUDGE = Path(__file__).resolve().parents[3] / "shared" / "realclip" / "judge.py"
SHOWN, ABSENT, BANK = 40, 40, 300
LIBRARIES, SEARCHED, FILMS_OF_A_KIND = 20, 3, 4
LIMIT, NOMINAL = 10, 0.05
ORDERS = tuple(
    f"{unit}, {statistic}"
    for unit in ("cosine", "corrected")
    for statistic in ("maximum", "mean of 4", "mean of stretch")
)


def measure(quick: bool) -> list[Row]:
    """Recall@10, mAP and false alarms of ``search``, and, on more libraries, of other orders of the stretches.

    The last order is that of ``search``, so its verdicts are too; what ``search`` adds are the edges of hits.
    """
    if not JUDGE.is_file():
        tell(f"judge_library: left out, there is no {JUDGE}")
        return []
    judge = _judge()
    counted, others = Tally(), {name: Tally() for name in ORDERS}
    for seed in range(1 if quick else LIBRARIES):
        library = Library(judge, seed, 1 if quick else FILMS_OF_A_KIND)
        _count_orders(library, others)
        if seed < SEARCHED:
            with tempfile.TemporaryDirectory() as folder:
                _count_search(library, EmbeddingStore(folder), counted)
            tell(f"judge_library: library {seed}: {counted}")
    rows = [counted.row("search", NOMINAL, "what search returns")] if counted.recall else []
    return rows + [tally.row(name, None, "stretches ordered so, without edges") for name, tally in others.items()]


class Library:
    """Films, and which captions are shown in them, in which spans.

    Attributes:
        shown, absent, bank: Rows of captions.
        films: Name → its frames' vectors, one a second.
        truth: Row of a caption → the places (film, start_s, end_s) where its picture is shown.
    """

    def __init__(self, judge: ModuleType, seed: int, films: int) -> None:
        self.images, self.captions = judge.load_pairs()
        order = np.random.default_rng(seed).permutation(len(self.images))
        self.shown, self.absent, self.bank, fill = np.split(order, np.cumsum([SHOWN, ABSENT, BANK]))
        pool = np.concatenate([self.shown, fill])
        self.films: dict[str, Floats] = {}
        self.truth: dict[int, list[tuple[str, float, float]]] = {int(row): [] for row in pool}
        for number, kind in enumerate(kind for kind in judge.KINDS for _ in range(films)):
            film, name = (
                judge.Film(1000 * seed + number, kind, self.images[pool], self.captions[pool]),
                f"film {number}",
            )
            self.films[name] = film.frames
            for caption, spans in film.truth.items():
                self.truth[int(pool[int(caption.split()[1])])] += [(name, *span) for span in spans]

    def write(self, store: EmbeddingStore) -> RowEncoder:
        """Write the films into a store, as if they had been indexed, and return the model."""
        encoder = RowEncoder(self.images, self.captions, self.bank.tolist())
        for name, vectors in self.films.items():
            store_video(store, encoder, name, vectors)
        return encoder


@dataclass
class Tally:
    """What is counted over the captions of all libraries."""

    recall: list[float] = field(default_factory=list)
    precision: dict[float, list[float]] = field(default_factory=dict)
    first: list[float] = field(default_factory=list)
    present: list[float] = field(default_factory=list)
    absent: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def add_places(self, judge: ModuleType, places: Sequence[Place], truth: Sequence[Place]) -> None:
        """Count the places found for a shown caption, the best first."""
        self.recall.append(_precision(judge, places[:LIMIT], truth, 0.5)[1])
        for least in np.arange(0.5, 1.0, 0.05).round(2).tolist():
            self.precision.setdefault(least, []).append(_precision(judge, places, truth, least)[0])
        self.first.append(_precision(judge, places[:1], truth, 0.5)[1] > 0)

    def row(self, name: str, goal: float | None, says: str) -> Row:
        raw = {
            "recall@10 of moments": Spread.of([float(np.mean(self.recall))], "", 3),
            "mAP, IoU 0.5": Spread.of([float(np.mean(self.precision[0.5]))], "", 3),
            "mAP, IoU 0.5 to 0.95": Spread.of([float(np.mean([np.mean(v) for v in self.precision.values()]))], "", 3),
            "first is right": Spread.of([float(np.mean(self.first))], "", 3),
            "shown, called there": Spread.of([float(np.mean(self.present))], "", 3),
        }
        alarms = Spread.of([float(np.mean(self.absent))], "", 3)
        return Row(f"judge_library: {name}", alarms, goal, True, f"absent captions called there; {says}", raw, ())

    def __str__(self) -> str:
        right, alarms = float(np.mean(self.recall)), float(np.mean(self.absent))
        return f"recall@10 {right:.3f}, absent called there {alarms:.3f} of {len(self.absent)}"


Place = tuple[str, float, float]


def _count_search(library: Library, store: EmbeddingStore, counted: Tally) -> None:
    encoder = library.write(store)
    judge = sys.modules["judge"]
    for row in library.shown.tolist():
        if library.truth[row]:
            found = _timed_search(row, store, encoder, counted)
            counted.add_places(judge, _places_of(found), library.truth[row])
            counted.present.append(found.verdict == "there")
    for row in library.absent.tolist():
        counted.absent.append(_timed_search(row, store, encoder, counted).verdict == "there")


def _timed_search(row: int, store: EmbeddingStore, encoder: RowEncoder, counted: Tally) -> SearchResult:
    began = time.perf_counter()
    found = search(f"caption {row}", store, encoder, limit=50)
    counted.seconds.append(time.perf_counter() - began)
    return found


def _places_of(found: SearchResult) -> list[Place]:
    """Return the hits with their other files behind each, in order."""
    places = []
    for hit in found.hits:
        places.append((hit.name, hit.start_s, hit.end_s))
        places += [(other.name, other.start_s, other.end_s) for other in hit.also_in]
    return places


def _precision(judge: ModuleType, places: Sequence[Place], truth: Sequence[Place], least: float) -> tuple[float, float]:
    """Return average precision and recall (of at most ten) of places against the truth, each true place taken once."""
    free, hits, total = list(truth), 0, 0.0
    for rank, (film, *span) in enumerate(places, 1):
        own = [place for place in free if place[0] == film]
        best = max(own, key=lambda place: judge.iou(span, place[1:]), default=None)
        if best is not None and judge.iou(span, best[1:]) >= least:
            free.remove(best)
            hits += 1
            total += hits / rank
    return total / len(truth), hits / min(len(truth), LIMIT)


def _count_orders(library: Library, tallies: dict[str, Tally]) -> None:
    """Count what other orders of the stretches would find."""
    judge, rows = sys.modules["judge"], np.concatenate([library.shown, library.absent])
    texts, bank = library.captions[rows], library.captions[library.bank]
    places: list[Place] = []
    asked: dict[str, list[np.ndarray]] = {name: [] for name in ORDERS}
    neutral: dict[str, list[np.ndarray]] = {name: [] for name in ORDERS}
    for name, vectors in library.films.items():
        pts = np.arange(len(vectors), dtype=np.int64)
        stretches = find_stretches(FrameEmbeddings(pts, pts.astype(np.float64), vectors), float(len(pts)))
        places += [(name, *span) for span in zip(stretches.start_s.tolist(), stretches.end_s.tolist(), strict=True)]
        edges = np.append(stretches.first_pts, len(pts))
        for order, (own, others) in _ordered(vectors, stretches.vectors, edges, texts, bank).items():
            asked[order].append(own)
            neutral[order].append(others)
    for name, tally in tallies.items():
        scores, peaks = np.concatenate(asked[name]), np.concatenate(neutral[name]).max(axis=0)
        there = (scores.max(axis=0)[:, None] > peaks).mean(axis=1) > 1 - NOMINAL
        tally.absent += there[SHOWN:].tolist()
        for column, row in enumerate(library.shown.tolist()):
            if library.truth[row]:
                best = np.argsort(-scores[:, column], kind="stable")[:50]
                tally.add_places(judge, [places[place] for place in best], library.truth[row])
                tally.present.append(bool(there[column]))


def _ordered(
    frames: Floats, means: Floats, edges: np.ndarray, texts: Floats, bank: Floats
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return order → scores of stretches for the texts (m, p) and for the neutral texts (m, 300)."""
    found = {}
    for name in ORDERS:
        unit, statistic = name.split(", ")
        vectors = means if statistic == "mean of stretch" else frames
        own, others = vectors @ texts.T, vectors @ bank.T
        if unit == "corrected":
            levels = bank_levels(others, 60.0)
            own = own - levels.level[:, None]
            others = np.stack([others[:, k] - levels.without(k, others[:, k]) for k in range(BANK)], axis=1)
        if statistic != "mean of stretch":
            most = 1 if statistic == "maximum" else 4
            own, others = (_best_of(values, edges, most) for values in (own, others))
        found[name] = own, others
    return found


def _best_of(values: np.ndarray, edges: np.ndarray, most: int) -> np.ndarray:
    parts = [np.sort(values[a:b], axis=0)[-most:].mean(axis=0) for a, b in pairwise(edges)]
    return np.stack(parts)


def _judge() -> Any:
    spec = importlib.util.spec_from_file_location("judge", JUDGE)
    if spec is None or spec.loader is None:
        raise ImportError(f"{JUDGE} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules["judge"] = module
    spec.loader.exec_module(module)
    return module
