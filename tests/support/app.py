"""What the tests of the page share."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from playwright.sync_api import sync_playwright
from streamlit.components.v2 import manifest_scanner

import clip_core.tasks
from clip_core.encoders.onnx import OnnxEncoder
from clip_core.types import Progress
from tests.support.bench import SIZE, Bench
from tests.support.browser import CHROMIUM_FLAGS, chromium_program
from tests.support.model_maker import make_clip
from tests.support.stage import Stage, staged
from tests.support.video_maker import VideoSpec, planted
from tests.support.world import WORLDS, Page, World

WIDE = (192, 108)
"""16:9: the viewer fills its frame with it, so that the bars stay where they are."""


@pytest.fixture(scope="session")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models and videos that the worlds are made of: written once."""
    folder = tmp_path_factory.mktemp("stock")
    make_clip(folder / "models" / "rnd", dim=16)
    make_clip(folder / "models" / "other", seed=5, dim=16)
    planted(folder, "wide", 300, VideoSpec(options={"g": "30", "sc_threshold": "0"}), size=WIDE)
    planted(folder, "short", 60, VideoSpec(options={"g": "30", "sc_threshold": "0"}), size=WIDE)
    planted(folder, "one", 1, VideoSpec(), size=WIDE)
    planted(folder, "portrait", 60, VideoSpec(options={"g": "30", "sc_threshold": "0"}), size=(108, 192))
    options = {"movflags": "+faststart"}  # the header comes first, so the first half still opens
    whole = planted(folder, "whole", 300, VideoSpec(options={"g": "30"}, container_options=options), size=WIDE)
    (folder / "damaged.mp4").write_bytes(whole.path.read_bytes()[: whole.path.stat().st_size // 2])
    return folder


@pytest.fixture(scope="session", autouse=True)
def components_scanned_once() -> Iterator[None]:
    """Each AppTest searches all installed packages for components, 0.1 s, and nothing is installed meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture(autouse=True)
def no_kept_settings() -> None:
    """Worlds that several tests share keep no settings from one test to the next."""
    for world in list(WORLDS):
        world.forget_settings()


def new_world(folder: Path, stock: Path) -> World:
    world = World(folder)
    world.take(stock / "wide.mp4")
    world.write(
        video_path="wide.mp4",
        CLIP=["a dog", "pizza", "a red car"],
        model="rnd",
        samples_per_second=5,
        smoothing_s=0.6,
        threshold=0.0,
        embeddings="embeddings",
        video_dirs=["."],
        model_dirs=[str(stock / "models")],
    )
    return world


@pytest.fixture
def world(tmp_path: Path, stock: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A fresh folder, and fresh caches of the process: stores, models, jobs."""
    _forget_caches()
    made = new_world(tmp_path, stock)
    monkeypatch.setenv("CLIP_VIDEO_CONFIG", str(made.config))
    yield made
    _forget_caches()


def _forget_caches() -> None:
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture
def page(world: World) -> Page:
    return Page()


@pytest.fixture
def ready(page: Page) -> Page:
    """The page with its video indexed to the end."""
    return page.indexed()


class Counted:
    """How many pictures and texts went through the model."""

    def __init__(self) -> None:
        self.pictures = self.texts = 0


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    """Count what the encoder is asked for."""
    count, images, texts = Counted(), OnnxEncoder.embed_images, OnnxEncoder.embed_texts

    def embed_images(self: OnnxEncoder, given: Any) -> Any:
        count.pictures += len(given)
        return images(self, given)

    def embed_texts(self: OnnxEncoder, given: Any) -> Any:
        count.texts += len(given)
        return texts(self, given)

    monkeypatch.setattr(OnnxEncoder, "embed_images", embed_images)
    monkeypatch.setattr(OnnxEncoder, "embed_texts", embed_texts)
    return count


class Gate:
    """Holds the indexing back: each report of progress waits until it is let through."""

    def __init__(self) -> None:
        self._turns = threading.Semaphore(0)

    def let(self, reports: int = 1) -> None:
        self._turns.release(reports)

    def open(self) -> None:
        self._turns.release(1_000_000)

    def wrap(self, index: Any) -> Any:
        def held(*args: Any, **named: Any) -> Iterator[Progress]:
            for progress in index(*args, **named):
                yield progress
                self._turns.acquire()

        return held


@pytest.fixture
def gate(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """Indexing stops after each report until ``gate.let()`` is called."""
    made = Gate()
    monkeypatch.setattr(clip_core.tasks, "index_source", made.wrap(clip_core.tasks.index_source))
    yield made
    made.open()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    program = chromium_program()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with staged() as made:
        yield made


@pytest.fixture(scope="module")
def bench_tab(stage: Stage, chromium: Any) -> Iterator[Bench]:
    context = chromium.new_context(viewport=SIZE)
    yield Bench(context.new_page(), stage)
    context.close()


@pytest.fixture
def bench(bench_tab: Bench) -> Iterator[Bench]:
    """The one tab of a file's tests, empty."""
    bench_tab.tab.mouse.move(1, 1)
    bench_tab.tab.evaluate("clear()")
    yield bench_tab
    assert bench_tab.errors == []
