from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from clip_core.errors import SettingsError
from clip_core.scoring.templates import TEMPLATE_SETS
from clip_core.settings import TEMPLATES, Settings, read_settings, settings_from, settings_yaml

ODD = ("a dog", "- a person", '"=1+1",', "- {}: [x]", "a “b”\u2028c", "null", "3", "<b>é🐕</b>")
FULL = Settings(
    prompts=ODD,
    weights={"a dog": 2.0},
    templates="openai",
    unit="percentile",
    threshold=97.5,
    thresholds={"null": 90.0},
    hysteresis=1.5,
    confidence=0.98,
    bank_share=90,
    smoothing="savgol",
    smoothing_s=0.25,
    smoothing_samples=5,
    across_cuts=True,
    min_gap_s=0.1,
    min_duration_s=0.2,
    pad_s=0.3,
    score_range=(-1.0, 100.0),
    time_range=(0.0, 12.5),
    unflagged=("3",),
    combinations=(("then", "a dog", "null", 2.5), ("and", "3", "a dog", 0.0)),
)


@pytest.mark.parametrize("settings", [Settings(), FULL])
def test_a_recipe_comes_back_from_its_file_and_from_its_changes(settings: Settings) -> None:
    assert read_settings(settings_yaml(settings).encode()) == settings
    assert settings_from(settings.changed(), "It") == settings
    assert Settings().changed() == {}
    assert set(FULL.changed()) == set(FULL.as_mapping())


def test_what_json_and_yaml_hold_of_a_recipe() -> None:
    held = FULL.as_mapping()
    assert json.loads(json.dumps(held)) == held == yaml.safe_load(settings_yaml(FULL))
    assert (held["unit"], held["confidence"], held["bank_share"]) == ("percentile", 0.98, 90)
    assert (held["score_range"], held["combinations"][0]) == ([-1.0, 100.0], ["then", "a dog", "null", 2.5])
    usual = Settings().as_mapping()
    assert (usual["unit"], usual["threshold"], usual["confidence"], usual["bank_share"]) == ("corrected", None, 0.95, 0)
    assert Settings(confidence=0.9, unit="z").changed() == {"confidence": 0.9, "unit": "z"}


@pytest.mark.parametrize(("settings", "needed"), [
    (Settings(), True), (Settings(unit="z"), True), (Settings(unit="corrected", threshold=0.1), True),
    (Settings(unit="z", threshold=2.5), False), (Settings(unit="cosine", threshold=0.0), False),
    (Settings(unit="z", threshold=2.5, bank_share=50), True), (Settings(unit="z", thresholds={"a dog": 1}), True),
])  # fmt: skip
def test_when_the_null_bank_must_be_asked(settings: Settings, needed: bool) -> None:
    assert settings.needs_bank is needed


