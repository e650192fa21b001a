"""``evaluate`` as a user calls it."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from clip_core.__main__ import main
from clip_core.errors import EncoderError

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "data" / "sample.mp4"


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sample's settings, video and truth, and a store in which it is indexed."""
    folder = tmp_path_factory.mktemp("indexed")
    (folder / "data").symlink_to(ROOT / "data")
    shutil.copy(ROOT / "config.yaml", folder)
    assert main(["index", str(SAMPLE), "--config", str(folder / "config.yaml")]) == 0
    return folder


@pytest.fixture
def here(indexed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to stand in, with that store."""
    shutil.copytree(indexed / "embeddings", tmp_path / "embeddings")
    shutil.copy(ROOT / "config.yaml", tmp_path)
    (tmp_path / "data").symlink_to(ROOT / "data")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CLIP_VIDEO_CONFIG", raising=False)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[str], list[str]]:
    capsys.readouterr()
    code = main(["evaluate", "data/sample.mp4", *words])
    out, err = capsys.readouterr()
    return code, out.splitlines(), err.splitlines()


def test_the_sample_is_judged_in_a_small_table(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "--truth", "data/sample.truth.json")
    assert (code, err) == (0, [])
    assert out[0].split() == (
        ["PROMPT", "TRUE", "FOUND", "R1@0.5", "R1@0.7", "mAP", "mAP@0.5", "mAP@0.75", "IoU", "ONSET", "MISSED", "FALSE"]
    )
    assert re.fullmatch(r"a dog +2 +2 +100\.0 +100\.0 +\d+\.\d .* 0 +0", out[1])
    assert re.fullmatch(r"an elephant +0 +0( +-){7} +0 +0", out[8])
    assert re.fullmatch(r"all +8 +8 +100\.0 +100\.0 +(100\.0|9\d\.\d) .* 0\.\d\d +0 +0", out[9])
    assert out[10] == "Settings: corrected, thresholds that adapt, smoothing 0.6 s."
    assert out[11] == "Shares in %, onsets (median error) in seconds."
    assert re.fullmatch(r"Over all thresholds, in seconds of the video: average precision \d\d\.\d %\.", out[12])
    assert len(out) == 13
    assert max(map(len, out)) <= 100


def test_a_sweep_and_all_of_it_as_json(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--truth", "data/sample.truth.json", "--unit", "cosine", "--threshold", "0.7", "--smoothing", "4"]
    code, out, err = run(capsys, *words, "--sweep", "--json", "new/result.json")
    assert code == 0
    found = json.loads((here / "new" / "result.json").read_text("utf-8"))
    settings = {name: found["settings"][name] for name in ("unit", "smoothing_s", "threshold", "min_duration_s")}
    assert settings == {"unit": "cosine", "smoothing_s": 4.0, "threshold": 0.7, "min_duration_s": 0.0}
    assert found["thresholds"]["a dog"] == 0.7
    assert (found["video"]["name"], found["model"], found["warnings"]) == ("sample.mp4", "sample", [])
    assert found["overall"]["r1_70"] < 1
    assert [judgement["prompt"] for judgement in found["prompts"]][-1] == "an elephant"
    assert [curve["prompt"] for curve in found["precision_recall"]][:2] == ["", "a dog"]
    assert max(len(curve["recall"]) for curve in found["precision_recall"]) <= 200
    assert found["sweep"]["best"]["f1"] > found["overall"]["f1"]
    assert found["sweep"]["best"] in found["sweep"]["cells"]
    count = len(found["sweep"]["cells"])
    assert err[-1] == f"sweep: {count} of {count} settings"
    best, now = 100 * found["sweep"]["best"]["f1"], 100 * found["overall"]["f1"]
    threshold, smoothing_s = (found["sweep"]["best"][name] for name in ("threshold", "smoothing_s"))
    assert (smoothing_s < 4, 0.3 < threshold < 0.7) == (True, True)
    assert out[-1].startswith(f"Best of {count}: threshold {threshold:g}, smoothing {smoothing_s:g} s")
    assert out[-1].endswith(f": F1 {best:.1f} % over IoU 0.5:0.95; now {now:.1f} %.")
    assert len([line for line in out if re.match(r" +\d", line)]) == 5
    detected = [cell for cell in found["sweep"]["cells"] if cell["threshold"] is None]
    assert {cell["smoothing_s"] for cell in detected} == {0.0, 0.5, 1.0, 2.0, 4.0}
    assert len({cell["f1"] for cell in detected}) == 1  # detection on segments looks at no smoothed curve
    assert detected[0]["f1"] > 0.9


def test_a_sweep_names_detection_where_it_is_best(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--truth", "data/sample.truth.json", "--prompt", "a balloon", "--unit", "z", "--sweep")
    assert code == 0
    assert next(line for line in out if re.match(r" +\d", line)).split()[1] == "adapt"
    assert re.match(r"Best of \d+: thresholds that adapt, smoothing ", out[-1])


def test_a_higher_confidence_finds_fewer(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--truth", "data/sample.truth.json", "--json", "result.json")
    recalled = []
    for confidence in ("90", "95", "98"):
        code, _, err = run(capsys, *words, "--confidence", confidence)
        found = json.loads((here / "result.json").read_text("utf-8"))
        assert (code, err, found["settings"]["confidence"]) == (0, [], int(confidence) / 100)
        recalled.append(found["overall"]["moments"])
        assert found["overall"]["false_moments"] == 0
    assert recalled == [8, 8, 7]  # pizza beats 96 % of the bank


def test_a_threshold_is_judged_without_the_null_bank(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object, prompts: object) -> None:
        raise EncoderError("The server is down.", "Try again.")

    monkeypatch.setattr("clip_core.analysis.analyse.Analysis.prepare_bank", fail)
    words = ("--truth", "data/sample.truth.json")
    code, out, _ = run(capsys, *words, "--unit", "cosine", "--threshold", "0.4")
    assert (code, "Settings: cosine, threshold 0.4, smoothing 0.6 s." in out) == (0, True)
    assert run(capsys, *words) == (2, [], ["sample.mp4: The server is down. Try again."])


def test_what_of_a_truth_does_not_fit_is_told(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = ["prompt,start,end,video", "a dog,1.4,7.8,SAMPLE", "a dog,0:41.7,2:00,", "pizza,1,2,other.mp4"]
    Path("truth.csv").write_text("\n".join(rows))
    code, out, err = run(capsys, "--truth", "truth.csv", "--prompt", "a dog", "--prompt", "the moon")
    assert code == 0
    assert err == [
        "1 entry is of another video (“other.mp4”): left out.",
        "The truth says nothing of “the moon”: not judged.",
        "1 span ends after the end of the video at 0:50.000 (“a dog”): cut there.",
    ]
    assert [line.split("  ")[0] for line in out[1:3]] == ["a dog", "all"]


def test_the_lines_of_qvhighlights_and_a_list_of_prompts(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = {"qid": 1, "query": "a dog", "vid": "sample", "relevant_windows": [[1.4, 7.8], [41.8, 47.8]]}
    Path("truth.jsonl").write_text(json.dumps(line) + "\n")
    Path("prompts.txt").write_text("\ufeffa dog\r\n\r\n- a person\r\n", "utf-8")
    code, out, err = run(capsys, "--truth", "truth.jsonl", "--prompts", "prompts.txt")
    assert (code, err) == (0, ["“a person”: the model does not know “person”. It reads only “a”."])
    assert re.match(r"all +2 +2 +100\.0 +100\.0", out[2])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], r"^Missing option '--truth'\. See python -m clip_core evaluate --help\.$"),
        (["--truth", "gone.csv"], r"^gone\.csv cannot be read: No such file or directory\. Check --truth\.$"),
        (["--truth", "data"], r"^data cannot be read: Is a directory\."),
        (
            ["--truth", "bad.csv"],
            r"^bad\.csv, row 3: the start is x, which is not a time\. Write seconds or HH:MM:SS\.mmm",
        ),
        (["--truth", "other.csv"], r"^sample\.mp4: All of the truth is of another video: “other\.mp4”\."),
        (["--truth", "truth.csv", "--prompt", "pizza"], r"^sample\.mp4: The truth judges nothing here\. .* “a dog”"),
        (
            ["--truth", "truth.csv", "--prompts", "gone.txt"],
            r"gone\.txt cannot be read: No such file .*Check --prompts",
        ),
        (["--truth", "truth.csv", "--prompts", "empty.txt"], r"empty\.txt holds no prompts\. Write one a line\."),
        (["--truth", "truth.csv", "--threshold", "nan"], r"'nan' is not a number"),
        (["--truth", "truth.csv", "--smoothing=-1"], r"The setting 'smoothing_s' cannot be -1\.0\. Allowed: seconds"),
        (
            ["--truth", "truth.csv", "--confidence", "150"],
            r"^sample\.mp4: The confidence cannot be 150 percent\. Allowed: 50 to 99\.9 percent\.$",
        ),
        (["--truth", "truth.csv", "--min-duration=-1"], r"'-1' is not a number of seconds from 0 to 86400"),
        (["--truth", "truth.csv", "--unit", "margin"], r"Margin needs a negative prompt\."),
        (["--truth", "truth.csv", "--settings", "gone.yaml"], r"gone\.yaml cannot be read: .*Check --settings"),
        (["--truth", "truth.csv", "--json", "data"], r"^data is a folder\. Give --json the name of a file in it\.$"),
        (
            ["--truth", "truth.csv", "--json", "truth.csv"],
            r"^truth\.csv is the truth itself\. Choose another place for --j",
        ),
        (["--truth", "truth.csv", "--json", "data/sample.mp4"], r"^sample\.mp4 is the video itself\."),
        (
            ["--truth", "truth.csv", "--json", "truth.csv/x.json"],
            r"truth\.csv is a file, not a folder\. Choose another place for --json",
        ),
    ],
)
def test_what_cannot_be_done_is_one_line(
    here: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    Path("truth.csv").write_text("prompt,start,end\na dog,1,7\n")
    Path("bad.csv").write_text("prompt,start,end\na dog,1,7\na dog,x,7\n")
    Path("other.csv").write_text("prompt,start,end,video\na dog,1,7,other.mp4\n")
    Path("empty.txt").touch()
    code, out, err = run(capsys, *words)
    assert (code, out, len(err)) == (2, [], 1)
    assert re.search(said, err[0])
    assert len(err[0]) <= 200


def test_a_video_that_was_never_indexed(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree("embeddings")
    code, _, err = run(capsys, "--truth", "data/sample.truth.json")
    assert code == 2
    assert err == ["sample.mp4 was never indexed with the model sample. Run: python -m clip_core index data/sample.mp4"]


def test_a_cosine_in_the_config_counts_as_on_the_page(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = (here / "config.yaml").read_text("utf-8").replace("threshold: null", "threshold: 0.4")
    (here / "config.yaml").write_text(config, "utf-8")
    code, out, _ = run(capsys, "--truth", "data/sample.truth.json", "--json", "result.json")
    assert code == 0
    assert "Settings: cosine, threshold 0.4, smoothing 0.6 s." in out
    found = json.loads((here / "result.json").read_text("utf-8"))
    assert (found["settings"]["bank_share"], found["overall"]["r1_70"]) == (0, 1.0)
    code, out, _ = run(capsys, "--truth", "data/sample.truth.json", "--unit", "z")
    assert "Settings: z, thresholds that adapt, smoothing 0.6 s." in out


def test_a_settings_file_is_followed(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = "unit: percentile\nprompts: [a dog]\nthresholds: {a dog: 75}\nsmoothing_s: 1.0\nmin_duration_s: 1.0\n"
    Path("settings.yaml").write_text(given, "utf-8")
    code, out, err = run(capsys, "--truth", "data/sample.truth.json", "--settings", "settings.yaml")
    assert code == 0
    said = "Settings: percentile, thresholds that adapt, smoothing 1 s, shortest 1 s, 1 with a threshold of its own."
    assert said in out
    assert re.match(r"a dog +2 +2 +100\.0", out[1])
    assert "judged here" in err[0]


def test_old_settings_whose_moments_must_beat_the_null_bank_say_so(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("old.yaml").write_text("unit: cosine\nprompts: [a dog]\nthreshold: 0.4\nbank_share: 95.0\n", "utf-8")
    code, out, err = run(capsys, "--truth", "data/sample.truth.json", "--settings", "old.yaml")
    assert (code, err[0]) == (0, "The settings ask that moments beat 95 % of the null bank.")
    assert re.match(r"a dog +2 +2 +100\.0", out[1])
