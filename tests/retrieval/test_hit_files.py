"""Files of hits, read back with parsers that are not ours."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter

from clip_core.retrieval.hit_files import HIT_COLUMNS, hits_csv, hits_json
from clip_core.retrieval.results import Elsewhere, Hit, SearchResult
from clip_core.retrieval.subtitles import SubtitleHit

ELSEWHERE = Elsewhere("b" * 64, "كلب.mp4", 0, 1)
HITS = (
    Hit("a" * 64, "=cmd|'x'.mp4", 1.5, 3661.25, 2.0, 60, 0.1234567, 0.25, 0.975, (ELSEWHERE,)),
    Hit("c" * 64, "b, \"c\".mp4", 0.0, 1.0, 0.5, 15, -0.0000001, -0.5),
)  # fmt: skip


def test_csv_has_a_row_per_hit_and_no_formulas() -> None:
    rows = list(csv.DictReader(io.StringIO(hits_csv(HITS, "+a dog", "corrected"))))
    assert tuple(rows[0]) == HIT_COLUMNS
    assert (rows[0]["query"], rows[0]["video"], rows[0]["also_in"]) == ("'+a dog", "'=cmd|'x'.mp4", "كلب.mp4")
    assert (rows[0]["start_s"], rows[0]["end"], rows[0]["score"]) == ("1.500000", "01:01:01.250", "0.123457")
    assert (rows[0]["beats"], rows[0]["unit"]) == ("0.9750", "corrected")
    assert (rows[1]["video"], rows[1]["beats"], rows[1]["score"]) == ('b, "c".mp4', "", "0.000000")


def test_json_has_every_field() -> None:
    result = SearchResult(HITS, "not sure", "Why.", Counter({"c" * 64: 3}), "cosine", 2, 90, ("d" * 64,), ("W.",))
    said = json.loads(hits_json(result, "a dog", [SubtitleHit("a" * 64, "a.mp4", 1.0, 2.0, "wuff", 3.5)]))
    assert list(said) == ["query", *SearchResult.__dataclass_fields__, "subtitles"]
    assert (said["query"], said["unit"], len(said["hits"]), said["more"]) == ("a dog", "cosine", 2, {"c" * 64: 3})
    assert (said["subtitles"][0]["text"], said["videos"], said["unsearched"]) == ("wuff", 2, ["d" * 64])
    assert said["hits"][0]["also_in"] == [{"video_id": "b" * 64, "name": "كلب.mp4", "start_s": 0, "end_s": 1}]
    assert said["hits"][1] == {
        "video_id": "c" * 64, "name": 'b, "c".mp4', "start_s": 0.0, "end_s": 1.0, "peak_s": 0.5, "peak_pts": 15,
        "score": -0.0000001, "cosine": -0.5, "beats": None, "also_in": [],
    }  # fmt: skip
