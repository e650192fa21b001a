"""Embed frames and texts with OpenAI's CLIP on a Roboflow Inference server."""

from __future__ import annotations

import base64
import copy
import io
import itertools
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
from PIL import Image as Pillow

from clip_core.config import SERVER, Config, Crop
from clip_core.encoders.base import UnreadWords, need_rgb, unit_length
from clip_core.encoders.model_files import fingerprint
from clip_core.encoders.model_inputs import BICUBIC, Preprocessing
from clip_core.encoders.roboflow_errors import KEY, WEIGHTS, reason_in
from clip_core.encoders.roboflow_http import IN_FLIGHT, InferenceServer, Patience
from clip_core.encoders.waits import MOST_WAIT_S, wait_listener
from clip_core.errors import ServerBusyError, ServerError, UnknownModelError, shown_name
from clip_core.text import single_line, unicode_text
from clip_core.types import Floats, Image

TEXTS_AT_ONCE = 8
MOST_TOKENS = 75
SHORTEN = f"Shorten it: about {MOST_TOKENS} tokens, some 50 words, are the most."
# The status for a text that is too long: 400, before server version 1.8 500.
TEXT_REFUSED = (400, 500)
MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
CHECK = "Check clip_version and inference_url in config.yaml, or restart the server."
_Thing = TypeVar("_Thing")


VERSIONS: Mapping[str, tuple[int, int]] = {
    "RN50": (1024, 224),
    "RN101": (512, 224),
    "RN50x4": (640, 288),
    "RN50x16": (768, 384),
    "RN50x64": (1024, 448),
    "ViT-B-16": (512, 224),
    "ViT-B-32": (512, 224),
    "ViT-L-14": (768, 224),
    "ViT-L-14-336px": (768, 336),
}
"""OpenAI's models: the length of a vector, and the side of the square input in pixels."""


