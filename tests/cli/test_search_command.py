"""``search`` as a user calls it, over the sample and another video, with what is known to be where."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest
from PIL import Image

from clip_core import EmbeddingStore
from clip_core.__main__ import main
from clip_core.cli import searching
from clip_core.retrieval.filters import SearchFilter
from clip_core.retrieval.hit_files import HIT_COLUMNS
from clip_core.retrieval.query import SearchQuery
from clip_core.retrieval.results import Elsewhere, Hit, SearchResult
from clip_core.store.subtitle_rows import SubtitleSource
from clip_core.subtitles import Cue
from clip_core.text import clock
from clip_core.video import open_video
from tests.cli.test_commands import run
from tests.support.model_maker import make_clip
from tests.support.video_maker import VideoSpec, planted

ROOT = Path(__file__).parents[2]
DOGS = [(41.7, 47.8), (1.3, 7.8)]
"""Where the sample shows a dog, the clearer one first."""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sample, another video, and a store in which both are indexed with the sample's model."""
    folder = tmp_path_factory.mktemp("library")
    (folder / "data" / "trip").mkdir(parents=True)
    (folder / "data" / "models").symlink_to(ROOT / "data" / "models")
    shutil.copy(ROOT / "data" / "sample.mp4", folder / "data")
    planted(folder / "data" / "trip", "bars", 20, VideoSpec())
    (folder / "config.yaml").write_text("video_dirs: data\n")
    assert main(["index", str(folder / "data"), "--config", str(folder / "config.yaml")]) == 0
    return folder