def test_lines_with_a_dash_are_negatives() -> None:
    settings = Settings(prompts=("a dog", " - a person", "- a dog", "-5 °C", "a dog ", "- ", ""))
    assert settings.positives == ("a dog", "-5 °C")
    assert settings.negatives == ("a person", "a dog")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("unit", "kelvin"), ("unit", ["z"]), ("unit", {}), ("smoothing", "box"), ("templates", "7"),
        ("threshold", float("nan")), ("threshold", True), ("threshold", "2"), ("threshold", 1e300),
        ("hysteresis", -0.1), ("bank_share", 94), ("bank_share", "95"),
        ("bank_share", True), ("bank_share", [90]), ("bank_share", None),
        ("confidence", 0.4), ("confidence", 95), ("confidence", 1), ("confidence", None), ("confidence", "0.9"),
        ("confidence", float("nan")), ("confidence", True),
        ("smoothing_s", -1), ("pad_s", float("inf")), ("min_gap_s", None),
        ("score_range", [2, 1]), ("score_range", [1]),
        ("time_range", [-1, 2]), ("time_range", "ab"), ("weights", {"a": 0}), ("weights", {"a": "x"}), ("weights", [1]),
        ("thresholds", {1: 2}), ("prompts", "a dog"), ("prompts", [1]), ("prompts", ["x"] * 201),
        ("prompts", ["x" * 20_001]),
        ("across_cuts", 1), ("unflagged", None), ("combinations", [["or", "a", "b", 0]]),
        ("combinations", [["and", "a"]]),
        ("combinations", [["then", "a", "b", -1]]),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(SettingsError, match=f"The setting '{name}' cannot be .* Allowed: "):
        settings_from({name: value}, "The link")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"x" * 1_000_001, "larger than 1 MB"), (b"\xff\xfe", "not UTF-8"), (b"a: [", "not YAML"),
        (b"- a", "holds no settings"),
        (b"treshold: 2", r"unknown setting 'treshold'\. Did you mean 'threshold'\?"), (b"3: 2", "unknown setting '3'"),
        (b"colour: red", "unknown setting 'colour'"), (b"!!python/object/apply:os.system ['true']", "not YAML"),
        (b"[" * 3000, "over 20 levels deep"),
        (b"prompts: &a [*a]", "an alias inside what it repeats"), (b"threshold: 0x" + b"f" * 5000, "over 1,000 digits"),
        (b"threshold: 1" + b":59" * 300_000, "over 1,000 digits"),
    ],
)  # fmt: skip
def test_files_that_are_no_settings(content: bytes, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        read_settings(content)


def test_the_usual_recipe_detects_on_corrected_scores_at_95_percent() -> None:
    usual = Settings()
    assert (usual.unit, usual.threshold, usual.confidence, usual.bank_share) == ("corrected", None, 0.95, 0)
    assert [Settings(confidence=c).confidence for c in (0.5, 0.9, 0.98, 0.999)] == [0.5, 0.9, 0.98, 0.999]


OLD_FILE = """\
# How CLIP Video Investigator makes moments of curves. Load it on the page or with --settings.
prompts:
- a dog
- '- a person'
weights: {}
templates: none
unit: z
threshold: THRESHOLD
thresholds:
  a dog: 3.5
hysteresis: 0.5
bank_share: 95.0
smoothing: mean
smoothing_s: 0.6
across_cuts: false
min_gap_s: 0.0
min_duration_s: 0.0
pad_s: 0.0
score_range: null
time_range: null
unflagged: []
combinations: []
"""
"""What the version before detection on segments wrote, when every setting stood in the file."""


@pytest.mark.parametrize(("written", "threshold"), [("null", None), ("2.5", 2.5)])
def test_a_settings_file_of_before_keeps_its_unit_and_its_thresholds(written: str, threshold: float | None) -> None:
    settings = read_settings(OLD_FILE.replace("THRESHOLD", written).encode())
    assert (settings.unit, settings.threshold, dict(settings.thresholds)) == ("z", threshold, {"a dog": 3.5})
    assert (settings.bank_share, settings.hysteresis, settings.smoothing_s) == (95, 0.5, 0.6)
    assert (settings.positives, settings.negatives) == (("a dog",), ("a person",))
    assert settings.confidence == 0.95  # which it could not name
    assert read_settings(settings_yaml(settings).encode()) == settings


def test_a_settings_file_of_before_in_cosine_cuts_where_it_did() -> None:
    settings = read_settings(b"unit: cosine\nthreshold: 0.27\nthresholds:\n  pizza: 0.3\nbank_share: 0.0\n")
    assert (settings.unit, settings.threshold, dict(settings.thresholds)) == ("cosine", 0.27, {"pizza": 0.3})


def old(**changes: object) -> Settings:
    return read_settings(yaml.safe_dump(yaml.safe_load(OLD_FILE.replace("THRESHOLD", "null")) | changes).encode())


def test_an_old_settings_file_is_detected_at_the_share_that_it_asks() -> None:
    shares = (0, 50, 75, 90, 95, 98, 99, 100)
    assert [old(bank_share=share).confidence for share in shares] == [0.95, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.999]
    assert [old(bank_share=share).bank_share for share in shares] == list(shares)
    assert old(bank_share=90.0).confidence == 0.9


def test_an_old_settings_file_with_a_threshold_keeps_it_and_the_bank() -> None:
    settings = old(threshold=2.5, bank_share=90)
    assert (settings.unit, settings.threshold, settings.bank_share, settings.confidence) == ("z", 2.5, 90, 0.95)
    own = old(bank_share=90)
    assert (dict(own.thresholds), own.bank_share, own.confidence) == ({"a dog": 3.5}, 90, 0.9)


def test_a_settings_file_with_a_confidence_is_believed() -> None:
    assert old(bank_share=90, confidence=0.95).confidence == 0.95
    for given in (Settings(bank_share=90), Settings(bank_share=100, confidence=0.5)):
        assert read_settings(settings_yaml(given).encode()) == given


def test_an_empty_file_is_the_usual_recipe_and_the_names_are_those_of_scoring() -> None:
    assert read_settings(b"") == Settings()
    assert tuple(TEMPLATE_SETS) == TEMPLATES


def test_a_file_of_aliases_of_aliases_is_refused_at_once() -> None:
    """Nine levels of ten are 10⁹ texts where somebody follows them all."""
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 10)}]\n" for k in range(1, 9))
    with pytest.raises(SettingsError, match="over 20,000 values"):
        read_settings(bomb.encode())
    nested = bomb.replace("a8:", "prompts:").replace("a0: ", "weights: ").replace("&a8 ", "")
    with pytest.raises(SettingsError, match="over 20,000 values"):
        read_settings(nested.encode())


def test_accents_that_are_spelled_in_two_ways_are_one_prompt() -> None:
    given = {"prompts": ["cafe\u0301"], "thresholds": {"cafe\u0301": 2.0}, "unflagged": ["cafe\u0301"]}
    settings = settings_from(given, "It")
    assert (settings.positives, dict(settings.thresholds), settings.unflagged) == (("café",), {"café": 2.0}, ("café",))


@pytest.mark.parametrize("text", ["threshold: 2.5", "thresholds: {a dog: 2.5}"])
def test_a_threshold_without_a_unit_in_settings_of_before_is_in_z(text: str) -> None:
    assert read_settings(text.encode()).unit == "z"
    assert read_settings(f"{text}\nconfidence: 0.95".encode()).unit == "corrected"
    assert read_settings(f"{text}\nunit: cosine".encode()).unit == "cosine"
    assert read_settings(b"smoothing_s: 2.0").unit == "corrected"
