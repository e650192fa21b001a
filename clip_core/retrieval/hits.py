"""Choose the hits among the places that fit: one for each moment, a few of each video, equal pictures together."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from clip_core.encoders.base import Encoder
from clip_core.retrieval.candidates import GAP_S, Candidate
from clip_core.retrieval.curves import HitSpan, StretchRun, VideoCurve, spans_of
from clip_core.retrieval.duplicates import LEAST_COSINE
from clip_core.retrieval.filters import rejected_spans
from clip_core.retrieval.query import Like, SearchQuery
from clip_core.retrieval.results import Elsewhere, Hit
from clip_core.retrieval.scope import Scope
from clip_core.retrieval.target import Target, frames_like
from clip_core.store.store import EmbeddingStore

MOST_OVERLAP = 0.5
"""Two spans of one video are one moment if they share more than this of the shorter one."""


@dataclass(slots=True, eq=False)
class _Chosen:
    """A place that was chosen; ``span`` follows, for several at once, because it needs their frames."""

    candidate: Candidate
    run: StretchRun
    span: HitSpan | None = None
    also_in: dict[str, Elsewhere] = field(default_factory=dict)


class HitList:
    """The hits of one query. Places are added in rounds, the best first.

    Attributes:
        stale: Video id → why it must be indexed again; such videos are left out.
    """

    def __init__(
        self,
        query: SearchQuery,
        target: Target,
        scope: Scope,
        encoder: Encoder,
        store: EmbeddingStore,
        *,
        most_per_video: int,
    ) -> None:
        self._query, self._target, self._scope = query, target, scope
        self._encoder, self._store, self._most = encoder, store, most_per_video
        self.stale: dict[str, str] = {}
        self._chosen: list[_Chosen] = []
        self._further: list[Candidate] = []
        self._count: Counter[str] = Counter()
        self._curves: dict[str, VideoCurve | None] = {}
        self._taken: dict[str, list[tuple[float, float]]] = defaultdict(list)
        self._left_out: dict[str, list[tuple[float, float]]] = defaultdict(list)
        self._copies: set[str] = set()

    def __len__(self) -> int:
        return len(self._chosen)

    @property
    def hits(self) -> tuple[Hit, ...]:
        """The hits, the best first."""
        found = [_hit(chosen, self._scope) for chosen in self._chosen]
        return tuple(sorted(found, key=lambda hit: -hit.score))

    def leave_out_rejected(self) -> None:
        """Leave out the moments that were rejected by hand for the query."""
        for video_id, own in self._store.all_annotations().items():
            self._left_out[video_id] += rejected_spans(own, self._query.judged_as)

    def leave_out(self, like: Like) -> None:
        """Leave out the surroundings of a place: what would be one moment with it."""
        curve = self._curve(like.video_id)
        if curve is not None:
            pts = frames_like(like, self._encoder, self._store).pts
            first, last = curve.place_of(int(pts[0])), curve.place_of(int(pts[-1]))
            runs = [curve.run_of(place) for place in range(first, last + 1)]
            start_s, end_s = min(curve.start_of(run) for run in runs), max(curve.end_of(run) for run in runs)
            self._left_out[like.video_id].append((start_s - GAP_S, end_s + GAP_S))

    def is_full(self, video_id: str) -> bool:
        """Return whether a video has as many hits as are shown of one."""
        return self._count[video_id] >= self._most

    def add(self, candidates: Iterable[Candidate], limit: int) -> None:
        """Take places, the best first, until there are ``limit`` hits; of the rest, count those in videos with hits."""
        waiting = list(candidates)
        self._read_curves(dict.fromkeys(candidate.video_id for candidate in waiting[: 2 * limit]))
        while waiting and len(self) < limit:
            new, further = list[_Chosen](), list[Candidate]()
            while waiting and len(self) + len(new) < limit:
                self._choose(waiting.pop(0), new, further)
            kept = self._apart(new)
            self._chosen += kept
            if len(kept) < len(new):  # their videos have room again
                waiting = further + waiting
            else:
                self._further += further
        rest = [candidate for candidate in waiting if self._count[candidate.video_id]]
        self._further += [c for c in rest if not self._belongs(c, []) and self._reaches_line(c)]

    @property
    def more(self) -> dict[str, int]:
        """Video id → how many further places in it reach the line of its best hit."""
        taken, counted = {video_id: [*spans] for video_id, spans in self._taken.items()}, Counter[str]()
        for candidate in self._further:
            video_id = candidate.video_id
            curve, spans = self._curve(video_id), taken.get(video_id)
            if curve is None or not spans or any(start_s <= candidate.at_s < end_s for start_s, end_s in spans):
                continue
            counted[video_id] += 1
            run = curve.run_of(curve.place_of(candidate.first_pts))
            spans.append((curve.start_of(run), curve.end_of(run)))
        return {video_id: number for video_id, number in counted.items() if self._count[video_id]}

    def _choose(self, candidate: Candidate, new: list[_Chosen], further: list[Candidate]) -> None:
        """Add a place to ``new``, or to ``further`` if its video has enough, unless it belongs to another one."""
        video_id = candidate.video_id
        if self._belongs(candidate, new):
            return
        has_best = self._count[video_id] or video_id in self._copies
        if has_best and not self._reaches_line(candidate):
            return
        if self.is_full(video_id):
            further.append(candidate)
        elif (run := self._take(candidate)) is not None:
            self._count[video_id] += 1
            new.append(_Chosen(candidate, run))

    def _belongs(self, candidate: Candidate, new: list[_Chosen]) -> bool:
        """Return whether a place is part of one that was taken, is left out, or shows the pictures of another file."""
        video_id = candidate.video_id
        spans = (*self._taken[video_id], *self._left_out[video_id])
        if any(start_s <= candidate.at_s < end_s for start_s, end_s in spans):
            return True
        for chosen in (*self._chosen, *new):
            other = chosen.candidate
            if other.video_id != video_id and float(other.vector @ candidate.vector) >= LEAST_COSINE:
                name = self._scope.records[video_id].name
                place = Elsewhere(video_id, name, candidate.start_s, candidate.end_s)
                chosen.also_in.setdefault(video_id, place)
                self._copies.add(video_id)
                self._take(candidate)  # else its other stretches would be a second hit of the same moment
                return True
        return False

    def _reaches_line(self, candidate: Candidate) -> bool:
        curve = self._curve(candidate.video_id)
        return curve is not None and candidate.score >= curve.line

    def _take(self, candidate: Candidate) -> StretchRun | None:
        """Note the stretches of a place as taken, and return them; None if the video was forgotten meanwhile."""
        curve = self._curve(candidate.video_id)
        if curve is None:
            return None
        run = curve.run_of(curve.place_of(candidate.first_pts))
        self._taken[candidate.video_id].append((curve.start_of(run), curve.end_of(run)))
        return run

    def _apart(self, new: list[_Chosen]) -> list[_Chosen]:
        """Find where new hits begin and end; return those that are no part of an earlier one, and not left out."""
        if not new:
            return []
        records = self._store.records_of({chosen.candidate.video_id for chosen in new})
        for chosen in [chosen for chosen in new if chosen.candidate.video_id not in records]:  # forgotten meanwhile
            self._count[chosen.candidate.video_id] -= 1
            new.remove(chosen)
        curves = {video_id: self._curves[video_id] for video_id in records}
        known = {video_id: curve for video_id, curve in curves.items() if curve is not None}
        tables = {video_id: record.table for video_id, record in records.items()}
        places = [(chosen.candidate.video_id, chosen.run) for chosen in new]
        fingerprint = self._encoder.fingerprint
        kept = list[_Chosen]()
        for chosen, span in zip(
            new, spans_of(places, known, tables, self._target, fingerprint, self._store), strict=True
        ):
            chosen.span, video_id = span, chosen.candidate.video_id
            others = [one.span for one in (*self._chosen, *kept) if one.candidate.video_id == video_id]
            if span is None or self._is_left_out(video_id, span) or any(o and _overlap(o, span) for o in others):
                self._count[video_id] -= 1
            else:
                kept.append(chosen)
                self._taken[video_id].append((span.start_s, span.end_s))
        return kept

    def _is_left_out(self, video_id: str, span: HitSpan) -> bool:
        return any(start_s <= span.peak_s < end_s for start_s, end_s in self._left_out[video_id])

    def _read_curves(self, video_ids: Iterable[str]) -> None:
        """Score the stretches of some videos; None stands for a video without stretches."""
        lacking = [video_id for video_id in video_ids if video_id not in self._curves]
        if not lacking:
            return
        stretches = self._store.stretches_of(lacking, self._encoder.fingerprint)
        for video_id in lacking:
            summary, own = self._scope.summaries.get(video_id), stretches.get(video_id)
            peaks = None if summary is None else self._target.peaks(summary)
            self._curves[video_id] = None if own is None else VideoCurve.of(own, self._target, peaks)

    def _curve(self, video_id: str) -> VideoCurve | None:
        """Return the query's scores on a video's stretches, or None if there are none any more."""
        self._read_curves([video_id])
        return self._curves[video_id]


def _overlap(one: HitSpan, other: HitSpan) -> bool:
    """Return whether two spans of one video are one moment."""
    shared = min(one.end_s, other.end_s) - max(one.start_s, other.start_s)
    return shared > MOST_OVERLAP * min(one.end_s - one.start_s, other.end_s - other.start_s)


def _hit(chosen: _Chosen, scope: Scope) -> Hit:
    candidate, span = chosen.candidate, chosen.span
    if span is None:
        raise ValueError("the span of a hit is not known yet")
    return Hit(
        candidate.video_id,
        scope.records[candidate.video_id].name,
        span.start_s,
        span.end_s,
        span.peak_s,
        span.peak_pts,
        candidate.score,
        span.cosine,
        also_in=tuple(chosen.also_in.values()),
    )
