"""The fixtures of the app, for the tests in this folder."""

from tests.support.app import (  # noqa: F401 - pytest finds fixtures by their names here
    chromium,
    counted,
    gate,
    no_kept_settings,
    page,
    ready,
    stock,
    world,
)
