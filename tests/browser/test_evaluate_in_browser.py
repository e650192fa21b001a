"""Evaluate in a real Chromium: marks while watching, rows that lead to their places, the file, and one window."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.test_within_reach import assert_in_reach
from tests.support.app import new_world
from tests.support.browser import FIRST_MS, control, served, wait_until
from tests.support.player import PlayerVisitor

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

FPS = 30
SIZE = {"width": 1366, "height": 768}
RECORD = """() => { window.pressed = []
  const clock = document[Symbol.for('clip-video-investigator.clocks')].get('main')
  const marked = ({detail: {what}}) => what.startsWith('mark') && pressed.push([what, clock.frame])
  clock.addEventListener('ask', marked) }"""
"""From now on: what is marked, and the frame that is on the screen then."""
RANGE = """() => { const axis = document.querySelector('.cvi-plot')._fullLayout.xaxis
  return axis.range.map((end) => axis.r2l(end) / 1000) }"""
HEAD = "() => !document.querySelector('.cvi-playhead').hidden"
CUT = """() => [...document.querySelectorAll('[data-testid=stMain] button, [data-testid=stMain] .cvi-go span')]
  .filter((e) => e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 1).map((e) => e.innerText || e.className)"""
ROW_TEXTS = "() => [...document.querySelectorAll('.cvi-list li')].map((row) => row.innerText.split('\\n'))"
VIEWS = {
    "Measures": "[data-testid=stDataFrame]",
    "Precision and recall": ".st-key-recall_chart",
    "Sweep": ".st-key-sweep",
    "Fit thresholds": "p:has-text('Mark about 10 frames')",
    "Truth": ".cvi-list li",
}
"""What stands in each."""
TRUTH = """prompt,start,end
a dog,1,2
pizza,8.5,9
a red car,4.033333,4.1
"""


class Judge(PlayerVisitor):
    """A visitor of Evaluate."""

    def begin(self) -> None:
        self.open()
        self.tab.locator(".st-key-status", has_text="indexed").wait_for(timeout=FIRST_MS)
        self.settle()
        self.tab.get_by_role("link", name="Evaluate").first.click()
        self.tab.locator(".st-key-mark_bar").wait_for()
        self.tab.locator(".cvi-transport").wait_for()
        self.settle()
        wait_until(lambda: self.drawn() == 0, what="the first frame")

    def load(self, path: Path, rows: int) -> None:
        """Load a file of truth, and wait for so many rows at least."""
        inside = self.tab.locator(".st-key-evaluate_body input[type=file]")
        inside.set_input_files(str(path))
        wait_until(lambda: len(self.rows()) >= rows, what=f"{rows} rows")
        self.settle()

    def rows(self) -> list[list[str]]:
        return [row for row in self.tab.evaluate(ROW_TEXTS) if row]

    def row(self, prompt: str, said: str) -> Any:
        return self.tab.locator(".cvi-list li", has_text=prompt).filter(has_text=said).first

    def to(self, frame: int) -> None:
        """Go to a frame by the keyboard's arrows, from where it stands near by."""
        self.screen.focus()
        while self.presented != frame:
            before = self.presented
            self.tab.keyboard.press("ArrowRight" if before < frame else "ArrowLeft")
            wait_until(lambda: self.presented != before, what="a step")  # noqa: B023

    def view(self, name: str) -> None:
        self.tab.locator(".st-key-evaluate_view button", has_text=name).click()
        self.tab.locator(f".st-key-evaluate_body {VIEWS[name]}").first.wait_for()
        self.settle()

    def range(self) -> list[float]:
        return list(self.tab.evaluate(RANGE))


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, stock: Path) -> Iterator[str]:
    world = new_world(tmp_path_factory.mktemp("evaluate"), stock)
    world.write(threshold=0.0)  # so that there are moments of a model that knows nothing
    with served(world) as found:
        yield found


