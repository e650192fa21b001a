"""A format or a filter is a function and one row: menus, helps and checks are made from the table."""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from clip_core.__main__ import main
from clip_core.errors import SettingsError
from clip_core.export.formats import MOMENT_FORMATS, SCORE_FORMATS, Format, write_moments, write_scores
from clip_core.export.selection import select_from_one
from clip_core.export.source import Source
from clip_core.filters import FILTERS, Filter
from clip_core.scoring.smoothing import smooth
from clip_core.settings import UNITS, Settings, read_settings
from tests.support.curve_maker import scores_of


class Table(tuple[float, ...]):
    """As much of a table of times as the box asks for."""

    confirmed = True


OUTCOME = SimpleNamespace(record=SimpleNamespace(name="a film.mp4", video_id="1", table=Table()), rate_note="as it is")


def draw_files() -> None:
    from pages.regions.download import files
    from tests.export.test_one_row import OUTCOME

    files.draw_files(OUTCOME)  # type: ignore[arg-type]


def draw_filters() -> None:
    from pages.regions.sidebar.signal import choose_smoothing

    choose_smoothing()


def test_a_format_of_moments_is_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    row = Format("moments.count", "text/plain", "Count", lambda f: f"{len(f.moments)}", counts_frames=True)
    monkeypatch.setitem(MOMENT_FORMATS, "count", row)  # type: ignore[arg-type]
    film = Source("a film.mp4", "/films/a film.mp4", 640, 360, Fraction(25), 100.0)
    assert write_moments("count", select_from_one([], film)) == b"0"
    with pytest.raises(ValueError, match=r"qvhighlights, count$"):
        write_moments("xls", select_from_one([], film))
    page = AppTest.from_function(draw_files, default_timeout=60).run()
    assert {"moments_as_count": "Count"}.items() <= {b.key: b.label for b in page.get("download_button")}.items()
    assert any("Count" in caption.value and "as it is" in caption.value for caption in page.caption)


def test_a_format_of_scores_is_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    row = Format("scores.count", "text/plain", "Count", lambda scores, _: f"{len(scores)}")
    monkeypatch.setitem(SCORE_FORMATS, "count", row)  # type: ignore[arg-type]
    assert write_scores("count", scores_of([1.0, 2.0]), {}) == b"2"
    page = AppTest.from_function(draw_files, default_timeout=60).run()
    assert "scores_as_count" in {b.key for b in page.get("download_button")}


def test_a_filter_is_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FILTERS, "double", Filter("twice as high", lambda rows, window: rows * 2))  # type: ignore[arg-type]
    assert read_settings(b"smoothing: double").smoothing == Settings(smoothing="double").smoothing == "double"
    with pytest.raises(SettingsError, match="triple"):
        Settings(smoothing="triple")
    scores = scores_of([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(smooth(scores, 1.0, "double"), scores.values * 2)
    page = AppTest.from_function(draw_filters, default_timeout=60).run()
    assert page.selectbox[0].options[-1] == "twice as high"


def test_the_help_of_the_command_line_has_every_row(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["moments", "--help"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert ", ".join(MOMENT_FORMATS) in told
    for names in (list(FILTERS), list(UNITS)):
        assert f"{', '.join(names[:-1])} or {names[-1]}" in told
