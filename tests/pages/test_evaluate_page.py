"""The page Evaluate: a planted truth is judged, swept and fitted, and what comes out is what must."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import streamlit as st

from clip_core.scoring.detection import detect
from clip_core.settings import Settings
from pages.regions.evaluation import fit_settings
from pages.regions.evaluation.state import EvaluationState, SweepRun, TruthFile
from tests.pages.test_library_page import go
from tests.support.world import Page


@pytest.fixture
def evaluating(ready: Page) -> Page:
    return go(ready, "evaluate")


def settings_of(page: Page) -> Settings:
    """The settings of the world: the config's cosine."""
    prompts = tuple(page.sidebar.prompts.splitlines())
    return Settings(prompts=prompts, unit="cosine", threshold=0.0, bank_share=0, smoothing_s=0.6)


def found(page: Page, **changes: Any) -> Any:
    """What the settings find, by the page's own evidence."""
    settings = replace(settings_of(page), **changes)
    return detect(settings, page.analysis.video_scores(settings))


def state_of(page: Page) -> EvaluationState:
    state: EvaluationState = page.at.session_state["EvaluationState"]
    return state


def upload(page: Page, content: str, name: str = "truth.csv") -> Page:
    number = state_of(page).uploads
    page.at.file_uploader(key=f"truth_upload_{number}").upload(name, content.encode(), "text/csv")
    return page.run()


def truth_of(moments: Any) -> str:
    rows = [f"{m.prompt},{m.start_s!r},{m.end_s!r}" for m in moments]
    return "\n".join(["prompt,start,end", *rows]) + "\n"


def look_at(page: Page, view: str) -> Page:
    """Choose what stands beside the picture."""
    if page.at.segmented_control(key="evaluate_view").value != view:
        page.at.segmented_control(key="evaluate_view").set_value(view)
        page.run()
    return page


def table(page: Page, view: str = "Measures") -> Any:
    """The table of a view."""
    return look_at(page, view).at.dataframe[0].value


def rows(page: Page) -> list[dict[str, Any]]:
    """What the list of annotations shows."""
    look_at(page, "Truth")
    return list(annotations(page)["rows"])


def annotations(page: Page) -> dict[str, Any]:
    """What was sent to the list of annotations."""
    parts = [e.proto for e in page.at.get("bidi_component") if e.proto.component_name == "clip_video_annotations"]
    return dict(json.loads(parts[0].json)) if parts else {"rows": []}


def figure(page: Page, key: str, view: str) -> Any:
    look_at(page, view)
    chart = next(c for c in page.at.get("plotly_chart") if key in c.proto.id)
    return json.loads(chart.proto.spec)


def test_it_begins_without_a_truth(evaluating: Page) -> None:
    assert evaluating.starting("##### No truth yet")
    assert evaluating.at.file_uploader(key="truth_upload_0").proto.max_upload_size_mb == 10
    assert not evaluating.at.get("plotly_chart")
    for view in ("Measures", "Precision and recall", "Sweep"):
        assert look_at(evaluating, view).starting("##### No truth yet")
    assert look_at(evaluating, "Fit thresholds").starting("Mark about 10 frames")


def test_its_own_moments_are_perfect(evaluating: Page) -> None:
    moments = found(evaluating).moments
    assert moments
    upload(evaluating, truth_of(moments))
    rows = table(evaluating)
    first = rows.iloc[0]
    prompts = list(dict.fromkeys(m.prompt for m in moments))
    assert rows["Prompt"][0] == "all prompts"
    assert sorted(rows["Prompt"][1:]) == sorted(prompts)
    assert (first["There"], first["Found"], first["Missed"], first["False"]) == (len(moments), len(moments), 0, 0)
    assert (first["R1@0.5"], first["R1@0.7"], first["Onset"], first["Mean onset"]) == pytest.approx((100, 100, 0, 0))


