"""A thousand reruns of the page in one session: what the server's memory grows by without a collection after each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.benchmarks.click import CHROMIUM, FLAGS, PATIENCE_MS
from tests.benchmarks.planted import planted_page
from tests.benchmarks.serving import served
from tests.benchmarks.table import Row, Spread, tell

SECONDS, SETTLED, RERUNS, STEP = 500, 100, 1_000, 100
QUICK_SECONDS, QUICK_SETTLED, QUICK_RERUNS, QUICK_STEP = 60, 2, 6, 2
MOST_MB = 50.0
_IDLE = "document.querySelector('[data-testid=\"stApp\"]')?.dataset.testScriptState === 'notRunning'"


def measure(quick: bool) -> list[Row]:
    """Megabytes of resident memory that the server gains from the hundredth rerun to the thousandth."""
    if not Path(CHROMIUM).exists():
        tell(f"reruns: skipped, there is no {CHROMIUM}")
        return []
    seconds, start, reruns, step = (
        (QUICK_SECONDS, QUICK_SETTLED, QUICK_RERUNS, QUICK_STEP) if quick else (SECONDS, SETTLED, RERUNS, STEP)
    )
    with planted_page(seconds) as planted, served(planted.config) as server:
        sizes = _sizes_mb(server.address, server.pid, reruns, step)
    tell("reruns: " + ", ".join(f"{count}: {size:.0f} MB" for count, size in sizes.items()))
    settled = [size for count, size in sizes.items() if count >= start]
    says = f"memory from rerun {start} to {max(sizes):,}, a pill switched at each / {MOST_MB:.0f} MB"
    raw = {"resident memory": Spread.of(settled, "MB", 0)}
    return [Row("reruns", Spread.of([settled[-1] - settled[0]]).over(MOST_MB), 1.0, True, says, raw, ())]


def _sizes_mb(address: str, pid: int, reruns: int, step: int) -> dict[int, float]:
    """Reruns done → resident memory in MB, each ``step`` reruns."""
    from playwright.sync_api import sync_playwright

    sizes: dict[int, float] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            page: Any = browser.new_page(viewport={"width": 1440, "height": 900})
            page.goto(address)
            page.locator("[data-region=verdicts]").first.wait_for(timeout=PATIENCE_MS)
            page.wait_for_function(_IDLE, timeout=PATIENCE_MS)
            for number in range(reruns + 1):
                if number % step == 0:
                    sizes[number] = _resident_mb(pid)
                page.locator(".st-key-legend button:visible").nth(number % 10).click(timeout=PATIENCE_MS)
                page.wait_for_timeout(60)  # until the click has reached the server
                page.wait_for_function(_IDLE, timeout=PATIENCE_MS)
        finally:
            browser.close()
    return sizes


def _resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS:")).split()[1]) / 1024
