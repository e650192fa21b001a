"""The fixtures of the app and of the bare page for parts of the player, for the tests in this folder."""

from tests.support.app import (  # noqa: F401 - pytest finds fixtures by their names here
    bench_tab,
    chromium,
    counted,
    gate,
    no_kept_settings,
    page,
    ready,
    stage,
    stock,
    world,
)