@pytest.fixture
def judge(chromium: Any, address: str) -> Iterator[Judge]:
    context = chromium.new_context(viewport=SIZE, color_scheme="light", accept_downloads=True)
    made = Judge(context.new_page(), address)
    made.begin()
    yield made
    assert made.errors == []
    assert made.outside() == []
    context.close()


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    path = tmp_path / "truth.csv"
    path.write_text(TRUTH, encoding="utf-8")
    return path


def test_i_and_o_mark_the_frames_that_are_seen_while_it_plays(judge: Judge) -> None:
    tab = judge.tab
    tab.evaluate(RECORD)
    tab.locator(".cvi-speed").select_option("0.25")
    judge.screen.focus()
    tab.keyboard.press("Space")
    wait_until(lambda: judge.presented > 3, what="playing")
    tab.keyboard.press("i")
    started = judge.presented
    wait_until(lambda: judge.presented > started + 12, what="playing on")
    tab.evaluate("document.activeElement.blur()")  # the keys are heard wherever nobody types
    tab.keyboard.press("o")
    wait_until(lambda: judge.rows() != [] and judge.rows()[0][-1] == "×", what="the mark")
    assert judge.playing
    (start, first), (end, last) = tab.evaluate("pressed")
    assert (start, end) == ("mark_in", "mark_out")
    assert 3 < first < last
    texts = [f"0:{frame / FPS:06.3f}" for frame in (first, last)]
    assert any(f"{texts[0]} – {texts[1]}" in row for row in judge.rows())
    assert any("a dog" in row and "×" in row for row in judge.rows())


def test_who_types_marks_nothing_and_a_cross_or_undo_takes_a_mark_back(judge: Judge) -> None:
    tab = judge.tab
    tab.evaluate(RECORD)
    box = tab.locator(f"{control('mark_in_text')} input")
    box.fill("io")
    box.press("i")
    box.press("Enter")
    tab.get_by_text("That is not a time.").wait_for()
    assert tab.evaluate("pressed") == []
    box.fill("0:02")
    box.press("Enter")
    tab.locator(f"{control('mark_out_text')} input").fill("3.5")
    tab.locator(f"{control('mark_out_text')} input").press("Enter")
    tab.locator(".st-key-add_mark button:enabled:visible").first.click()
    judge.row("a dog", "0:02.000 – 0:03.500").wait_for()
    judge.row("a dog", "0:02.000 – 0:03.500").locator(".cvi-drop").click()
    judge.row("a dog", "0:02.000 – 0:03.500").wait_for(state="detached")
    tab.locator(".st-key-undo_mark button:enabled:visible").first.click()
    judge.row("a dog", "0:02.000 – 0:03.500").wait_for()


def test_a_missed_row_leads_player_and_chart_to_its_place(judge: Judge, truth: Path) -> None:
    tab = judge.tab
    judge.load(truth, 3)
    box = tab.locator(".cvi-plot .nsewdrag").first.bounding_box()
    assert box is not None
    tab.mouse.move(box["x"] + 0.02 * box["width"], box["y"] + 40)
    tab.mouse.down()
    for share in (0.1, 0.15, 0.2):
        tab.mouse.move(box["x"] + share * box["width"], box["y"] + 40)
    tab.mouse.up()
    wait_until(lambda: judge.range()[1] < 3, what="zoomed in on the first seconds")
    low, high = judge.range()
    for _ in range(2):  # a row that was pressed before leads there again
        judge.row("a red car", "0:04.033").locator(".cvi-go").click()
        wait_until(lambda: judge.drawn() == 121, what=f"frame 121 and not {judge.drawn()}")
        wait_until(lambda: judge.range()[0] <= 121 / FPS <= judge.range()[1], what=f"{judge.range()}")
        assert judge.range()[1] - judge.range()[0] == pytest.approx(high - low, rel=0.01)
        assert tab.evaluate(HEAD)
        judge.to(119)
    said = judge.row("a red car", "0:04.033").locator(".cvi-said").inner_text()
    assert said in ("missed", "matched")
    judge.row("pizza", "0:08.500").locator(".cvi-go").click()
    wait_until(lambda: judge.drawn() == 255, what="the other row's frame")
    wait_until(lambda: judge.range()[0] <= 8.5 and judge.range()[1] >= 9, what="the other row's stretch")


