"""A store in a bucket: what a rerun of the page asks the storage service."""

from __future__ import annotations

import pytest

from pages.shared import cache
from tests.support.s3_server import S3Server
from tests.support.world import Page, World


def test_a_rerun_reads_no_rows_again_and_asks_a_table_once_a_second(
    s3: S3Server, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "REMOTE_FRESH_S", 0.0)
    world.write(embeddings=f"s3://{s3.bucket()}/embeddings")
    page = Page().indexed().run()
    ranked = page.ranked
    with s3.asking() as asked:
        page.run()
    assert page.ranked == ranked
    assert asked.data == []  # neither vectors nor pictures
    assert asked.methods.keys() == {"GET"}
    world_store = cache.store(world.settings["embeddings"])
    world_store._tables.recent.fresh_s = 3600.0
    page.run()
    with s3.asking() as asked:
        page.run().run()
    assert page.ranked == ranked
    assert asked.all == []
