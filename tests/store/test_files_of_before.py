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
from clip_core.settings import Recipe, link, read_recipe, recipe_of_query, recipe_yaml
from clip_core.store import settings
from clip_core.store.store import EmbeddingStore, KeptSettings
from clip_core.store.tables import Tables
from tests.store.test_stored_settings import MODEL, OTHER, VIDEO
from tests.test_recipe import FULL

BEFORE = Path(__file__).parents[1] / "fixtures" / "before"
MIXED = Recipe(
    prompts=("a dog", "- a street"), thresholds={"a dog": 2}, threshold=3, unit="z", bank_share=95, smoothing_s=2,
    hysteresis=0, score_range=(0, 4), combinations=(("then", "a dog", "a cat", 2),),
)  # fmt: skip
"""Whole numbers where fractions may stand: they were written as they were given."""
RECIPES = {"full": FULL, "usual": Recipe(), "mixed": MIXED}


@pytest.mark.parametrize("name", RECIPES)
def test_a_settings_file_is_read_and_written_as_before(name: str) -> None:
    text = (BEFORE / f"settings_{name}.yaml").read_text(encoding="utf-8")
    assert read_recipe(text.encode()) == RECIPES[name]
    assert recipe_yaml(read_recipe(text.encode())) == text == recipe_yaml(RECIPES[name])


def test_links_are_read_and_written_as_before() -> None:
    for recipe, address in zip(RECIPES.values(), (BEFORE / "links.txt").read_text().split(), strict=True):
        assert recipe_of_query(parse_qs(urlsplit(address).query)) == recipe
        assert link("http://x/", recipe, {"video": "a.mp4"}) == address


def test_a_store_gives_the_settings_that_were_kept_in_it(tmp_path: Path) -> None:
    store = EmbeddingStore(shutil.copytree(BEFORE / "store", tmp_path / "store"))
    assert store.settings(VIDEO) == KeptSettings(FULL, MODEL)
    assert store.settings(OTHER) == KeptSettings(MIXED, MODEL)
    with Tables(store.location).reading(settings.SETTINGS) as table:
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