def test_a_threshold_moves_the_table(evaluating: Page) -> None:
    higher = found(evaluating, threshold=0.1).moments
    upload(evaluating, truth_of(found(evaluating).moments))
    evaluating.slide("threshold", 0.1)
    assert table(evaluating).iloc[0]["Found"] == len(higher)


def test_precision_and_recall_of_all_and_of_the_chosen(evaluating: Page) -> None:
    upload(evaluating, truth_of(found(evaluating).moments))
    data = figure(evaluating, "recall_chart", "Precision and recall")["data"]
    chosen = evaluating.control("selectbox", "recall_of").value
    assert [trace["name"] for trace in data] == ["all prompts", "all prompts, now", chosen, f"{chosen}, now"]
    assert [*data[1]["x"], *data[1]["y"]] == pytest.approx([100, 100])  # its own moments are the truth
    other = evaluating.control("selectbox", "recall_of").options[-1]
    evaluating.control("selectbox", "recall_of").set_value(other)
    assert [trace["name"] for trace in figure(evaluating.run(), "recall_chart", "Precision and recall")["data"]][
        2
    ] == other


def test_a_sweep_finds_what_was_planted_and_its_settings_are_used(evaluating: Page) -> None:
    cut = float(np.quantile(found(evaluating, smoothing_s=2.0).smoothed, 0.8))
    planted = found(evaluating, threshold=cut, smoothing_s=2.0).moments
    upload(evaluating, truth_of(planted))
    before = table(evaluating).iloc[0]
    look_at(evaluating, "Sweep").press("sweep").run()
    run = state_of(evaluating).sweep_run
    assert len(run.done) == len(run.grid)
    best = max(run.done, key=lambda cell: cell.score)
    (said,) = evaluating.starting(f"Best of {len(run.grid)}: ")
    assert f"F1 {100 * best.score:.1f} %" in said
    evaluating.press("use_sweep")
    sidebar = evaluating.sidebar
    assert sidebar.threshold_mode in ("Adapt", "One for all")
    assert state_of(evaluating).sweep_run is run  # the map stays where it was
    cells = {(c.setting.smoothing_s, c.setting.threshold, c.setting.min_duration_s): c.score for c in run.done}
    used = (sidebar.smoothing, sidebar.threshold if sidebar.threshold_mode == "One for all" else None)
    assert cells[(*used, sidebar.min_duration_s)] == best.score
    assert evaluating.holding(f"F1 {100 * best.score:.1f} %, now {100 * best.score:.1f} %")
    assert table(evaluating).iloc[0]["R1@0.5"] >= before["R1@0.5"]
    go(evaluating, "investigate").indexed()
    assert evaluating.control("slider", "smoothing").value == used[0]
    heat = figure(go(evaluating, "evaluate"), "sweep_chart", "Sweep")["data"][0]
    assert heat["y"][0] == "adapt"
    assert max(map(max, heat["z"])) == round(100 * best.score, 1)


def test_another_unit_is_another_sweep(evaluating: Page) -> None:
    upload(evaluating, truth_of(found(evaluating).moments))
    look_at(evaluating, "Sweep").press("sweep").run()
    assert evaluating.starting("Best of")
    evaluating.control("selectbox", "unit").set_value("z")
    evaluating.run()
    assert not evaluating.starting("Best of")
    evaluating.press("sweep").run()
    run = state_of(evaluating).sweep_run
    assert (run.begun_with.detection.settings.unit, evaluating.starting("Best of") != []) == ("z", True)


