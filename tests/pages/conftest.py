"""The fixtures of the app, for the tests in this folder: all of them, as pytest takes an autouse one only from here."""

from tests.support.app import *  # noqa: F403 - pytest finds fixtures by their names here
