"""Check everything that an index run needs; say what works and what to do about the rest."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, TypeVar

import numpy as np

from clip_core.config import Config
from clip_core.encoders.base import ShownEncoder
from clip_core.encoders.cuda import why_on_cpu
from clip_core.encoders.registry import load_encoder
from clip_core.errors import ClipVideoError, shown_name
from clip_core.files import nearest_folder
from clip_core.library.videos import configured_video, list_videos, videos_in_folders
from clip_core.store.store import EmbeddingStore
from clip_core.text import counted, size_text
from clip_core.types import MOST_OFF_UNIT, Floats, Image
from clip_core.video import open_video

T = TypeVar("T")
CheckResult: TypeAlias = Literal["ok", "note", "fail"]
LITTLE_ROOM_BYTES = 1_000_000_000
MOST_ALIKE = 0.9999
"""A model is of no use if the cosine of two unlike texts, or of two unlike pictures, is higher."""


@dataclass(frozen=True)
class Check:
    """The result of one check of a subject: what was found, in one sentence, and what to do about it, or "".

    "note" means that it works, but that the user should know.
    """

    subject: str
    result: CheckResult
    what: str
    next_step: str = ""


def check_setup(config: Config, store_location: str, model: str) -> Iterator[Check]:
    """Check the video folders, the store and the model, in this order; a failure does not stop the rest.

    The model embeds two texts and two pictures that are made here. No user data is sent or changed. Yields each result
    as soon as it is known: loading a model may take seconds.
    """
    store = EmbeddingStore(store_location)
    yield from _checked("videos", _videos(config, store))
    yield from _checked("store", _store(store))
    yield from _checked("model", _model(model, config))


def _checked(subject: str, checks: Iterator[Check]) -> Iterator[Check]:
    try:
        yield from checks
    except ClipVideoError as error:
        yield Check(subject, "fail", error.what, error.next_step)


def _videos(config: Config, store: EmbeddingStore) -> Iterator[Check]:
    for folder in config.video_dirs:
        if _is_missing(folder):
            step = "Make it, or correct video_dirs in config.yaml."
            yield Check("videos", "fail", f"There is no folder {shown_name(folder)}.", step)
    path = configured_video(config)
    if path is not None:
        with open_video(path) as video:
            info = video.info
            what = f"{info.name} opens: {info.width} × {info.height}, {info.codec}, read by {info.decoder}."
            yield Check("videos", "ok", what)
    count = len(list_videos(config, store))
    found = counted(count, "video is listed.", "videos are listed.")
    step = "" if count else "Put one into a folder of video_dirs, or upload one on the page."
    yield Check("videos", "ok" if count else "note", found, step)
    for note in videos_in_folders(config).notes:
        yield Check("videos", "note", note)


def _is_missing(folder: Path) -> bool:
    try:
        return not folder.is_dir()
    except OSError:  # a parent folder cannot be read; list_videos reports that
        return False


def _store(store: EmbeddingStore) -> Iterator[Check]:
    videos = len(store.summaries())
    held = counted(videos, "video is", "videos are")
    yield Check("store", "ok", f"{store.location} can be read; {held} known in it.")
    if store.is_remote:
        store.check_safe_to_write()
        what = "Several processes may write at once: the storage service refuses to overwrite (If-None-Match)."
        yield Check("store", "ok", what)
        step = "Two processes that index the same video both do the work; what is stored is right."
        yield Check("store", "note", "There are no locks between processes in an object store.", step)
    else:
        yield _room(Path(store.location))


def _room(folder: Path) -> Check:
    """Check that the folder, or the nearest existing folder above it, is writable, and how much space is free."""
    place = nearest_folder(folder)
    try:
        with tempfile.TemporaryFile(dir=place):
            free = shutil.disk_usage(place).free
    except OSError as error:
        what = f"{shown_name(place)} cannot be written: {error.strerror}."
        return Check("store", "fail", what, "Change its permissions, or the key embeddings in config.yaml.")
    what = f"It can be written; {size_text(free)} are free."
    step = "Free some space." if free < LITTLE_ROOM_BYTES else ""
    return Check("store", "note" if step else "ok", what, step)


def _model(name: str, config: Config) -> Iterator[Check]:
    for folder in config.model_dirs:
        if not folder.is_dir():
            yield Check("model", "note", f"There is no folder {shown_name(folder)} of model_dirs.")
    began = time.monotonic()
    encoder = load_encoder(name, config)
    took = time.monotonic() - began
    if encoder.precision:
        what = f"{encoder.name} is loaded ({took:.1f} s): {encoder.precision} on {encoder.provider}."
        yield Check("model", "ok", what)
        if (why := why_on_cpu(encoder.provider)) is not None:
            yield Check("model", "note", f"The GPU is not used: {why.fault}.", why.next_step)
    else:
        yield Check("model", "note", f"{encoder.name} runs at {encoder.provider}, which is asked now.")
    if encoder.sends_to is not None:
        what = f"Frames and prompts of your videos will be sent to {encoder.sends_to}."
        yield Check("model", "note", what, "Choose a model on this machine if they must not.")
    yield _asked(encoder, "text", lambda text: encoder.embed_texts([text]), "a photo of a dog", "pizza")
    yield _asked(encoder, "picture", lambda picture: encoder.embed_images([picture]), _slopes(), _stripes())


def _asked(encoder: ShownEncoder, what: str, embed: Callable[[T], Floats], *unlike: T) -> Check:
    """Request the vectors of two unlike things; check their shapes and lengths, and that they differ."""
    vectors = []
    for each in unlike:
        began = time.monotonic()
        found = embed(each)
        took = time.monotonic() - began
        if found.shape != (1, encoder.dim):
            return Check(
                "model", "fail", f"A {what} became {found.shape}, not {(1, encoder.dim)}.", "Use another model."
            )
        vectors.append(found[0].astype(np.float64))
        length = float(np.linalg.norm(vectors[-1]))
        if not abs(length - 1) <= MOST_OFF_UNIT:  # written so that NaN fails too
            return Check("model", "fail", f"The vector of a {what} has the length {length:.3f}, not 1.", "Use another.")
    cosine = float(vectors[0] @ vectors[1])
    if cosine > MOST_ALIKE:
        alike = f"Two unlike {what}s get the same vector (their cosine is {cosine:.4f}): scores would say nothing."
        return Check("model", "fail", alike, "Use another model.")
    return Check("model", "ok", f"A {what} becomes a unit vector of {encoder.dim} numbers in {took * 1000:.0f} ms.")


def _slopes() -> Image:
    """Return a picture, uint8 (240, 320, 3): red rises to the right, green downwards."""
    picture = np.zeros((240, 320, 3), dtype=np.uint8)
    picture[..., 0] = np.linspace(0, 255, 320).astype(np.uint8)
    picture[..., 1] = np.linspace(0, 255, 240).astype(np.uint8)[:, None]
    return picture


def _stripes() -> Image:
    """Return a picture of the same size with black and white stripes of 20 pixels."""
    picture = np.zeros((240, 320, 3), dtype=np.uint8)
    picture[:, np.arange(320) // 20 % 2 == 1] = 255
    return picture