def test_a_sweep_that_was_interrupted_goes_on_and_can_be_cancelled(
    evaluating: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(evaluating, truth_of(found(evaluating).moments))
    look_at(evaluating, "Sweep")
    monkeypatch.setattr(fit_settings, "SHOW_EVERY_S", 0.0)
    whole = fit_settings._go_on

    def stopped(run: SweepRun) -> None:
        """As when a press on something ends the run of the script after some cells."""
        run.done += itertools.islice(run.cells, 5)
        st.button("", key="cancel_sweep", on_click=fit_settings._cancel)

    monkeypatch.setattr(fit_settings, "_go_on", stopped)
    evaluating.press("sweep")
    monkeypatch.setattr(fit_settings, "_go_on", whole)
    evaluating.run()
    run = state_of(evaluating).sweep_run
    assert [cell.setting for cell in run.done] == list(run.grid)
    monkeypatch.setattr(fit_settings, "_go_on", stopped)
    evaluating.control("selectbox", "unit").set_value("z")
    evaluating.run().press("sweep").press("cancel_sweep")
    assert state_of(evaluating).sweep_run is None
    assert evaluating.starting("Shows which smoothing")


def mark(page: Page, prompt: str, start_s: float, end_s: float, said: str) -> Page:
    """Mark a stretch by typing its times."""
    page.control("selectbox", "mark_prompt").set_value(prompt)
    page.at.segmented_control(key="mark_there").set_value(said)
    page.control("text_input", "mark_in_text").set_value(f"{start_s!r}")
    page.control("text_input", "mark_out_text").set_value(f"{end_s!r}")
    return page.run().press("add_mark")


def test_marks_are_a_truth_and_survive_another_page(evaluating: Page) -> None:
    mark(evaluating, "pizza", 1.0, 3.0, "There")
    mark(evaluating, "a dog", 0.0, 9.0, "Not there")
    assert list(table(evaluating)["Prompt"]) == ["all prompts", "pizza", "a dog"]
    assert table(evaluating).iloc[1]["There"] == 1
    shown = [(row["prompt"], row["start"], row["end"]) for row in rows(evaluating) if row["marks"]]
    assert shown == [("a dog", 0.0, 9.0), ("pizza", 1.0, 3.0)]
    go(evaluating, "library")
    go(evaluating, "evaluate")
    assert list(table(evaluating)["Prompt"]) == ["all prompts", "pizza", "a dog"]


def test_a_mark_cannot_end_before_it_starts_and_what_is_no_time_is_told(evaluating: Page) -> None:
    evaluating.control("text_input", "mark_in_text").set_value("0:04.5")
    evaluating.control("text_input", "mark_out_text").set_value("3")
    assert evaluating.run().at.button(key="add_mark").disabled
    assert evaluating.starting("It must not end before it starts.")
    evaluating.control("text_input", "mark_out_text").set_value("soon")
    assert evaluating.run().at.button(key="add_mark").disabled
    assert evaluating.starting("That is not a time.")
    evaluating.control("text_input", "mark_out_text").set_value("4.5")
    assert evaluating.run().holding("marks one frame")
    evaluating.press("add_mark")
    assert [(row["state"], row["start"], row["end"]) for row in rows(evaluating)] == [("one frame", 4.5, 4.5)]
    assert look_at(evaluating, "Measures").starting("##### No truth yet")  # a frame is no stretch


def test_marked_frames_fit_thresholds_of_their_own(evaluating: Page) -> None:
    detection = found(evaluating)
    curve, times = detection.smoothed[:, detection.scores.prompts.index("pizza")], detection.scores.times_s
    order = np.argsort(curve)
    for place, said in [*((p, "Not there") for p in order[:5]), *((p, "There") for p in order[-5:])]:
        mark(evaluating, "pizza", float(times[place]), float(times[place]), said)
    row = table(evaluating, "Fit thresholds").iloc[0]
    middle = (curve[order[4]] + curve[order[-5]]) / 2
    assert row["Threshold"] == pytest.approx(middle, abs=1e-6)
    assert row["From"] <= row["Threshold"] <= row["To"]
    assert (row["Yes"], row["No"], row["Wrong"]) == (5, 5, 0)
    evaluating.press("use_fit")
    assert evaluating.sidebar.own_thresholds == {"pizza": pytest.approx(middle, abs=1e-6)}
    go(evaluating, "investigate").indexed()
    assert evaluating.sidebar.own_thresholds == {"pizza": pytest.approx(middle, abs=1e-6)}


def test_a_fitted_threshold_is_set_by_hand_and_outlives_other_units(evaluating: Page) -> None:
    def choose_unit(unit: str) -> dict[str, float]:
        evaluating.control("selectbox", "unit").set_value(unit)
        return dict(evaluating.run().sidebar.own_thresholds)

    assert choose_unit("z") == {}
    for start_s, said in ((1.0, "There"), (2.0, "Not there")):
        mark(evaluating, "pizza", start_s, start_s, said)
    look_at(evaluating, "Fit thresholds").press("use_fit")
    fitted = dict(evaluating.sidebar.own_thresholds)
    assert list(fitted) == list(choose_unit("cosine")) == ["pizza"]
    assert choose_unit("z") == fitted


def test_marks_of_one_kind_give_no_threshold_to_use(evaluating: Page) -> None:
    mark(evaluating, "pizza", 1.0, 2.0, "There")
    assert look_at(evaluating, "Fit thresholds").at.button(key="use_fit").disabled
    assert evaluating.starting("Only yes is marked")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("prompt,start,end\na dog,x,7\n", "row 2: the start is x"),
        ("a,b\n1,2\n", "has no column prompt"),
        ("", "says nothing"),
        ('{"query": 1}\n', "truth"),
    ],
)
def test_what_is_no_truth_is_told_and_another_file_can_be_taken(evaluating: Page, content: str, said: str) -> None:
    upload(evaluating, content)
    assert any(said in error.value.replace("\\", "").replace("\u2060", "") for error in evaluating.at.error)
    assert evaluating.starting("##### No truth yet")
    upload(evaluating, "prompt,start,end\npizza,1,2\n")
    assert not evaluating.at.error
    assert table(evaluating).iloc[1]["Prompt"] == "pizza"
    look_at(evaluating, "Truth").press("forget_truth")
    assert evaluating.starting("##### No truth yet")


