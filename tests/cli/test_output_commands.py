"""``moments`` and ``report`` as a user calls them; what they write is opened by other readers than our own."""

from __future__ import annotations

import csv
import json
import shutil
import struct
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from xml.etree import ElementTree

import opentimelineio as otio
import pytest
import webvtt

import clip_core.cli.moments
from clip_core.__main__ import main
from clip_core.analysis.export_bundle import ExportBundle
from clip_core.charts.lanes import CANDIDATE_OPACITY
from clip_core.cli.scoring import tell_verdicts
from clip_core.config import load_config
from clip_core.encoders.onnx import OnnxEncoder
from clip_core.errors import EncoderError, StoreError
from clip_core.export.formats import MOMENT_FORMATS
from clip_core.export.read_moments import read_moments
from clip_core.scoring.prompt_detection import Verdict
from clip_core.settings import Settings
from clip_core.store.store import EmbeddingStore
from clip_core.store.tables import of_video
from clip_core.store.thumbnails import THUMBNAILS
from clip_core.types import Annotation, Floats, ReviewVerdict
from tests.cli.test_commands import run
from tests.export.test_report import Parsed
from tests.support.model_maker import make_clip
from tests.support.sound_maker import FilmSpec, write_film
from tests.support.video_maker import VideoSpec, planted

ASKED = ("a dog", "pizza")
BEATEN = "a dog: there. Beats 96 % of 299 neutral texts: about 3 in 100 absent ones come as high."
HALF = ("--unit", "percentile", "--threshold", "50", "--settings", "any.yaml")


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an indexed video of 40 frames, a model and settings that take raw scores."""
    folder = tmp_path_factory.mktemp("give")
    planted(folder, "clip", 40, VideoSpec(options={"g": "10"}))
    make_clip(folder / "models" / "tiny")
    (folder / "config.yaml").write_text(
        "video_dirs: .\nmodel: tiny\nmodel_dirs: models\nembeddings: store\nCLIP: [a dog, pizza]\n"
        "samples_per_second: 10\nsmoothing_s: 0\n"
    )
    (folder / "any.yaml").write_text("bank_share: 0\nsmoothing_s: 0.0\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["index", "clip.mp4"]) == 0
    return folder


@pytest.fixture
def here(indexed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it to stand in."""
    folder = Path(shutil.copytree(indexed, tmp_path / "here"))
    monkeypatch.chdir(folder)
    return folder


def rows(lines: list[str]) -> list[dict[str, str]]:
    return list(csv.DictReader(lines))


def settings_of(folder: Path) -> dict[str, Any]:
    """What moments.json says made it."""
    told: dict[str, Any] = json.loads((folder / "moments.json").read_text())["settings"]
    return told


def test_one_format_goes_to_standard_output(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "moments", "clip.mp4", *HALF)
    assert (code, [line.split(". ")[:2] for line in err]) == (
        0, [[f"{prompt}: there", "Its threshold was set by hand, so neutral texts do not decide"] for prompt in ASKED],
    )  # fmt: skip
    found = rows(out)
    assert {row["prompt"] for row in found} == {"a dog", "pizza"}
    assert all(float(row["peak"]) >= 50 for row in found)
    assert max(float(row["peak"]) for row in found) > 90  # the best sample of a video lies at its own top


def test_several_formats_in_a_folder_each_read_by_another(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    count = len(rows(run(capsys, "moments", "clip.mp4", *HALF)[1]))
    code, out, _ = run(capsys, "moments", "clip.mp4", *HALF, "--format", "all", "--out", "new/found")
    names = [form.file_name for form in MOMENT_FORMATS.values()]
    assert (code, out) == (0, [f"clip.mp4: {count} moments in new/found: {', '.join(names)}"])
    folder = here / "new" / "found"
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)
    assert len(webvtt.read(str(folder / "moments.vtt"))) == count
    timeline = otio.adapters.read_from_file(str(folder / "moments.otio"))
    assert len(list(timeline.find_clips())) == count
    told = json.loads((folder / "moments.json").read_text())["settings"]
    assert (told["unit"], told["threshold"], told["model"]["id"]) == ("percentile", 50.0, "tiny")
    assert told["thresholds_in_force"] == {"a dog": 50.0, "pizza": 50.0}
    assert told["verdicts"] == {"a dog": "there", "pizza": "there"}
    assert told["beats_of_null_bank"] == {"a dog": None, "pizza": None}  # nobody asked it
    assert "false_alarm_rates" not in told
    assert told["judged_by_hand"] is False


