"""Who writes what into the session while pages are used: each region its own values, and nobody else's."""

from __future__ import annotations

import dataclasses
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.runtime.state.session_state_proxy import SessionStateProxy

from clip_core.settings import Settings, settings_yaml
from tests.pages.test_evaluate_page import found, look_at, truth_of, upload
from tests.pages.test_library_page import go
from tests.support.world import Page

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "pages"
SESSION = PAGES / "shared" / "session.py"
CONTROLS = PAGES / "shared" / "widgets.py"
"""``bound`` writes the field that the module names which draws the control."""


def writer() -> Path | None:
    """The module of the product that writes, two calls further out than this one; None for anything else."""
    path = Path(sys._getframe(2).f_code.co_filename)
    return path if path.is_relative_to(PAGES) or path == ROOT / "app.py" else None


def kinds() -> list[type[Any]]:
    """The dataclasses of all regions."""
    modules = [module for name, module in sys.modules.items() if name.startswith("pages.")]
    every = {value for module in modules for name, value in vars(module).items() if name.endswith("State")}
    return [kind for kind in every if isinstance(kind, type) and dataclasses.is_dataclass(kind)]


def owner(kind: type) -> Path:
    """The folder of a region, or the module, that owns a kind of state."""
    module = Path(str(sys.modules[kind.__module__].__file__))
    return module.parent if module.parent.parent.name == "regions" else module


@dataclasses.dataclass
class Log:
    """Kind and field → the modules that set it; session key → the same."""

    fields: dict[tuple[type, str], set[Path]] = dataclasses.field(default_factory=lambda: defaultdict(set))
    keys: dict[str, set[Path]] = dataclasses.field(default_factory=lambda: defaultdict(set))

    def watch(self, patch: pytest.MonkeyPatch) -> None:
        for kind in kinds():
            patch.setattr(kind, "__setattr__", self._watched(kind))
        for method in ("__setitem__", "__setattr__", "__delitem__", "__delattr__"):
            patch.setattr(SessionStateProxy, method, self._watched_key(getattr(SessionStateProxy, method)))

    def _watched(self, kind: type) -> Any:
        def set_field(state: object, name: str, value: object) -> None:
            if (path := writer()) is not None and path != CONTROLS:
                self.fields[kind, name].add(path)
            object.__setattr__(state, name, value)

        return set_field

    def _watched_key(self, method: Any) -> Any:
        def write(state: object, key: str, *value: object) -> None:
            if (path := writer()) is not None:
                self.keys[key].add(path)
            method(state, key, *value)

        return write


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch, ready: Page) -> Iterator[Log]:
    """What is written from now on; ``ready`` has loaded the modules of all pages but those that a visit loads."""
    for page in ("evaluate", "compare", "library", "investigate"):
        go(ready, page)
    watched = Log()
    with monkeypatch.context() as patch:
        watched.watch(patch)
        yield watched


def use_investigate(page: Page) -> None:
    page.prompts("a dog", "- a street", "pizza")
    page.control("selectbox", "unit").set_value("z")
    page.run()
    page.control("segmented_control", "threshold_mode").set_value("One for all")
    page.run()
    page.slide("threshold", 1.0)
    page.slide("smoothing", 1.5)
    page.click_chart(2.0)
    page.press("play")
    page.press("play")
    page.sidebar.loaded_settings = settings_yaml(Settings(prompts=("a tree",), threshold=0.1)).encode()
    page.run()
    page.press("start_over")
    page.press("start_over_yes")


def use_evaluate(page: Page) -> None:
    go(page, "evaluate")
    upload(page, truth_of(found(page).moments))
    look_at(page, "Sweep").press("sweep").run()
    page.press("use_sweep")


def test_each_region_writes_its_own_values_and_nobody_elses(log: Log, ready: Page) -> None:
    use_investigate(ready)
    use_evaluate(ready)
    go(ready, "compare")
    go(ready, "library")
    written = {kind.__name__ for kind, _ in log.fields}
    assert {"SidebarState", "ViewerState", "ChartState", "MomentsState", "EvaluationState", "OpeningState"} <= written
    foreign = {
        f"{kind.__name__}.{name}": sorted(str(path.relative_to(ROOT)) for path in paths)
        for (kind, name), paths in log.fields.items()
        if not all(path.is_relative_to(owner(kind)) for path in paths)
    }
    assert foreign == {}


def test_no_session_key_is_written_by_two_modules(log: Log, ready: Page) -> None:
    use_investigate(ready)
    use_evaluate(ready)
    assert "frame" in log.keys  # the frame slider follows a click on the chart
    shared = {key: sorted(path.name for path in paths) for key, paths in log.keys.items() if len(paths) > 1}
    assert shared == {}
    states = {kind.__name__ for kind in kinds()}
    assert {path for key, paths in log.keys.items() if key in states for path in paths} <= {SESSION}
