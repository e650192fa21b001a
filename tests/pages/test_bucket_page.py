"""A video in a bucket is shown by what is stored of it, and as any other once it was fetched."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from obstore.store import S3Store

from clip_core.config import load_config
from clip_core.encoders.registry import load_encoder
from clip_core.indexing.index_source import index_source
from clip_core.store.store import EmbeddingStore
from pages.shared import cache
from pages.shared.access import READ_ONLY, READ_ONLY_VARIABLE
from tests.pages.test_library_page import forget, go, rows, tick
from tests.support.s3_server import S3Server
from tests.support.world import Page, World


@pytest.fixture
def copy(s3: S3Server, world: World) -> Path:
    """Where the copy will lie of the world's video, which is in a bucket and indexed there, and no more here."""
    config, bucket = load_config(world.config), s3.bucket()
    content = world.video.read_bytes()
    S3Store(bucket).put("day 1/far.mp4", content)
    store, encoder = EmbeddingStore(config.embeddings), load_encoder(config.model, config)
    list(index_source(f"s3://{bucket}/day 1/far.mp4", encoder, store, samples_per_second=5.0))
    world.video.unlink()
    world.write(video_path=None)
    return world.folder / "fetched" / f"{hashlib.sha256(content).hexdigest()}.mp4"


def opened() -> Page:
    """The page Investigate with the only video of the library."""
    page = Page().run()
    go(page, "library")
    tick(page, 0).press("library_open")
    return go(page, "investigate")


def pictures(page: Page) -> str:
    return "".join(str(image.proto) for image in (*page.at.get("image"), *page.at.get("imgs")))


def test_it_is_shown_by_its_stored_pictures_then_fetched_then_deleted(copy: Path, world: World) -> None:
    page = opened()
    assert page.samples == 50
    assert page.starting("In a bucket: s3")
    assert page.starting(":material/cloud: 50 samples indexed · 5/s · in a bucket")
    assert not page.at.error
    assert not page.at.warning
    before = pictures(page)
    page.slide("frame", 60)
    assert "data:image/jpeg;base64," in pictures(page) != before
    assert page.at.button(key="clips_make").disabled

    page.press("fetch_video").until(lambda: not page.starting("In a bucket"))
    assert copy.is_file()
    assert page.samples == 50
    assert page.starting(":material/check: 50 samples indexed")
    assert not page.at.error
    (record,) = EmbeddingStore(load_config(world.config).embeddings).videos()
    assert (record.path[:5], record.name) == ("s3://", "far.mp4")

    go(page, "library")
    assert page.holding("fetched videos")
    assert [(row["Video"], row["State"]) for row in rows(page)] == [("far.mp4", "indexed")]
    page.press("library_unfetch")
    assert not copy.exists()
    assert "library_unfetch" not in [button.key for button in page.at.button]
    go(page, "investigate")
    assert page.starting("In a bucket: s3")


def test_it_is_not_offline_and_is_forgotten_with_its_copy(copy: Path) -> None:
    page = opened()
    page.press("fetch_video").until(copy.is_file)
    go(page, "library")
    page.at.selectbox(key=page.key_of("library_show")).set_value("Offline")
    assert page.run().starting("No video is like that.")
    page.at.selectbox(key=page.key_of("library_show")).set_value("All")
    page.run()
    forget(page).press("forget_yes")
    assert not copy.exists()


def test_it_is_indexed_more_densely_from_the_library(copy: Path, world: World) -> None:
    page = opened()
    go(page, "library")
    page.at.selectbox(key=page.key_of("library_rate")).set_value("10")
    tick(page, 0).press("library_index")
    page.until(lambda: [view.state for view in cache.index_queue().views()] == ["done"])
    (view,) = cache.index_queue().views()
    assert view.key[0].endswith("/day 1/far.mp4")
    assert rows(page)[0]["Models"] == "rnd: 100 frames, 10/s"
    assert not copy.exists()
    assert EmbeddingStore(load_config(world.config).embeddings).videos()[0].path == view.key[0]


def test_what_cannot_be_fetched_is_told_and_offered_again(copy: Path, s3: S3Server) -> None:
    page = opened()
    s3.refusal = ("403 Forbidden", "AccessDenied")
    page.press("fetch_video").until(lambda: bool(page.at.error))
    assert "refuses access to s3" in page.at.error[0].value
    s3.refusal = None
    page.press("fetch_video").until(copy.is_file)


def test_a_read_only_server_fetches_nothing(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(READ_ONLY_VARIABLE, "1")
    page = opened()
    assert page.samples == 50
    assert page.starting(f"{READ_ONLY} No video is fetched.")
    assert "fetch_video" not in [button.key for button in page.at.button]