def test_what_a_format_cannot_keep_is_told(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "moments", "clip.mp4", *HALF, "--format", "youtube")
    assert (code, err[-1]) == (
        0,
        "3 moments of 4 left out: a chapter lasts at least 10 s. YouTube shows chapters only if there are 3; here are "
        "1.",
    )
    assert out[0].startswith("0:00 ")


def test_a_list_of_formats_may_have_blanks_and_doubles(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, _ = run(capsys, "moments", "clip.mp4", *HALF, "--format", "VTT, csv,vtt", "--out", "found")
    assert code == 0
    assert sorted(path.name for path in (here / "found").iterdir()) == ["moments.csv", "moments.vtt"]


def test_nothing_found_is_a_valid_file(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "moments", "clip.mp4", "--unit", "cosine", "--threshold", "2", "--format", "vtt")
    assert (code, out) == (0, ["WEBVTT"])


def test_a_file_of_prompts_with_a_negative_one(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "prompts.txt").write_text("\ufeffa red car\r\n\r\n- a person\r\n", encoding="utf-8")
    given = ("--prompts", "prompts.txt", "--unit", "margin", "--threshold", "-2", "--settings", "any.yaml")
    code, out, err = run(capsys, "moments", "clip.mp4", *given)
    unknown = "“a person”: the model does not know “person”. It reads only “a”."
    assert (code, err[0], [line.split(".")[0] for line in err[1:]]) == (
        0,
        unknown,
        ["a red car: there"],  # a negative one has no verdict
    )
    (whole,) = rows(out)
    assert (whole["prompt"], whole["start_s"], float(whole["end_s"])) == (
        "a red car",
        "0.000000",
        pytest.approx(40 / 30),
    )


def test_what_was_judged_counts_when_asked(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = rows(run(capsys, "moments", "clip.mp4", *HALF, "--prompt", "pizza")[1])
    store = EmbeddingStore(load_config().embeddings)
    (video,) = store.videos()
    first = [float(found[0][name]) for name in ("peak_s", "start_s", "end_s")]
    store.put_annotation(video.video_id, Annotation("pizza", *first, "rejected"))
    store.put_annotation(video.video_id, Annotation("a dog", 0.35, 0.3, 0.4, "added", "mine"))
    asked = ("--prompt", "pizza", "--prompt", "a dog")
    judged = rows(run(capsys, "moments", "clip.mp4", *HALF, *asked, "--judged")[1])
    assert [row["start_s"] for row in judged if row["prompt"] == "pizza"] == [row["start_s"] for row in found[1:]]
    assert ("0.300000", "mine") in [(row["start_s"], row["label"]) for row in judged if row["prompt"] == "a dog"]
    alone = rows(run(capsys, "moments", "clip.mp4", *HALF, "--prompt", "pizza", "--judged")[1])
    assert {row["prompt"] for row in alone} == {"pizza"}  # what was judged of other prompts waits for them
    assert rows(run(capsys, "moments", "clip.mp4", *HALF, "--prompt", "pizza")[1]) == found


def test_a_threshold_in_the_configuration_is_a_cosine(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (here / "config.yaml").open("a") as file:
        file.write("threshold: -1\n")
    run(capsys, "moments", "clip.mp4", "--format", "json", "--out", ".")
    settings = json.loads((here / "moments.json").read_text())["settings"]
    assert (settings["unit"], settings["threshold"], settings["smoothing_s"]) == ("cosine", -1.0, 0.0)
    run(capsys, "moments", "clip.mp4", "--format", "json", "--out", ".", "--threshold", "0.3")
    settings = json.loads((here / "moments.json").read_text())["settings"]
    assert (settings["unit"], settings["threshold"], settings["bank_share"]) == ("cosine", 0.3, 0)
    given = ("--unit", "z", "--threshold", "2.5")
    run(capsys, "moments", "clip.mp4", "--format", "json", "--out", ".", *given)
    settings = json.loads((here / "moments.json").read_text())["settings"]
    assert (settings["unit"], settings["threshold"], settings["bank_share"]) == ("z", 2.5, 0)


def test_a_bare_threshold_is_a_corrected_score_where_the_configuration_gives_none(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "moments", "clip.mp4", "--format", "json", "--out", ".", "--threshold", "0.01")
    settings = json.loads((here / "moments.json").read_text())["settings"]
    assert (settings["unit"], settings["threshold"]) == ("corrected", 0.01)


@pytest.mark.parametrize(
    ("named", "taken"), [("", 0.7), ("smoothing_s: 0.2\n", 0.2), ("smoothing_s: 1.0\n", 1.0), (None, 0.7)]
)
def test_a_settings_file_that_does_not_name_the_smoothing_takes_the_configurations(
    here: Path, capsys: pytest.CaptureFixture[str], named: str | None, taken: float
) -> None:
    config = (here / "config.yaml").read_text().replace("smoothing_s: 0\n", "smoothing_s: 0.7\n")
    (here / "config.yaml").write_text(config)
    (here / "mine.yaml").write_text("# empty" if named is None else f"bank_share: 0\n{named}")
    words = ("--settings", "mine.yaml", "--format", "json", "--out", ".")
    assert run(capsys, "moments", "clip.mp4", *words)[0] == 0
    assert json.loads((here / "moments.json").read_text())["settings"]["smoothing_s"] == taken


def test_players_and_editors_find_a_late_video_with_a_timecode(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film = FilmSpec(rate=25, frames=25, begins_s=2.0, options={"bf": "0"}, timecode="14:09:42:10")
    write_film(here / "late.mov", film)
    assert main(["index", "late.mov"]) == 0
    words = ("--unit", "cosine", "--threshold", "-1", "--prompt", "a dog", "--settings", "any.yaml")
    assert run(capsys, "moments", "late.mov", *words, "--format", "all", "--out", "found")[0] == 0
    found = here / "found"
    (cue,) = webvtt.read(str(found / "moments.vtt"))
    assert (cue.start, cue.end) == ("00:00:02.000", "00:00:03.000")
    assert "00:00:02,000 --> 00:00:03,000" in (found / "moments.srt").read_text()
    assert " 14:09:44:10 14:09:45:10 00:00:00:00 " in (found / "moments.edl").read_text()
    fcpxml = ElementTree.fromstring((found / "moments.fcpxml").read_text())  # noqa: S314 - ours
    asset, clip = next(fcpxml.iter("asset")), next(fcpxml.iter("asset-clip"))
    assert (asset.get("start"), asset.get("duration"), clip.get("start")) == ("254912/5s", "3s", "254922/5s")
    (otio_clip,) = otio.adapters.read_from_file(str(found / "moments.otio")).find_clips()
    assert otio_clip.media_reference.available_range.start_time.value == 1_274_560
    assert (otio_clip.source_range.start_time.value, otio_clip.source_range.duration.value) == (1_274_610, 25)
    told = json.loads((found / "moments.json").read_text())
    assert (told["source"]["start_timecode"], told["source"]["first_frame_s"]) == ("14:09:42:10", 2.0)
    for name in ("moments.csv", "moments.otio", "moments.json", "moments.vtt", "moments.srt"):
        (back,) = read_moments((found / name).read_bytes(), name, lambda: 2.0)
        assert (back.start_s, back.end_s) == (0.0, 1.0)
    assert [(moment["start_s"], moment["end_s"]) for moment in told["moments"]] == [(0.0, 1.0)]


def counted_to(path: Path, base: int, scale: tuple[int, int], counter: int, flags: int = 0) -> Path:
    """Let the only timecode track of a MOV count to another number of frames per second."""
    content = bytearray(path.read_bytes())
    entry = content.index(b"tmcd", content.index(b"stsd", content.rindex(b"gmhd")))
    content[entry + 16 : entry + 29] = struct.pack(">IIIB", flags, *scale, base)
    sample = content.index(b"stco", entry) + 12
    at = int.from_bytes(content[sample : sample + 4], "big")
    content[at : at + 4] = struct.pack(">i", counter)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("rate", "base", "scale", "counter", "flags", "start", "start_s"),
    [
        (60, 30, (30, 1), 30 * 3600 + 20, 0, "01:00:00:40", Fraction(3600 * 60 + 40, 60)),
        (50, 25, (25, 1), 25 * 3600 + 20, 0, "01:00:00:40", Fraction(3600 * 50 + 40, 50)),
        (Fraction(60_000, 1001), 30, (30_000, 1001), 107_892 + 20, 1, "01:00:00;40", Fraction(215_824 * 1001, 60_000)),
        (25, 25, (25, 1), -50, 4, "23:59:58:00", Fraction(86_398)),
        (25, 25, (25, 1), 26 * 3600 * 25, 0, "02:00:00:00", Fraction(7200)),
        (25, 30, (30, 1), 36_000 * 30 + 12, 0, "10:00:00:10", Fraction(36_000 * 25 + 10, 25)),
    ],
)
def test_a_timecode_track_that_counts_otherwise_than_the_video(
    here: Path, rate: int | Fraction, base: int, scale: tuple[int, int], counter: int, flags: int, start: str,
    start_s: Fraction,
) -> None:  # fmt: skip
    film = FilmSpec(rate=rate, frames=30, sound=None, timecode="01:00:00:10", options={"bf": "0"})
    counted_to(write_film(here / "timed.mov", film), base, scale, counter, flags)
    assert main(["index", "timed.mov"]) == 0
    words = ("--unit", "cosine", "--threshold", "-1", "--prompt", "a dog", "--settings", "any.yaml")
    assert main(["moments", "timed.mov", *words, "--format", "all", "--out", "found"]) == 0
    found = here / "found"
    assert f" V     C        {start} " in (found / "moments.edl").read_text()
    fcpxml = ElementTree.fromstring((found / "moments.fcpxml").read_text())  # noqa: S314 - ours
    assert next(fcpxml.iter("asset")).get("start") == f"{start_s}s"
    (clip,) = otio.adapters.read_from_file(str(found / "moments.otio")).find_clips()
    assert clip.source_range.start_time.value == start_s * rate


def test_a_timecode_that_the_rate_does_not_have_counts_from_0(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_film(here / "odd.mkv", FilmSpec(rate=25, frames=25, sound=None, timecode="14:09:42:29"))
    assert b"14:09:42:29" in path.read_bytes()
    assert main(["index", "odd.mkv"]) == 0
    words = ("--unit", "cosine", "--threshold", "-1", "--prompt", "a dog", "--settings", "any.yaml")
    code, out, _ = run(capsys, "moments", "odd.mkv", *words, "--format", "edl")
    assert (code, " 00:00:00:00 00:00:01:00 00:00:00:00 00:00:01:00" in "\n".join(out)) == (0, True)


def test_where_the_video_lies_now_is_told_and_an_upload_keeps_its_name(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "moved").mkdir()
    moved = (here / "clip.mp4").rename(here / "moved" / "renamed.mp4")
    assert run(capsys, "moments", "moved/renamed.mp4", *HALF, "--format", "all", "--out", "found")[0] == 0
    source = json.loads((here / "found" / "moments.json").read_text())["source"]
    assert (source["name"], source["path"]) == ("renamed.mp4", str(moved))
    assert moved.as_uri() in (here / "found" / "moments.fcpxml").read_text()
    timeline = otio.adapters.read_from_file(str(here / "found" / "moments.otio"))
    assert {clip.media_reference.target_url for clip in timeline.find_clips()} == {moved.as_uri()}
    (video,) = EmbeddingStore(load_config().embeddings).videos()
    upload = moved.rename(here / "moved" / f"{video.video_id}.mp4")
    assert run(capsys, "moments", str(upload), *HALF, "--format", "json", "--out", "found")[0] == 0
    source = json.loads((here / "found" / "moments.json").read_text())["source"]
    assert source["path"] == str(upload)
    assert source["name"] == video.name != upload.name


def test_predictions_name_combinations_and_what_was_added_by_hand(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "both.yaml").write_text(
        "bank_share: 0\nunit: percentile\nthreshold: 0\ncombinations: [[and, a dog, pizza, 0]]\n"
    )
    store = EmbeddingStore(load_config().embeddings)
    (video,) = store.videos()
    store.put_annotation(video.video_id, Annotation("a dog and pizza", 0.35, 0.3, 0.4, "added"))
    store.put_annotation(video.video_id, Annotation("a hat", 0.35, 0.3, 0.4, "added"))  # nobody asks for it
    words = ("--settings", "both.yaml", "--judged", "--format", "qvhighlights,json", "--out", "found")
    assert run(capsys, "moments", "clip.mp4", *words)[0] == 0
    lines = (here / "found" / "moments.qvhighlights.jsonl").read_text().splitlines()
    moments = json.loads((here / "found" / "moments.json").read_text())["moments"]
    queries = [json.loads(line) for line in lines]
    (combined,) = {m["prompt"] for m in moments} - {"a dog", "pizza"}
    assert [(row["qid"], row["query"]) for row in queries] == [
        (1, "a dog"), (2, "pizza"), (3, combined),
    ]  # fmt: skip
    assert sum(len(row["pred_relevant_windows"]) for row in queries) == len(moments)


def test_no_folder_is_left_where_there_is_no_video(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "moments", "gone.mp4", "--out", "new/found")[0] == 2
    assert not (here / "new").exists()


def test_an_output_that_is_the_video_is_refused(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "out").mkdir()
    (here / "out" / "moments.csv").hardlink_to(here / "clip.mp4")
    said = "moments.csv is the video itself. Choose another place for --out."
    assert run(capsys, "moments", "clip.mp4", *HALF, "--out", "out") == (2, [], [said])


def test_a_report_is_made_without_the_pictures_that_cannot_be_stored(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise StoreError("The store cannot be written: Read-only file system.", "Check it.")

    store = EmbeddingStore(load_config().embeddings)
    (video,) = store.videos()
    stored = store.thumbnail_pts(video.video_id)
    assert len(stored)
    reads = EmbeddingStore.thumbnails
    monkeypatch.setattr(EmbeddingStore, "append_thumbnails", refuse)
    monkeypatch.setattr(
        EmbeddingStore,
        "thumbnails",
        lambda self, video_id, pts: dict(list(reads(self, video_id, pts).items())[:1]),
    )
    code, out, err = run(capsys, "report", "clip.mp4", *HALF, "--out", "report.html")
    assert code == 0
    assert out[0].endswith("in report.html")
    assert err[-1] == "The store cannot be written: Read-only file system. Check it."
    page = Parsed((here / "report.html").read_text(encoding="utf-8"))
    assert len([tag for tag, _ in page.tags if tag == "img"]) == 1
    assert "Some pictures are missing: The store cannot be written: Read-only file system." in page.texts["p"]


def test_another_unit_than_the_settings_file_drops_its_thresholds(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "mine.yaml").write_text("unit: cosine\nthreshold: 0.1\nthresholds: {a dog: 0.2}\nbank_share: 0\n")
    given = ("moments", "clip.mp4", "--settings", "mine.yaml", "--format", "json", "--out", ".")
    assert [line.split(":")[0] for line in run(capsys, *given)[2]] == list(ASKED)
    settings = json.loads((here / "moments.json").read_text())["settings"]
    assert settings["thresholds_in_force"] == {"a dog": 0.2, "pizza": 0.1}
    err = run(capsys, *given, "--unit", "z", "--threshold", "1")[2]
    assert err[0] == "Thresholds and ranges of the settings file are in cosine: they are ignored here."
    assert [line.split(":")[0] for line in err[1:]] == list(ASKED)
    settings = json.loads((here / "moments.json").read_text())["settings"]
    assert settings["thresholds_in_force"] == {"a dog": 1.0, "pizza": 1.0}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--unit", "zz"], "The setting 'unit' cannot be 'zz'. Allowed: corrected, cosine, z, percentile, margin, "
         "softmax."),
        (["--format", "x"], "There is no format “x”. There are: csv, json, parquet, vtt, srt, edl, fcpxml, "
         "otio, resolve, premiere, finalcut, losslesscut, youtube, ffmetadata, labelstudio, fiftyone, qvhighlights, "
         "all."),
        (["--format", ","], "No format is given. Such as: --format csv,otio,vtt"),
        (["--format", "csv,vtt"], "Several formats need a folder. Give one: --out DIR"),
        (["--format", "parquet"], "Parquet is not text for a terminal. Give a folder: --out DIR"),
        (["--out", "config.yaml"], "config.yaml is a file, not a folder. Choose another place for --out."),
        (["--out", "/proc/no"], "no cannot be written: No such file or directory. Choose another place for --out."),
        (["--unit", "margin"], "clip.mp4: Margin needs a negative prompt. Add a line such as \"- a person\" to the "
         "prompts, or choose another unit."),
        (["--prompt", "- a person"], "All prompts are negative. Give one: --prompt P"),
        (["--prompts", "no.txt"], "no.txt cannot be read: No such file or directory. Check --prompts."),
        (["--prompts", "clip.mp4"], "clip.mp4 is not UTF-8 text. Save it as UTF-8."),
        (["--threshold", "nan"], "Invalid value for '--threshold': 'nan' is not a number. See python -m clip_core "
         "moments --help."),
        (["--confidence", "40"], "The confidence cannot be 40 percent. Allowed: 50 to 99.9 percent."),
        (["--confidence", "150"], "The confidence cannot be 150 percent. Allowed: 50 to 99.9 percent."),
        (["--confidence", "0.95"], "The confidence cannot be 0.95 percent. Allowed: 50 to 99.9 percent."),
        (["--confidence", "-95"], "The confidence cannot be -95 percent. Allowed: 50 to 99.9 percent."),
        (["--confidence", "high"], "Invalid value for '--confidence': 'high' is not a number. See python -m clip_core "
         "moments --help."),
        (["--smoothing", "-1"], "The setting 'smoothing_s' cannot be -1.0. Allowed: seconds from 0 on."),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(here: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str) -> None:
    assert run(capsys, "moments", "clip.mp4", *words) == (2, [], [said])


def test_a_full_disk_leaves_what_was_there(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "report", "clip.mp4", "--out", "/dev/full", "--settings", "any.yaml")
    assert (code, err[-1]) == (
        2, "full cannot be written: No space left on device. Choose another place for --out.",
    )  # fmt: skip


def test_a_report_tells_all_that_a_reader_must_know(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    count = len(rows(run(capsys, "moments", "clip.mp4", *HALF)[1]))
    code, out, err = run(capsys, "report", "clip.mp4", *HALF, "--judged", "--out", "report.html")
    assert (code, out, err) == (0, [f"clip.mp4: {count} moments in report.html"], [])
    page = Parsed((here / "report.html").read_text(encoding="utf-8"))
    assert page.texts["h1"] == ["Moments of clip.mp4"]
    pictures = [attributes["src"] for tag, attributes in page.tags if tag == "img"]
    assert len(pictures) == count
    assert all(str(src).startswith("data:image/jpeg;base64,") for src in pictures)
    notes = [text for text in page.texts["p"] if text]
    assert notes[0].startswith("Scores are percentile of cosine similarity under the model tiny, of ")
    assert notes[1] == "Thresholds in percentile: a dog 50.0; pizza 50.0."
    assert notes[-1] == "No moment was judged by hand: all are as computed."
    (figures,) = [json.loads(text) for text in page.texts["script"] if text.startswith('{"light"')]
    assert set(figures) == {"light", "dark", "arrays"}


def test_a_report_tells_each_verdict_with_its_reason(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "report", "clip.mp4", "--confidence", "98", "--out", "report.html")[0] == 0
    notes = [text for text in Parsed((here / "report.html").read_text(encoding="utf-8")).texts["p"] if text]
    assert notes[0].startswith(
        "Scores are cosine similarity, less what 300 neutral texts score on the same frame, under the model tiny, of "
    )
    assert notes[1] == "No prompt is sure to be there."
    (here / "none.yaml").write_text("unflagged: [a dog, pizza]\n")
    assert run(capsys, "report", "clip.mp4", "--settings", "none.yaml", "--out", "none.html")[0] == 0
    assert "No prompt is flagged." in Parsed((here / "none.html").read_text(encoding="utf-8")).texts["p"]
    for prompt in ASKED:
        assert f"{prompt}: not sure. Beats only 96 % of 299 neutral texts: too many come as high somewhere in this " \
            "video." in notes  # fmt: skip


def test_a_report_draws_candidates_once_and_lists_them_when_asked(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("report", "clip.mp4", "--confidence", "98", "--out", "report.html")
    assert run(capsys, *words)[1] == ["clip.mp4: 0 moments in report.html"]
    pale = lanes(here)
    assert [lane["opacity"] for lane in pale] == [CANDIDATE_OPACITY] * 2
    assert run(capsys, *words, "--candidates")[1] == ["clip.mp4: 0 moments and 2 candidates in report.html"]
    assert lanes(here) == pale
    page = Parsed((here / "report.html").read_text(encoding="utf-8"))
    assert page.texts["bdi"].count("candidate") == 2
    judge("a dog", "accepted")
    judge("pizza", "rejected")
    assert run(capsys, *words, "--candidates", "--judged")[1] == ["clip.mp4: 1 moment in report.html"]
    assert [lane.get("opacity") for lane in lanes(here)] == [None]


def lanes(folder: Path) -> list[dict[str, Any]]:
    """The lanes of a report's chart, without the empty one."""
    page = Parsed((folder / "report.html").read_text(encoding="utf-8"))
    (figures,) = [json.loads(text) for text in page.texts["script"] if text.startswith('{"light"')]
    return [trace for trace in figures["light"]["data"] if trace.get("yaxis") == "y3"]


def judge(prompt: str, verdict: ReviewVerdict, **edges: float) -> None:
    """Say on the page's behalf what the only candidate of a prompt is."""
    store = EmbeddingStore(load_config().embeddings)
    (video,) = store.videos()
    stretch = {"a dog": (0.4, 0.0, 0.533333), "pizza": (0.0, 0.0, 0.366667)}[prompt]
    store.put_annotation(video.video_id, replace(Annotation(prompt, *stretch, verdict), **edges))


def test_what_is_there_at_95_is_a_candidate_at_98(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "moments", "clip.mp4")
    assert (code, err[0]) == (0, BEATEN)
    sure = rows(out)
    assert [(row["prompt"], row["label"]) for row in sure] == [("a dog", ""), ("pizza", "")]
    code, out, err = run(capsys, "moments", "clip.mp4", "--confidence", "98")
    assert (code, rows(out)) == (0, [])
    assert [line.split(". ")[0] for line in err] == ["a dog: not sure", "pizza: not sure"]
    code, out, _ = run(capsys, "moments", "clip.mp4", "--confidence", "98", "--candidates")
    assert (code, rows(out)) == (0, [row | {"label": "candidate"} for row in sure])
    assert rows(run(capsys, "moments", "clip.mp4", "--candidates")[1]) == sure


def test_files_say_what_the_verdicts_were(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("moments", "clip.mp4", "--confidence", "98", "--candidates", "--format", "json", "--out", ".")
    assert run(capsys, *words)[1] == ["clip.mp4: 0 moments and 2 candidates in .: moments.json"]
    settings = settings_of(here)
    assert (settings["unit"], settings["threshold"], settings["confidence"], settings["bank_share"]) == (
        "corrected", None, 0.98, 0.0,
    )  # fmt: skip
    assert settings["verdicts"] == {"a dog": "not sure", "pizza": "not sure"}
    beaten = settings["beats_of_null_bank"]
    assert list(beaten) == list(ASKED)
    assert all(0.96 <= share < 0.97 for share in beaten.values())
    assert settings["thresholds_in_force"] == {}
    moments = json.loads((here / "moments.json").read_text())["moments"]
    assert [moment["label"] for moment in moments] == ["candidate", "candidate"]


def test_candidates_that_were_judged(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("moments", "clip.mp4", "--confidence", "98", "--judged")
    judge("a dog", "accepted")
    judge("pizza", "", end_s=0.3)
    assert [(row["prompt"], row["label"]) for row in rows(run(capsys, *words)[1])] == [("a dog", "")]
    found = [(row["prompt"], row["end_s"], row["label"]) for row in rows(run(capsys, *words, "--candidates")[1])]
    assert found == [("a dog", "0.533333", ""), ("pizza", "0.300000", "candidate")]
    judge("pizza", "rejected")
    assert [row["prompt"] for row in rows(run(capsys, *words, "--candidates")[1])] == ["a dog"]


def test_a_threshold_set_by_hand_is_not_overruled_by_the_null_bank(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, "moments", "clip.mp4", "--unit", "cosine", "--threshold", "-1")
    assert code == 0
    assert [(row["prompt"], row["start_s"], row["end_s"]) for row in rows(out)] == [
        ("a dog", "0.000000", "1.333333"), ("pizza", "0.000000", "1.333333"),
    ]  # fmt: skip


OLD = "unit: cosine\nthreshold: -1.0\nthresholds: {}\nhysteresis: 0.0\nbank_share: 98\nsmoothing_s: 0.0\n"
"""A settings file as the page saved it before there was a confidence, without what says nothing here."""


def test_old_settings_with_a_threshold_still_ask_the_null_bank_and_say_so(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = "The settings ask that moments beat 98 % of the null bank."
    (here / "old.yaml").write_text(OLD)
    (here / "new.yaml").write_text(OLD.replace("98", "0"))
    code, out, err = run(capsys, "moments", "clip.mp4", "--settings", "old.yaml")
    assert (code, err[0]) == (0, said)
    alone = rows(run(capsys, "moments", "clip.mp4", "--settings", "new.yaml")[1])
    assert [(row["prompt"], row["end_s"]) for row in alone] == [("a dog", "1.333333"), ("pizza", "1.333333")]
    assert rows(out) == []  # both beat 96 %
    (here / "old.yaml").write_text(OLD.replace("98", "95"))
    code, out, err = run(capsys, "moments", "clip.mp4", "--settings", "old.yaml")
    assert (rows(out), err[0]) == (alone, said.replace("98", "95"))
    (here / "old.yaml").write_text(OLD.replace("-1.0", "null"))
    assert said not in run(capsys, "moments", "clip.mp4", "--settings", "old.yaml")[2]


@pytest.mark.parametrize(("share", "confidence"), [(90, 0.9), (95, 0.95), (98, 0.98)])
def test_old_settings_without_a_threshold_keep_their_share_as_confidence(
    here: Path, capsys: pytest.CaptureFixture[str], share: int, confidence: float
) -> None:
    (here / "old.yaml").write_text(f"unit: z\nthreshold: null\nbank_share: {share}\n")
    words = ("moments", "clip.mp4", "--settings", "old.yaml", "--format", "json", "--out", ".")
    assert run(capsys, *words)[0] == 0
    settings = settings_of(here)
    assert (settings["unit"], settings["confidence"]) == ("z", confidence)
    assert set(settings["verdicts"].values()) == {"there" if share < 96 else "not sure"}
    assert run(capsys, *words, "--confidence", "50")[0] == 0
    assert settings_of(here)["confidence"] == 0.5


def test_a_model_that_fails_on_the_null_bank_does_not_keep_thresholds_from_working(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = OnnxEncoder.embed_texts

    def few(self: OnnxEncoder, texts: Sequence[str]) -> Floats:
        if len(texts) > 10:
            raise EncoderError("The server is down.", "Try again.")
        return real(self, texts)

    monkeypatch.setattr(OnnxEncoder, "embed_texts", few)
    code, out, _ = run(capsys, "moments", "clip.mp4", "--unit", "z", "--threshold", "0.5")
    assert code == 0
    assert {row["prompt"] for row in rows(out)} == set(ASKED)
    code, out, _ = run(capsys, "report", "clip.mp4", "--unit", "z", "--threshold", "0.5", "--out", "report.html")
    assert code == 0
    assert run(capsys, "moments", "clip.mp4") == (2, [], ["clip.mp4: The server is down. Try again."])


def test_a_long_reason_is_told_whole_and_unflagged_prompts_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    reason = " ".join(f"This is sentence {number} of a long reason." for number in range(9))
    verdicts = {"a dog": Verdict("there", 0.97, "Short."), "a person": Verdict("not sure", 0.5, reason)}
    found = SimpleNamespace(verdicts=verdicts | {"pizza": verdicts["a dog"]}, settings=Settings(unflagged=("pizza",)))
    tell_verdicts(cast(ExportBundle, SimpleNamespace(detection=found)))
    first, *rest = capsys.readouterr().err.splitlines()
    assert first == "a dog: there. Short."
    assert " ".join(line.strip() for line in rest) == f"a person: not sure. {reason}"
    assert [line.startswith("  ") for line in rest] == [False, True]
    assert max(map(len, rest)) <= 200


def test_a_report_takes_no_picture_of_a_file_that_was_replaced_meanwhile(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    peak_pts, store = clip_core.cli.moments.peak_pts, EmbeddingStore(here / "store")
    (record,) = store.videos()
    store._tables.delete([THUMBNAILS], of_video(record.video_id))

    def replaced(*given: Any) -> dict[float, int]:
        planted(here, "clip", 30, VideoSpec(options={"g": "10"}))
        return peak_pts(*given)

    monkeypatch.setattr(clip_core.cli.moments, "peak_pts", replaced)
    code, _, err = run(capsys, "report", "clip.mp4", *HALF, "--out", "report.html")
    assert (code, err) == (0, ["clip.mp4 was changed since it was indexed. Open it again."])
    assert len(store.thumbnail_pts(record.video_id)) == 0
    assert "There are no pictures" in (here / "report.html").read_text(encoding="utf-8")
