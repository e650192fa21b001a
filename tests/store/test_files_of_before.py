"""Settings files, links, a store and a config that an older version wrote: read as then, and written as then."""

from __future__ import annotations

import json
import shutil
from dataclasses import fields
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from clip_core.config import load_config
from clip_core.settings import Settings, link, read_settings, settings_of_query, settings_yaml
from clip_core.store import video_settings
from clip_core.store.store import EmbeddingStore
from clip_core.store.tables import Tables
from clip_core.store.video_settings import StoredSettings
from tests.store.test_stored_settings import MODEL, OTHER, VIDEO
from tests.test_settings import FULL

BEFORE = Path(__file__).parents[1] / "fixtures" / "before"
MIXED = Settings(
    prompts=("a dog", "- a street"), thresholds={"a dog": 2}, threshold=3, unit="z", bank_share=95, smoothing_s=2,
    hysteresis=0, score_range=(0, 4), combinations=(("then", "a dog", "a cat", 2),),
)  # fmt: skip
"""Whole numbers where fractions may stand: they were written as they were given."""
SETTINGS = {"full": FULL, "usual": Settings(), "mixed": MIXED}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_settings_file_is_read_and_written_as_before(name: str) -> None:
    text = (BEFORE / f"settings_{name}.yaml").read_text(encoding="utf-8")
    assert read_settings(text.encode()) == SETTINGS[name]
    assert settings_yaml(read_settings(text.encode())) == text == settings_yaml(SETTINGS[name])


def test_links_are_read_and_written_as_before() -> None:
    for settings, address in zip(SETTINGS.values(), (BEFORE / "links.txt").read_text().split(), strict=True):
        assert settings_of_query(parse_qs(urlsplit(address).query)) == settings
        assert link("http://x/", settings, {"video": "a.mp4"}) == address


def test_a_store_gives_the_settings_that_were_kept_in_it(tmp_path: Path) -> None:
    store = EmbeddingStore(shutil.copytree(BEFORE / "store", tmp_path / "store"))
    assert store.settings(VIDEO) == StoredSettings(FULL, MODEL)
    assert store.settings(OTHER) == StoredSettings(MIXED, MODEL)
    with Tables(store.location).reading(video_settings.SETTINGS) as table:
        assert table is not None
        kept = {row["video"]: row["recipe"] for row in table.rows(("video", "recipe"), "true").to_pylist()}
    assert kept == {VIDEO: json.dumps(FULL.as_mapping()), OTHER: json.dumps(MIXED.as_mapping())}


def test_a_config_is_read_as_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROBOFLOW_API_KEY", "of-the-environment")
    config = load_config(shutil.copy(BEFORE / "config.yaml", tmp_path))
    base = str(tmp_path.resolve())

    def plain(value: Any) -> Any:
        if isinstance(value, tuple):
            return [plain(item) for item in value]
        return str(value).replace(base, "BASE") if isinstance(value, str | Path) else value

    read = {f.name: plain(getattr(config, f.name)) for f in fields(config) if f.name != "source"}
    assert read == json.loads((BEFORE / "config.read.json").read_text())
    assert "rf-SECRET" not in repr(config)
