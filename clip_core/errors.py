"""Every error that this package raises on purpose, and how names stand in messages.

ClipVideoError
├── ConfigError            config.yaml: the key, what was given, what is allowed
├── VideoError             a file that is no video, or not one that may be opened
│   ├── VideoNotFoundError     no such file, a folder, a special file, an address
│   └── VideoDecodeError       it opened, and then could not be read
├── EncoderError           a model that cannot be loaded or gave no usable vectors
│   ├── UnknownModelError      no model of that name
│   ├── DamagedModelError      a model's file that is there, but is no model
│   ├── NotDownloadedError     a model of the hub that is not on this machine, or damaged there
│   ├── DownloadError          the hub could not be reached, refused, or sent what may not be kept
│   │   └── DownloadSizeError      a model that is larger than what was agreed to; nothing was fetched
│   └── ServerError            a model's server that is not reached, refuses, or answers what is no answer
├── PromptError            an empty prompt
├── RecipeError            settings of how curves become moments that cannot be used
├── MomentsFileError       a file of moments that cannot be understood: the row and column, or the place in it
├── TruthError             a truth that cannot be understood, or that judges nothing here
├── ProxyError             a copy for the browser that cannot be made or kept
├── ExportError            clips, frames or a ZIP that cannot be made or kept
├── StoreError             the embeddings cannot be read or written
│   ├── StoreFullError         the disk (or the quota) is full
│   └── NotIndexedError        nothing was ever embedded for this video and model
└── JobCancelled           somebody cancelled an indexing, a download or a copy; what is stored stays

Foreign errors (FFmpeg's, ONNX Runtime's, the hub's, LanceDB's, the operating system's) are translated where
they arise, in the room that knows the library; nothing else has to know their classes.
"""

from __future__ import annotations

import os
from pathlib import PurePath
from typing import Any

from clip_core.text import printable, shorten, unicode_text

MAX_MESSAGE = 200
MAX_NAME = 64


class ClipVideoError(Exception):
    """What happened, with the value, and the next step.

    Args:
        what: One sentence: what happened, naming the file, key or model.
        next_step: One sentence: what the user can do about it.
    """

    def __init__(self, what: str, next_step: str = "") -> None:
        super().__init__(f"{what} {next_step}".strip())
        self.what = what
        self.next_step = next_step

    @property
    def line(self) -> str:
        """The message as one line of at most 200 characters, for a terminal."""
        return shorten(" ".join(str(self).split()), MAX_MESSAGE)


class ConfigError(ClipVideoError):
    """A configuration file that is missing, unreadable or wrong."""


class VideoError(ClipVideoError):
    """A file that is no video, or not one that may be opened."""


class VideoNotFoundError(VideoError):
    """No such regular file."""


class VideoDecodeError(VideoError):
    """A video that opened and then could not be read."""


class EncoderError(ClipVideoError):
    """A model that cannot be loaded, or that gave no usable vectors.

    Attributes:
        finished: float32 (k, dim): the vectors of the first k pictures of the call, if it failed behind them.
    """

    finished: Any = None


class UnknownModelError(EncoderError):
    """No model of that name."""


class DamagedModelError(EncoderError):
    """A model's file that is there, but is no model: damaged, or never one."""


class NotDownloadedError(EncoderError):
    """A model of the Hugging Face hub that is not on this machine, or damaged; nothing is downloaded unasked."""


class DownloadError(EncoderError):
    """A model that could not be fetched from the Hugging Face hub; what arrived is kept if it can be used."""


class DownloadSizeError(DownloadError):
    """A model that is larger than what was agreed to; nothing was fetched."""


class ServerError(EncoderError):
    """A model's server that cannot be reached, refused a request, or gave no usable answer.

    Args:
        what, next_step: See ClipVideoError.
        status: The HTTP status, if there was an answer.
    """

    def __init__(self, what: str, next_step: str = "", status: int | None = None) -> None:
        super().__init__(what, next_step)
        self.status = status


class RecipeError(ClipVideoError):
    """Settings, from a file or a link, that cannot be used: the setting, what was given, what is allowed."""


class PromptError(ClipVideoError):
    """A prompt that cannot be scored."""


class MomentsFileError(ClipVideoError):
    """A file of moments (CSV or OTIO) that is too large or cannot be understood."""


class TruthError(ClipVideoError):
    """A truth that is too large, cannot be understood, or has nothing to judge by."""


class ProxyError(ClipVideoError):
    """A copy of a video for the browser that cannot be made or kept."""


class ExportError(ClipVideoError):
    """Clips, frames or a ZIP of them that cannot be made or kept."""


class StoreError(ClipVideoError):
    """Embeddings that cannot be read or written."""


class StoreFullError(StoreError):
    """No space left where the embeddings are kept."""


class NotIndexedError(StoreError):
    """Nothing was ever embedded for this video and model."""


class JobCancelled(ClipVideoError):
    """Indexing, a download or a copy to play was cancelled; what was committed or has arrived stays."""


def shown_name(path: str | os.PathLike[str], most: int = MAX_NAME) -> str:
    """Return the last part of ``path`` as it may stand in a message.

    Control characters become ``?``, and a long name loses its middle, so that a hostile file name
    can neither move a terminal's cursor nor push the message itself out of sight.

    Args:
        path: A path or an address.
        most: The greatest length, in characters.
    """
    text = os.fspath(path)
    name = PurePath(text).name or text or "(empty name)"
    return shorten(printable(unicode_text(name)), most, tail=most // 3)