def test_what_does_not_fit_is_listed(evaluating: Page) -> None:
    rows = ["prompt,start,end,video", "pizza,1,2,wide.mp4", "pizza,8,99,", "a cat,1,2,", "pizza,1,2,other.mp4"]
    upload(evaluating, "\n".join(rows))
    warnings = evaluating.starting(":material/warning:")
    for said in ("of another video", "not judged here", "says nothing of", "cut there"):
        assert any(said in warning for warning in warnings), said


def test_a_truth_of_another_video_or_of_other_prompts_is_told(evaluating: Page) -> None:
    upload(evaluating, "prompt,start,end,video\npizza,1,2,other.mp4\n")
    assert "All of the truth is of another video" in evaluating.at.error[0].value
    evaluating.press("forget_truth")
    upload(evaluating, "prompt,start,end\na cat,1,2\n")
    assert "The truth judges nothing here" in evaluating.at.error[0].value


def test_without_prompts_or_a_video(evaluating: Page) -> None:
    evaluating.prompts("")
    assert evaluating.starting("##### No truth yet")
    assert not [button for button in evaluating.at.button if button.key == "add_mark"]


def test_a_file_is_the_truth_of_the_video_for_which_it_was_loaded_or_of_those_it_names(evaluating: Page) -> None:
    upload(evaluating, "prompt,start,end\npizza,1,2\n")
    name, truth, video_id = state_of(evaluating).truth_file
    assert (name, evaluating.starting("##### No truth yet")) == ("truth.csv", [])
    state_of(evaluating).truth_file = TruthFile(name, truth, "another video")
    assert evaluating.run().starting("##### No truth yet")
    state_of(evaluating).truth_file = TruthFile(name, truth, video_id)
    assert not evaluating.run().starting("##### No truth yet")
    upload(evaluating.press("forget_truth"), "prompt,start,end,video\npizza,1,2,wide.mp4\n")
    _, naming, _ = state_of(evaluating).truth_file
    state_of(evaluating).truth_file = TruthFile(name, naming, "another video")
    assert not evaluating.run().starting("##### No truth yet")
