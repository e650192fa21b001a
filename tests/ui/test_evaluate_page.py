"""The page Evaluate: a planted truth is judged, swept and fitted, and what comes out is what must."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from clip_core.recipe import Recipe
from clip_core.scoring.findings import find
from tests.ui.test_library_page import go
from tests.ui.world import Page


@pytest.fixture
def evaluating(ready: Page) -> Page:
    return go(ready, "evaluate")


def recipe_of(page: Page) -> Recipe:
    """The settings of the world: the config's cosine."""
    prompts = tuple(page.at.session_state["prompts"].splitlines())
    return Recipe(prompts=prompts, unit="cosine", threshold=0.0, bank_share=0, smoothing_s=0.6)


def found(page: Page, **changes: Any) -> Any:
    """What the settings find, by the page's own evidence."""
    recipe = replace(recipe_of(page), **changes)
    return find(recipe, page.at.session_state["analysis"].evidence(recipe))


def upload(page: Page, content: str, name: str = "truth.csv") -> Page:
    number = page.at.session_state["truth_number"]
    page.at.file_uploader(key=f"truth_upload_{number}").upload(name, content.encode(), "text/csv")
    return page.run()


def truth_of(moments: Any) -> str:
    rows = [f"{m.prompt},{m.start_s:.6f},{m.end_s:.6f}" for m in moments]
    return "\n".join(["prompt,start,end", *rows]) + "\n"


def table(page: Page, column: str = "R1@0.5") -> Any:
    """The table that has this column."""
    return next(frame.value for frame in page.at.dataframe if column in frame.value)


def figure(page: Page, key: str) -> Any:
    chart = next(c for c in page.at.get("plotly_chart") if key in c.proto.id)
    return json.loads(chart.proto.spec)


def test_it_begins_without_a_truth(evaluating: Page) -> None:
    assert evaluating.starting("##### No truth yet")
    assert evaluating.starting("Mark about 10 frames")
    assert not evaluating.at.get("plotly_chart")


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
    assert (first["R1@0.5"], first["R1@0.7"], first["Onset median"], first["Onset mean"]) == pytest.approx(
        (100, 100, 0, 0)
    )


def test_a_threshold_moves_the_table(evaluating: Page) -> None:
    higher = found(evaluating, threshold=0.1).moments
    upload(evaluating, truth_of(found(evaluating).moments))
    evaluating.slide("threshold", 0.1)
    assert table(evaluating).iloc[0]["Found"] == len(higher)