class RoboflowEncoder:
    """A ShownEncoder whose model runs on a Roboflow Inference server. Creating one sends nothing.

    Pictures are resized here, as the server would do, and sent one per request: servers from 1.2.0 on return
    a single vector for several pictures. There is no tokenizer here, so a text that is too long is noticed only
    when the server refuses it; the error then names it.

    Attributes: See ShownEncoder. The fingerprint does not cover the address: a version gives the same vectors
    on every server. ``image_size`` is the (height, width) of the input.

    Args:
        model_id: "roboflow" for the version in ``config``, or "roboflow:VERSION"; UnknownModelError for another.
        config: Supplies the server's address, its key and ``crop``; None means the defaults.
        patience: The timeouts and retries.
    """

    logit_scale = 100.0
    precision = ""
    default_threshold = 0.27

    def __init__(self, model_id: str, config: Config | None = None, patience: Patience | None = None) -> None:
        config = config or Config()
        self._version = _version_of(model_id, config)
        self.id, self.name = model_id, f"Roboflow server · {self._version}"
        self.dim, edge = VERSIONS[self._version]
        self.image_size = (edge, edge)
        self._set_framing(config.crop)
        self._patience = patience or Patience()
        self._server = InferenceServer(config.inference_url, config.roboflow_api_key, self._patience)
        self._no_vectors = np.empty((0, self.dim), np.float32)
        self.provider, self.sends_to = self._server.host, self._server.sends_to

    def framed(self, crop: Crop | None) -> RoboflowEncoder:
        """Return the model with frames cropped, squashed or padded: see ShownEncoder. It shares the connections."""
        other = copy.copy(self)
        other._set_framing(crop)
        return other

    def _set_framing(self, crop: Crop | None) -> None:
        edge = self.image_size[0]  # OpenAI's preprocessing, which the server uses too
        openai = Preprocessing(shortest_edge=edge, resample=BICUBIC, crop=self.image_size, mean=MEAN, std=STD)
        self._preprocessing = openai.framed(crop)
        self.framing = self._preprocessing.framing
        self.fingerprint = fingerprint({}, {SERVER: self._version, "pictures": self._preprocessing.settings()})

    def embed_images(self, images: Sequence[Image]) -> Floats:
        """Embed pictures, two requests at a time: see Encoder. After the first ServerError no request is started."""
        need_rgb(images)
        return self._together(self._picture, images)

    def embed_texts(self, texts: Sequence[str]) -> Floats:
        """Embed texts, eight per request: see Encoder. If a text is too long, the ServerError names it."""
        if isinstance(texts, str):
            raise TypeError("embed_texts takes a list of texts, not one text")
        plain = [unicode_text(text) for text in texts]
        chunks = [plain[start : start + TEXTS_AT_ONCE] for start in range(0, len(plain), TEXTS_AT_ONCE)]
        return self._together(self._texts, chunks)

    def unread(self, texts: Sequence[str]) -> list[UnreadWords]:
        """Return that each text is read whole: the server refuses a text that is too long, and CLIP reads any byte."""
        return [UnreadWords(text, "", (), text) for text in texts]

    def _together(self, ask: Callable[[_Thing], Floats], things: Sequence[_Thing]) -> Floats:
        """Return the vectors of all things, and ask again for those that a busy server did not give.

        All waits are in the calling thread: there Ctrl-C ends them, and the listener of ``on_wait`` can show them.
        """
        found: list[Floats | None] = [None] * len(things)
        waits = _Waits(self._patience)
        while missing := [place for place, rows in enumerate(found) if rows is None]:
            try:
                self._ask_each(ask, things, missing, found)
            except ServerError as error:
                finished = list(itertools.takewhile(lambda rows: rows is not None, found))
                error.finished = np.concatenate([self._no_vectors, *finished]) if finished else None
                if not isinstance(error, ServerBusyError):
                    raise
                if sum(rows is None for rows in found) < len(missing):  # it gave vectors in between
                    waits = _Waits(self._patience)
                waits.wait(error)
        return np.concatenate([self._no_vectors, *found])

    def _ask_each(
        self, ask: Callable[[_Thing], Floats], things: Sequence[_Thing], missing: list[int], found: list[Floats | None]
    ) -> None:
        """Fill the ``missing`` places of ``found``; after the first error no request is started."""
        failed = threading.Event()

        def fill(place: int) -> None:
            if failed.is_set():
                return
            try:
                found[place] = ask(things[place])
            except BaseException:
                failed.set()
                raise

        if len(missing) == 1:
            fill(missing[0])
            return
        with ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix=SERVER) as pool:
            list(pool.map(fill, missing))

    def _picture(self, rgb: Image) -> Floats:
        file = io.BytesIO()
        Pillow.fromarray(np.ascontiguousarray(self._preprocessing.pixels(rgb))).save(file, "PNG")
        picture = {"type": "base64", "value": base64.b64encode(file.getvalue()).decode()}
        return self._ask("/clip/embed_image", {"image": picture}, 1, "picture")

    def _texts(self, texts: Sequence[str]) -> Floats:
        """Embed texts in one request; if it is refused, find the text that caused it."""
        try:
            return self._ask("/clip/embed_text", {"text": list(texts)}, len(texts), "text")
        except ServerError as error:
            if error.status not in TEXT_REFUSED or error.next_step in (KEY, WEIGHTS):
                raise
            refusal = error
        vectors, refused = [], []
        for text in texts if len(texts) > 1 else ():
            try:
                vectors.append(self._ask("/clip/embed_text", {"text": [text]}, 1, "text"))
            except ServerError as error:
                if error.status not in TEXT_REFUSED:
                    raise
                refused.append(text)
        if len(vectors) == len(texts):
            return np.concatenate(vectors)
        raise self._refusal(refused or list(texts), not vectors, refusal) from refusal

    def _refusal(self, refused: list[str], all_of_them: bool, refusal: ServerError) -> ServerError:
        """Return the error for refused texts. A token is at least one byte, so short texts are never too long."""
        long = [text for text in refused if len(text.encode()) > MOST_TOKENS]
        if all_of_them and not long:
            return refusal
        what = f'refused the text "{single_line((long or refused)[0], 40)}" ({refusal.status})'
        next_step = SHORTEN if long else "Word it differently."
        return self._server.errors.error(what, next_step, refusal.status, refusal.reason)

    def _ask(self, path: str, body: Mapping[str, object], count: int, what: str) -> Floats:
        """Return the unit vectors (count, dim) for one request."""
        answer = self._server.post(path, {"clip_version_id": self._version, **body})
        vectors = self._vectors(answer, count, what)
        named = f"The inference server at {self._server.host} ({self._version})"
        return unit_length(vectors, self.dim, named, what, CHECK, ServerError)

    def _vectors(self, answer: Mapping[str, Any], count: int, what: str) -> Floats:
        """Return the vectors in an answer, float32 (count, any length), not normalised."""
        rows = answer.get("embeddings")
        if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
            raise self._useless("answered without a list of vectors", reason_in(answer))
        if len(rows) != count:
            raise self._useless(f"gave {len(rows)} vectors for {count} {what}{'s' * (count > 1)}")
        if len({len(row) for row in rows}) > 1:
            raise self._useless("gave vectors of differing lengths")
        if not all(type(value) in (int, float) for row in rows for value in row):
            raise self._useless("gave a vector of something other than numbers")
        try:
            with np.errstate(over="ignore"):  # too large values become infinite, and ``unit_length`` rejects them
                return np.array(rows, dtype=np.float64).astype(np.float32)
        except OverflowError as error:
            raise self._useless("gave a number that is too large") from error

    def _useless(self, problem: str, reason: str = "") -> ServerError:
        return self._server.errors.error(problem, CHECK, 200, reason)


class _Waits:
    """The waits in a row for a busy server, without a vector between them; they are in the calling thread."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._tries, self._silent_s, self._told_s = 0, 0.0, 0.0

    def wait(self, busy: ServerBusyError) -> None:
        """Wait until the server may be asked again.

        Raises:
            ServerBusyError: There were too many waits in a row, or this one would be too long.
        """
        patience, listener = self._patience, wait_listener()
        wait_s = patience.first_wait_s * 2**self._tries if busy.wait_s is None else busy.wait_s
        at_most_s = patience.waits_s if listener is None else patience.silent_s
        if self._tries < patience.retries and wait_s <= at_most_s and self._silent_s + wait_s <= patience.waits_s:
            self._tries, self._silent_s = self._tries + 1, self._silent_s + wait_s
            patience.sleep(wait_s)
        elif listener is not None and busy.wait_s and self._told_s + busy.wait_s <= MOST_WAIT_S:
            self._tries, self._told_s = 0, self._told_s + busy.wait_s
            listener(busy)
        else:
            raise busy


def _version_of(model_id: str, config: Config) -> str:
    version = config.clip_version if model_id == SERVER else model_id.removeprefix(f"{SERVER}:")
    if version in VERSIONS:
        return version
    shown = shown_name(version.replace("/", "-"))
    raise UnknownModelError(f"The inference server has no CLIP {shown!r}.", f"There is: {', '.join(VERSIONS)}.")
