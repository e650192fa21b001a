"""Every error that this package raises on purpose, and how names appear in messages.

ClipVideoError
├── ConfigError            config.yaml is wrong: the key, its value, what is allowed
├── VideoError             a file is not a video, or may not be opened
│   ├── VideoNotFoundError     no such file, a folder, a special file, an address
│   ├── VideoChangedError      a file was changed, replaced or deleted while it was read
│   └── VideoDecodeError       a video opened and then could not be read
├── EncoderError           a model cannot be loaded or gave no usable vectors
│   ├── UnknownModelError      no model of that name
│   ├── GpuFullError           the GPU has no memory for what it should embed
│   ├── DamagedModelError      a model's file exists, but is not a model
│   ├── NotDownloadedError     a model of the hub is not on this machine, or its copy is damaged
│   ├── DownloadError          the hub could not be reached, refused, or sent unusable content
│   │   └── DownloadSizeError      a model is larger than the agreed size; nothing was downloaded
│   └── ServerError            a model's server cannot be reached, refuses, or gave no usable answer
│       └── ServerBusyError        it may answer later; it may have said when
├── PromptError            a prompt is empty
├── SettingsError          settings (how curves become moments) are invalid
├── MomentsFileError       a file of moments cannot be parsed: the row and column, or the clip
├── VectorsFileError       vectors in a file cannot be used: which rows, and why
├── TruthError             ground truth cannot be parsed, or contains nothing to evaluate
├── ProxyError             a proxy cannot be made or stored
├── ExportError            clips, frames or a ZIP cannot be made or stored
│   └── MomentExportError      one moment cannot be cut; others of the same video may
├── StoreError             the embeddings cannot be read or written
│   ├── StoreFullError         the disk (or the quota) is full
│   ├── StoreUnreachableError  the storage service does not answer; it may later
│   ├── NewerStoreError        a newer version wrote what this one does not know
│   ├── ReadOnlyError          the server was started so that nothing may be changed
│   └── NotIndexedError        nothing was ever embedded for this video and model
├── WorkersError           no worker can be started, or the cluster cannot be reached
└── JobCancelled           somebody cancelled a task; what is stored stays

Errors of other libraries (FFmpeg, ONNX Runtime, the hub, LanceDB, the operating system) are translated where they
arise, in the package that uses the library; no other module has to know their classes.
"""

from __future__ import annotations

import os
from pathlib import PurePath
from typing import Any, Literal, TypeAlias

from clip_core.text import printable, shorten, unicode_text

MAX_MESSAGE = 200
MAX_NAME = 64
_LEAST_SAID = 20
ChangeKind: TypeAlias = Literal["gone", "folder", "replaced", "shorter", "longer", "changed"]
"""What may happen to a video's file while it is read."""


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
    """The config is missing, unreadable or wrong."""


class VideoError(ClipVideoError):
    """A file is not a video, or may not be opened."""


class VideoNotFoundError(VideoError):
    """No such regular file."""


class VideoChangedError(VideoError):
    """A video's file was changed, replaced, moved or deleted while it was read.

    Attributes:
        subject: The name of the file, or of one of a sequence's pictures.
        kind: What happened to it.
    """

    subject: str = ""
    kind: ChangeKind = "changed"


class VideoDecodeError(VideoError):
    """A video opened and then could not be read."""


class EncoderError(ClipVideoError):
    """A model cannot be loaded, or gave no usable vectors.

    Attributes:
        finished: float32 (k, dim), the vectors of the first k pictures, if the call failed after them; else None.
    """

    finished: Any = None


class UnknownModelError(EncoderError):
    """No model of that name."""


class GpuFullError(EncoderError):
    """The GPU has no memory for what it should embed at once."""


class DamagedModelError(EncoderError):
    """A model's file exists but is not a model: it is damaged, or never was one."""


class NotDownloadedError(EncoderError):
    """A model of the Hugging Face hub is not on this machine, or is damaged; nothing is downloaded unasked."""


class DownloadError(EncoderError):
    """A model could not be downloaded from the Hugging Face hub; usable data that arrived is kept."""


class DownloadSizeError(DownloadError):
    """A model is larger than the agreed size; nothing was downloaded."""


class ServerError(EncoderError):
    """A model's server cannot be reached, refused a request, or gave no usable answer.

    Attributes:
        status: The HTTP status, if there was an answer; else None.
        reason: The server's own reason, shortened, without keys; "" if it gave none.
    """

    status: int | None = None
    reason: str = ""

    @property
    def line(self) -> str:
        """The message as one line of at most 200 characters; what the server said (“…”) is cut, not the next step."""
        before, mark, rest = " ".join(str(self).split()).partition("“")
        said, end, after = rest.rpartition("”")
        room = MAX_MESSAGE - len(before + mark + end + after)
        return shorten(before + mark + shorten(said, max(room, _LEAST_SAID)) + end + after, MAX_MESSAGE)


class ServerBusyError(ServerError):
    """A model's server is busy, and may answer later.

    Attributes:
        wait_s: The wait that the server asks for, in seconds; None if it named none.
        until: When that wait ends, as local time such as "14:03:20", with the date if it is not today.
    """

    wait_s: float | None = None
    until: str = ""


class SettingsError(ClipVideoError):
    """Settings from a file or a link are invalid: the setting, its value, what is allowed."""


class PromptError(ClipVideoError):
    """A prompt cannot be scored."""


class MomentsFileError(ClipVideoError):
    """A file of moments (CSV or OTIO) is too large or cannot be parsed."""


class VectorsFileError(ClipVideoError):
    """A file of vectors is too large, cannot be parsed, or does not fit the video or the model."""


class TruthError(ClipVideoError):
    """Ground truth is too large, cannot be parsed, or contains nothing to evaluate."""


class ProxyError(ClipVideoError):
    """A proxy of a video cannot be made or stored."""


class ExportError(ClipVideoError):
    """Clips, frames or a ZIP of them cannot be made or stored."""


class MomentExportError(ExportError):
    """One moment cannot be cut; others of the same video may."""


class StoreError(ClipVideoError):
    """The embeddings cannot be read or written."""


class StoreFullError(StoreError):
    """No space is left where the embeddings are stored."""


class StoreUnreachableError(StoreError):
    """The storage service that holds the embeddings does not answer; it may later."""


class NewerStoreError(StoreError):
    """A newer version of this program wrote a table or a column that this one does not know."""


class ReadOnlyError(StoreError):
    """The server was started in read-only mode: nothing is stored, changed or deleted."""


class NotIndexedError(StoreError):
    """Nothing was ever embedded for this video and model."""


class WorkersError(ClipVideoError):
    """No worker can be started, or the cluster cannot be reached."""


class JobCancelled(ClipVideoError):
    """Indexing, a download, a proxy or an export was cancelled; what was committed or has arrived stays."""


def shown_name(path: str | os.PathLike[str], most: int = MAX_NAME) -> str:
    """Return the last part of a path or an address in a form that is safe in a message.

    Control characters become ``?``, and a name of over ``most`` characters is shortened in the middle, so that a
    hostile file name can neither move a terminal's cursor nor push the message out of sight.
    """
    text = os.fspath(path)
    name = PurePath(text).name or text or "(empty name)"
    return shorten(printable(unicode_text(name)), most, tail=most // 3)