def test_what_is_saved_is_what_compare_with_a_file_and_the_page_itself_take(
    judge: Judge, truth: Path, tmp_path: Path
) -> None:
    tab = judge.tab
    judge.load(truth, 3)
    judge.to(6)
    tab.keyboard.press("i")
    judge.to(12)
    tab.keyboard.press("o")
    judge.row("a dog", "0:00.200 – 0:00.400").wait_for()
    judge.settle()
    with tab.expect_download() as given:
        tab.locator(".st-key-truth_csv button:visible").first.click()
    assert given.value.suggested_filename == "wide_truth.csv"
    saved = tmp_path / "wide_truth.csv"
    given.value.save_as(saved)
    assert "a dog,0.200000,0.400000" in saved.read_text(encoding="utf-8")
    before = [row for row in judge.rows() if "false" not in row]
    tab.locator(".st-key-forget_truth button:visible").first.click()
    tab.locator(".st-key-forget_truth").first.wait_for(state="detached")
    judge.settle()
    judge.row("a dog", "0:00.200").locator(".cvi-drop").click()
    tab.get_by_text("No truth yet").first.wait_for()
    judge.load(saved, 4)
    assert [row[:3] for row in judge.rows() if "false" not in row] == [row[:3] for row in before]
    tab.get_by_role("link", name="Investigate").first.click()
    tab.locator(".st-key-settings_box button").first.click()
    tab.locator(".st-key-compare_file input[type=file]").set_input_files(str(saved))
    tab.get_by_text("4 moments: mean IoU").wait_for()


@pytest.mark.parametrize(
    ("theme", "sizes"), [("light", [(1920, 1080), (1440, 900), (1366, 768)]), ("dark", [(1366, 768)])]
)
def test_everything_is_in_one_window_and_nothing_is_cut_or_covered(
    judge: Judge, tmp_path: Path, theme: Any, sizes: list[tuple[int, int]]
) -> None:
    tab = judge.tab
    tab.emulate_media(color_scheme=theme)
    path = tmp_path / "long.csv"
    spans = [f"{prompt},{k / 10},{k / 10 + 0.05}" for k in range(60) for prompt in ("a dog", "pizza")]
    path.write_text("\n".join(["prompt,start,end", *spans]) + "\n", encoding="utf-8")
    judge.load(path, 120)
    for view in ("Measures", "Precision and recall", "Sweep", "Fit thresholds", "Truth"):
        judge.view(view)
        for width, height in sizes:
            tab.set_viewport_size({"width": width, "height": height})
            judge.fits_at_rest()
            wait_until(lambda: tab.evaluate(CUT) == [], what=f"whole words in {view} at {width}")
            assert_in_reach(judge, ".st-key-evaluate_right, .st-key-mark_bar", f"{view} at {width}")
    last = tab.locator(".cvi-list li").last
    last.scroll_into_view_if_needed()
    box = last.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < sizes[-1][1]
    assert len(set(judge.overflow())) == 1


def test_the_list_shows_only_what_was_missed_when_asked(judge: Judge, truth: Path) -> None:
    tab = judge.tab
    judge.load(truth, 3)
    every = judge.rows()
    for state in ("missed", "false", "matched"):
        button = tab.locator(".cvi-states button", has_text=state)
        if button.count():
            button.click()
            shown = tab.locator(".cvi-list li:visible .cvi-said").all_inner_texts()
            assert set(shown) == {state}
            assert len(shown) == sum(state in row for row in every) == int(button.inner_text().split()[1])
    tab.locator(".cvi-states button", has_text="all").click()
    assert tab.locator(".cvi-list li:visible").count() == len(every)
