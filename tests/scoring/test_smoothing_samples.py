"""Smoothing in samples: kept as it was given, through files, links and the command line, at any rate."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

import click
import numpy as np
import pytest

from clip_core.cli.moments import run_moments
from clip_core.cli.scoring import settings_for
from clip_core.config import Config
from clip_core.errors import SettingsError
from clip_core.scoring.smoothing import smooth_as, width_s
from clip_core.settings import Settings, link, read_settings, settings_of_query, settings_yaml
from tests.support.curve_maker import scores_of

FIVE = Settings(prompts=("a dog",), unit="cosine", threshold=0.2, smoothing_samples=5)


@pytest.mark.parametrize("step_s", [1 / 30, 0.2, 2.0])
def test_five_samples_are_the_mean_of_five_neighbours_at_any_rate(step_s: float) -> None:
    """As the first tool's example averages five frames."""
    values = np.random.default_rng(1).normal(size=(60, 2))
    smoothed = smooth_as(FIVE, scores_of(values, step_s=step_s), None)
    wanted = np.stack([np.convolve(column, np.ones(5) / 5, mode="valid") for column in values.T], axis=1)
    np.testing.assert_allclose(smoothed[3:-3], wanted[1:-1], atol=2e-6)  # the first sample stands for half a step


def test_seconds_count_where_no_number_of_samples_was_given() -> None:
    times_s = np.arange(10) * 0.2
    assert width_s(replace(FIVE, smoothing_samples=None, smoothing_s=0.7), times_s) == 0.7
    assert width_s(FIVE, times_s) == pytest.approx(1.0)
    assert width_s(FIVE, times_s * 3) == pytest.approx(3.0)
    assert width_s(FIVE, times_s[:1]) == 0.0
    scores = scores_of(np.ones((4, 1)))
    assert smooth_as(replace(FIVE, smoothing_samples=0), scores, None) is scores.values


def test_files_and_links_keep_it_and_old_ones_still_mean_seconds() -> None:
    assert read_settings(settings_yaml(FIVE).encode()) == FIVE
    query = parse_qs(link("http://x/", FIVE, {}).partition("?")[2])
    assert query["smoothing_samples"] == ["5"]
    assert settings_of_query(query) == FIVE
    old = read_settings(b"unit: cosine\nconfidence: 0.95\nsmoothing_s: 0.6\n")
    assert (old.smoothing_s, old.smoothing_samples) == (0.6, None)
    linked = settings_of_query({"unit": ["z"], "confidence": ["0.95"], "smoothing_s": ["2"]})
    assert linked is not None
    assert (linked.smoothing_s, linked.smoothing_samples) == (2, None)
    assert "smoothing_samples" not in link("http://x/", Settings(prompts=("a dog",)), {})


@pytest.mark.parametrize("wrong", [-1, 2.5, True, "5", 10**7, [5]])
def test_what_is_no_number_of_samples_is_refused(wrong: Any) -> None:
    with pytest.raises(SettingsError, match="smoothing_samples"):
        Settings(smoothing_samples=wrong)


def given(*words: str) -> Settings:
    with run_moments.make_context("moments", ["film.mp4", "--prompt", "a dog", *words]) as context:
        return settings_for(context.obj, Config(smoothing_s=0.6))


def test_the_command_line(tmp_path: Any) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(settings_yaml(FIVE), encoding="utf-8")
    assert given("--smoothing-samples", "5").smoothing_samples == 5
    assert (given().smoothing_s, given().smoothing_samples) == (0.6, None)
    assert given("--settings", str(file)).smoothing_samples == 5
    seconds = given("--settings", str(file), "--smoothing", "2")
    assert (seconds.smoothing_s, seconds.smoothing_samples) == (2.0, None)
    for words in (["--smoothing", "1", "--smoothing-samples", "5"], ["--smoothing-samples", "2.5"]):
        with pytest.raises(click.UsageError) as refused:
            given(*words)
        assert "--smoothing-samples" in refused.value.format_message()
