"""The fixtures of the app and of the bare page for parts of the player, for the tests in this folder."""

from tests.support.app import *  # noqa: F403 - pytest finds fixtures by their names here