@pytest.fixture
def here(library: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(library)
    monkeypatch.delenv("CLIP_VIDEO_CONFIG", raising=False)
    return library


def spans(rows: list[dict[str, Any]]) -> list[tuple[float, float]]:
    return [(round(float(row["start_s"]), 1), round(float(row["end_s"]), 1)) for row in rows]


def test_the_table_has_the_verdict_first_and_the_best_moments_on_top(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "search", "a dog", "--limit", "2")
    assert (code, err) == (0, [])
    assert out[0].startswith("a dog: there. ")
    assert out[1].split() == list(searching.HEADER)
    rows = [line.split() for line in out[2:4]]
    assert [row[:3] for row in rows] == [["0:41.733", "0:47.733", "sample.mp4"], ["0:01.267", "0:07.767", "sample.mp4"]]
    assert [row[-1] for row in rows] == [EmbeddingStore("embeddings").videos()[-1].video_id[:12]] * 2
    assert out[4].startswith("2 hits; 2 videos with ")
    code, out, _ = run(capsys, "search", "an elephant", "--limit", "1")
    assert (code, out[0].startswith("an elephant: not sure. "), len(out)) == (0, True, 4)


def test_json_is_the_whole_answer_and_csv_its_hits(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "search", "a dog", "--json", "--limit", "2")
    answer = json.loads("\n".join(out))
    assert (code, answer["verdict"], answer["unit"], answer["videos"]) == (0, "there", "corrected", 2)
    for found, planted_at in zip(spans(answer["hits"]), DOGS, strict=True):
        assert found == pytest.approx(planted_at, abs=0.2)
    alike = json.loads("\n".join(run(capsys, "search", "--like", "sample.mp4@0:42", "--json", "--limit", "1")[1]))
    assert (answer["query"], alike["query"]) == ("a dog", "frame at 0:42.000 of sample.mp4")
    code, out, err = run(capsys, "search", "a dog", "--limit", "2", "-o", "dogs.csv")
    assert (code, out) == (0, ["2 hits in dogs.csv"])
    assert err[0].startswith("there. ")
    rows = list(csv.DictReader(io.StringIO((here / "dogs.csv").read_text())))
    assert tuple(rows[0]) == HIT_COLUMNS
    assert spans(rows) == spans(answer["hits"])
    assert [(row["query"], row["video"]) for row in rows] == [("a dog", "sample.mp4")] * 2
    assert float(rows[0]["beats"]) == pytest.approx(answer["hits"][0]["beats"], abs=1e-4)


def test_timelines_and_markers_hold_the_hits(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "search", "a dog", "--limit", "2", "--otio", "--out", "dogs.otio")[0] == 0
    timeline = otio.adapters.read_from_file("dogs.otio")
    starts_s = sorted(clip.source_range.start_time.to_seconds() for clip in timeline.find_clips())
    assert starts_s == pytest.approx([1.27, 41.73], abs=0.1)
    code, out, _ = run(capsys, "search", "a dog", "--markers", "resolve", "--video", "sample.mp4")
    assert (code, [line.split("|M:")[1][:5] for line in out if "|M:" in line][:2]) == (0, ["a dog", "a dog"])
    code, _, err = run(capsys, "search", "a dog", "--markers", "youtube")
    assert (code, err[-1].endswith("holds the moments of one video, and these are of 2. Choose one with --video.")) == (
        2,
        True,
    )


def test_the_hits_of_several_videos_become_one_film(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("search", "a dog", "--per-video", "1", "--limit", "2")
    code, out, _ = run(capsys, *words, "--json")
    hits = json.loads("\n".join(out))["hits"]
    code, out, err = run(capsys, *words, "-o", "film/dogs.mp4")
    assert {hit["name"] for hit in hits} == {"sample.mp4", "bars.mp4"}
    length_s = sum(hit["end_s"] - hit["start_s"] for hit in hits)
    assert (code, out) == (0, [f"2 moments in film/dogs.mp4, {clock(length_s)} long"])
    assert err[-1].startswith("there. The first hit beats ")
    with open_video("film/dogs.mp4") as film:
        assert film.table.end_s == pytest.approx(length_s, abs=0.1)
    (here / "data" / "trip" / "bars.mp4").rename(here / "bars.mp4")
    code, out, err = run(capsys, *words, "--reel", "-o", "film/dogs.mp4")
    (here / "bars.mp4").rename(here / "data" / "trip" / "bars.mp4")
    assert (code, out[0][:28]) == (3, "1 moment in film/dogs.mp4, 0")
    assert any("of bars.mp4 is left out: " in line for line in err)


def test_filters_restrict_the_videos(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def videos(*words: str) -> set[str]:
        code, out, _ = run(capsys, "search", "a dog", "--csv", *words)
        assert code == 0
        return {row["video"] for row in csv.DictReader(out)}

    both = {"sample.mp4", "bars.mp4"}
    assert videos() == both
    assert videos("--folder", "data/trip") == {"bars.mp4"}
    assert videos("--folder", "data/../data") == both
    assert videos("--name", "SAMP") == {"sample.mp4"}
    assert videos("--shortest", "0:10") == {"sample.mp4"}
    assert videos("--longest", "10") == {"bars.mp4"}
    assert videos("--video", "data/trip/bars.mp4") == {"bars.mp4"}
    assert videos("--orientation", "portrait") == set()
    assert videos("--added-to", "2000-01-01") == set()
    assert videos("--added-from", "2000-01-01T10:00") == both


def test_the_words_become_a_query_and_a_filter(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[SearchQuery, dict[str, Any]]] = []
    hit = Hit("0" * 64, "=x.mp4", 1.0, 2.0, 1.5, 45, 0.25, 0.3, None, (Elsewhere("1" * 64, "y.mp4", 0.0, 1.0),))
    answer = SearchResult((hit,), "not sure", "", {hit.video_id: 7}, "cosine", 1, 20, ("2" * 64,), ("A warning.",))

    def fake(query: SearchQuery, store: object, encoder: object, **options: Any) -> SearchResult:
        asked.append((query, options))
        return answer

    monkeypatch.setattr(searching, "search", fake)
    Image.new("RGB", (8, 4), (255, 0, 0)).save("red.png")
    code, out, err = run(
        capsys, "search", "a dog", "- a person", "--image", "red.png", "--like", "sample.mp4@0:42-0:43.5",
        "--limit", "5", "--per-video", "9", "--include-own", "--hide-rejected", "--recorded-from", "2026-05-01",
        "--recorded-to", "2026-05-31",
    )  # fmt: skip
    ((query, options),) = asked
    assert [(text.text, text.negative) for text in query.texts] == [("a dog", False), ("a person", True)]
    assert [(picture.rgb.shape, picture.rgb[0, 0].tolist(), weight) for picture, weight in query.pictures] == [
        ((4, 8, 3), [255, 0, 0], 1.0)
    ]
    assert query.like is not None
    assert (query.like.start_s, query.like.end_s) == (42.0, 43.5)
    assert EmbeddingStore("embeddings").video(query.like.video_id).name == "sample.mp4"  # type: ignore[union-attr]
    where: SearchFilter = options.pop("where")
    assert options == {"limit": 5, "videos": None, "most_per_video": 9, "include_own": True}
    assert where.hide_rejected
    assert where.recorded_from_s is not None
    assert where.recorded_to_s is not None
    assert round((where.recorded_to_s - where.recorded_from_s) / 3600) in (743, 744, 745)  # 31 days, summer time or not
    assert code == 0
    assert out[0] == "a dog; - a person; like red.png; like sample.mp4@0:42-0:43.5: not sure."
    assert out[2].split() == ["0:01.000", "0:02.000", "=x.mp4", "(also", "in", "1", "file)", "0.250", "-", "0" * 12]
    assert out[3] == "1 hit; 1 video with 20 frames searched; 7 more in these videos, see --per-video"
    assert err == ["A warning.", "1 stored video was not searched: not indexed with the model sample."]
    assert run(capsys, "search", "a dog", "--csv")[1][1].startswith(
        "a dog,'=x.mp4,1.000000,2.000000,1.500000,0.250000,cosine"
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], 'There is nothing to look for. Such as: python -m clip_core search "a red car"'),
        (["- a person"], 'There is nothing to look for. Such as: python -m clip_core search "a red car"'),
        (["x" * 5000], "The query has 5,000 letters. Shorten it to 2,000."),
        (["--image", "config.yaml"], "config.yaml cannot be read as a picture. Give a PNG or JPEG file to --image."),
        (["--image", "gone.png"], "There is no file gone.png. Check --image."),
        (["--like", "sample.mp4"], "sample.mp4 names no place of a video. Such as: --like holiday.mp4@1:02.5"),
        (
            ["--like", "sample.mp4@0:50"],
            "sample.mp4@0:50 lies after the end of the video, which lasts 0:50.000. Give an earlier time.",
        ),
        (["--like", "a.mp4@1-2-3"], "a.mp4@1-2-3 names no place of a video. Such as: --like holiday.mp4@1:02.5"),
        (["--like", "x.mp4@3"], "Nothing is stored of x.mp4. Give a name or an id as `python -m clip_core list` shows "
         "it."),
        (["a", "--include-own"], "--include-own says nothing without --like. Name a place with --like, or leave it "
         "out."),
        (["a", "--json", "--markers", "vtt"], "--json and --markers are given, but only one format is written. Leave "
         "out one."),
        (["a", "--csv", "--json", "--edl"], "--json and --csv and --edl are given, but only one format is written. "
         "Leave out all but one."),
        (["a", "-o", "a.txt"], "The name a.txt does not say in which format to write. Give one: --json, --csv, --otio, "
         "--edl, --reel or --markers."),
        (["a", "--reel"], "A film is not text for a terminal. Give a file: --out hits.mp4"),
        (["a", "-o", "data/sample.mp4"], "sample.mp4 is a stored video. Choose another place for --out."),
        (["a", "-o", "x.mp4", "--name", "nobody"], "Nothing was found, so there is nothing to write. Widen the "
         "filter."),
        (["a", "--shortest", "x"], "Invalid value for '--shortest': 'x' is not a time such as 90 or 1:30. See python "
         "-m clip_core search --help."),
        (["a", "--added-to", "May"], "Invalid value for '--added-to': 'May' is neither a day such as 2026-05-31 nor a "
         "time. See python -m clip_core search --help."),
        (["a", "--otio", "--name", "nobody"], "Nothing was found, so there is nothing to write. Widen the filter."),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line(words: list[str], says: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "search", *words) == (2, [], [says])


def test_an_empty_store_and_a_store_of_another_model(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "search", "a dog", "--store", str(tmp_path / "none"))
    assert (code, out) == (2, [])
    assert err == [f"Nothing is stored in {tmp_path}/none. Index a video: python -m clip_core index VIDEO"]
    assert not (tmp_path / "none").exists()
    make_clip(tmp_path / "tiny")
    code, out, err = run(capsys, "search", "a dog", "--model", str(tmp_path / "tiny"))
    assert (code, out[-1]) == (0, "0 hits; 0 videos with 0 frames searched")
    assert err[-1] == "2 stored videos were not searched: not indexed with the model tiny."


def test_words_in_subtitles_are_a_second_list(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "subtitles" not in "\n".join(run(capsys, "search", "it gallops")[1])
    store = EmbeddingStore("embeddings")
    cues = [Cue(1.5, 3.0, "Look, it\ngallops!"), Cue(4.0, 5.0, "Look")]
    for video in store.summaries():
        store.keep_subtitles(video.video_id, SubtitleSource("stamp", "a.srt"), cues)
    code, out, _ = run(capsys, "search", "it gallops", "- look", "--limit", "1", "--name", "SAMPLE")
    assert (code, out[-2:]) == (0, ["1 line of subtitles:", "0:01.500  sample.mp4  Look, it gallops!"])
    code, out, _ = run(capsys, "search", "it gallops", "--json")
    said = json.loads("\n".join(out))["subtitles"]
    assert {(hit["name"], hit["start_s"], hit["end_s"], hit["text"]) for hit in said} == {
        (video.name, 1.5, 3.0, cues[0].text) for video in store.summaries()
    }
