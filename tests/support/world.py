"""A small world for the page: a folder with a config, a random model, numbered videos and a store."""

from __future__ import annotations

import html
import json
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from weakref import WeakSet

import yaml
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.testing.v1 import AppTest

from clip_core.analysis.analyse import Analysis
from clip_core.store.store import EmbeddingStore
from pages.regions.chart.curves import ChartState
from pages.regions.sidebar.state import SidebarState

APP = Path(__file__).parents[2] / "app.py"
PATIENCE_S = 60.0
WORLDS: WeakSet[World] = WeakSet()
"""All that are in use, so that what one test leaves in a world that tests share does not meet the next."""


def seconds(text: str) -> float:
    """A time of a table, such as "0:03.500", in seconds."""
    found = 0.0
    for part in text.split(":"):
        found = 60 * found + float(part)
    return found


@dataclass(eq=False)
class World:
    """A folder of its own for one test; ``settings`` are what config.yaml says."""

    folder: Path
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        WORLDS.add(self)

    def forget_settings(self) -> None:
        """Every video is opened as if nobody had changed its settings before."""
        place = self.folder / str(self.settings.get("embeddings", "embeddings"))
        if (place / "settings.lance").is_dir():
            store = EmbeddingStore(place)
            for video in store.videos():
                store.drop_settings(video.video_id)

    @property
    def config(self) -> Path:
        return self.folder / "config.yaml"

    @property
    def video(self) -> Path:
        return self.folder / self.settings["video_path"]

    def write(self, **changes: Any) -> Path:
        """Change settings (None removes one) and write config.yaml."""
        self.settings = {k: v for k, v in (self.settings | changes).items() if v is not None}
        self.config.write_text(yaml.safe_dump(self.settings, allow_unicode=True), encoding="utf-8")
        return self.config

    def take(self, video: Path, name: str = "") -> Path:
        """Copy a video into the folder."""
        return Path(shutil.copy(video, self.folder / (name or video.name)))


class Page:
    """The page Investigate as one visitor sees it, without a browser; ``watch`` is "Player" or "Frames"."""

    def __init__(self, watch: str = "Frames") -> None:
        self.at = AppTest.from_file(str(APP), default_timeout=PATIENCE_S)
        self.at.session_state["watch"] = watch

    def run(self) -> Page:
        self.at.run()
        return self.sound()

    def sound(self) -> Page:
        """No traceback, ever."""
        assert [e.message for e in self.at.exception] == []
        return self

    def run_twice(self) -> Page:
        """Run, and once more with the same values: a message that the browser sent before it drew the answer."""
        sent = self.at._tree.get_widget_states().widgets
        self.run()
        self.at._run(WidgetStates(widgets=[w for w in sent if w.WhichOneof("value") != "trigger_value"]))
        return self.sound()

    def until(self, what: Callable[[], bool]) -> Page:
        """Run the page again, as its fragment does, until something holds."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            self.run()
            if what():
                return self
            assert time.monotonic() < deadline, f"nothing new: {self.texts}"
            time.sleep(0.05)

    def indexed(self) -> Page:
        """Run until nothing is being indexed any more."""
        return self.until(lambda: not self.at.get("progress") and self.has_scores)

    @property
    def chart_state(self) -> ChartState:
        state: ChartState = self.at.session_state["ChartState"]
        return state

    @property
    def has_scores(self) -> bool:
        """Whether a video has been scored in this session."""
        return "ChartState" in self.at.session_state and self.chart_state.analysis is not None

    @property
    def analysis(self) -> Analysis:
        """What the page knows of the scores of its video."""
        assert self.chart_state.analysis is not None
        return self.chart_state.analysis

    @property
    def texts(self) -> list[str]:
        at = self.at
        lists = (at.markdown, at.caption, at.error, at.warning)
        return [element.value for elements in lists for element in elements]

    @property
    def html(self) -> str:
        return "".join(element.proto.body for element in self.at.get("html"))

    @property
    def ranked(self) -> list[str]:
        """The prompts of the ranking, from above."""
        return [html.unescape(prompt) for prompt in re.findall(r'<div data-prompt="([^"]*)"', self.html)]

    @property
    def chips(self) -> dict[str, tuple[str, str]]:
        """Prompt → verdict and reason, in the order of the chips."""
        found = re.findall(r'data-verdict="([^"]*)" data-prompt="([^"]*)" title="([^"]*)"', self.html)
        return {html.unescape(prompt): (kind, html.unescape(title)) for kind, prompt, title in found}

    @property
    def verdicts(self) -> dict[str, str]:
        """Prompt → verdict."""
        return {prompt: kind for prompt, (kind, _) in self.chips.items()}

    @property
    def sidebar(self) -> SidebarState:
        """The sidebar's state in this session."""
        if SidebarState.__name__ not in self.at.session_state:
            self.at.session_state[SidebarState.__name__] = SidebarState()
        state: SidebarState = self.at.session_state[SidebarState.__name__]
        return state

    @property
    def frame(self) -> int:
        return int(self.at.slider(key="frame").value)

    @property
    def cells(self) -> int:
        return int(self.analysis.similarities.computed_cells)

    @property
    def samples(self) -> int:
        return len(self.analysis.similarities)

    @property
    def flag_pills(self) -> Any:
        """The pills under Flag."""
        return self.control("pills", "flagged")

    @property
    def moments_key(self) -> str:
        """The key of the table of moments, which changes with the list."""
        return str(self.at.session_state["MomentsState"].table_key)

    @property
    def extremes_key(self) -> str:
        """The key of the list of best or worst frames."""
        return next(frame.key for frame in self.at.dataframe if (frame.key or "").startswith("extremes_"))

    def key_of(self, name: str) -> str:
        """The key of a control, which changes when the server sets its value."""
        state = self.at.session_state
        drawn = state["WidgetState"].drawn if "WidgetState" in state else {}
        return f"{name}-{drawn[name][0]}" if name in drawn else name

    def control(self, kind: str, name: str) -> Any:
        """A control of the page, such as ``control("slider", "threshold")``."""
        return getattr(self.at, kind)(key=self.key_of(name))

    def press(self, key: str) -> Page:
        self.at.button(key=key).click()
        return self.run()

    def click_chart(self, x: object) -> Page:
        self.at.session_state["chart"] = json.dumps([{"x": x, "y": 0.1, "curveNumber": 1, "pointNumber": 1}])
        return self.run()

    def click_row(self, table: str, row: int, column: str) -> Page:
        cells = [(row, column)]
        self.at.session_state[table] = {"selection": {"rows": [], "columns": [], "cells": cells}}
        return self.run()

    def prompts(self, *lines: str) -> Page:
        self.control("text_area", "prompts").set_value("\n".join(lines))
        return self.run()

    def slide(self, key: str, value: object) -> Page:
        self.control("slider", key).set_value(value)
        return self.run()

    def starting(self, text: str) -> list[str]:
        return [t for t in self.texts if t.startswith(text)]

    def holding(self, text: str) -> list[str]:
        return [t for t in self.texts if text in t]
