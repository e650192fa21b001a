"""Find, link and verify models in huggingface_hub's own cache, without network access.

The layout is that of https://huggingface.co/docs/huggingface_hub/guides/manage-cache: each file is stored once under
``blobs``, named by its hash (SHA-256 for large files, git's SHA-1 for small ones); ``snapshots/COMMIT`` links
to it; ``refs/NAME`` holds a branch's commit. Other tools share the cache in both directions.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from huggingface_hub import constants

from clip_core.encoders.catalogue import precision_order
from clip_core.encoders.model_files import (
    AUTO,
    CONFIG,
    PREPROCESSOR,
    TOKENIZER,
    TOKENIZER_CONFIG,
    Precision,
    TowerFiles,
    choose_towers,
    external_files,
    file_sha256,
    onnx_files,
    providers_here,
)
from clip_core.errors import DamagedModelError, DownloadError, EncoderError
from clip_core.files import whole_file
from clip_core.text import single_line

NEEDED = (CONFIG, PREPROCESSOR, TOKENIZER)
OPTIONAL = (TOKENIZER_CONFIG,)
MAIN = "main"
COMMIT = re.compile(r"[0-9a-f]{40}")
_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,99}")
_MODEL_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,95}/[A-Za-z0-9][A-Za-z0-9_.-]{0,95}")


def is_model_id(text: str) -> bool:
    """Return whether a text can be a repository name, such as "Xenova/clip-vit-base-patch32"."""
    return _MODEL_ID.fullmatch(text) is not None and ".." not in text and "--" not in text


def is_revision(text: str) -> bool:
    """Return whether a text can be the name of a commit, a branch or a tag."""
    return _REVISION.fullmatch(text) is not None and ".." not in text and "//" not in text


def cache_root() -> Path:
    """Return the cache's folder, set by HF_HOME or HF_HUB_CACHE."""
    return Path(constants.HF_HUB_CACHE)


def hub_host() -> str:
    """Return the host of the hub, set by HF_ENDPOINT: "huggingface.co", with a port if there is one.

    User and password are left out. If the address is invalid, the result is the variable's name.
    """
    try:
        parts = urlsplit(constants.ENDPOINT)
        usable = parts.hostname and parts.port != 0  # a port that is not a number raises
    except ValueError:
        usable = False
    return single_line(parts.netloc.rpartition("@")[2], 60) if usable else "HF_ENDPOINT"


def repository_folder(model_id: str) -> Path:
    """Return the folder of a model's files in the cache, which need not exist."""
    return cache_root() / f"models--{model_id.replace('/', '--')}"


def find_cached(
    model_id: str, revision: str = MAIN, precision: str = AUTO, *, any_precision: bool = False
) -> Path | None:
    """Return the folder of ``cached_model``; None also if a file is damaged."""
    try:
        cached = cached_model(model_id, revision, precision, any_precision=any_precision)
    except DamagedModelError:
        return None
    return cached and cached[0]


def cached_model(
    model_id: str, revision: str = MAIN, precision: str = AUTO, *, any_precision: bool = False
) -> tuple[Path, TowerFiles] | None:
    """Return the snapshot's folder and the chosen files if all are cached and can be a model, else None.

    Args:
        model_id: The model's repository.
        revision: A commit, or the name of a branch that was downloaded before.
        precision: "auto" or one precision.
        any_precision: Let "auto" accept any precision, for lists of models: only ONNX Runtime knows which one runs
            best here, and it is too heavy to import for a list.

    Raises:
        DamagedModelError: All files are there, but one of them is not a model.
        EncoderError: There is no such precision.
    """
    snapshot = _snapshot(model_id, revision)
    if snapshot is None:
        return None  # before ONNX Runtime is imported for its providers
    return _complete(snapshot, precision_order(model_id, precision, None if any_precision else providers_here()))


def _snapshot(model_id: str, revision: str) -> Path | None:
    if not is_model_id(model_id) or not is_revision(revision):
        return None
    folder = repository_folder(model_id)
    try:
        commit = revision if COMMIT.fullmatch(revision) else (folder / "refs" / revision).read_text("utf-8").strip()
        snapshot = folder / "snapshots" / commit
        return snapshot if COMMIT.fullmatch(commit) and snapshot.is_dir() else None
    except (OSError, ValueError):  # no such branch was downloaded, or its file is invalid
        return None


def _complete(snapshot: Path, order: Sequence[Precision]) -> tuple[Path, TowerFiles] | None:
    """Return the snapshot and files of the first precision that is complete, including external data, or None.

    Raises:
        DamagedModelError: No precision is complete, and a file of one is not a model.
    """
    if not all((snapshot / name).is_file() for name in NEEDED):
        return None
    names, damage = onnx_files(snapshot), None
    for precision in order:
        towers = choose_towers(names, (precision,))
        if towers is None:
            continue
        try:
            for tower in (towers.vision, towers.text):
                external_files(snapshot / tower, cache_root())
        except DamagedModelError as error:
            damage = damage or error
        except EncoderError:  # a file that it names is missing
            continue
        else:
            return snapshot, towers
    if damage is not None:
        raise damage
    return None


def put_in_place(model_id: str, commit: str, revision: str, files: Sequence[tuple[str, str]]) -> None:
    """Link existing blobs into a snapshot. The file that makes it look complete is linked last.

    Args:
        model_id, commit: Identify the snapshot.
        revision: A branch, whose commit is stored under ``refs``; for a commit nothing is stored.
        files: (name, hash) of each file.
    """
    folder = repository_folder(model_id)
    # A snapshot counts once it has config.json: stopping earlier leaves an incomplete snapshot, not a broken one.
    for name, digest in sorted(files, key=lambda file: file[0] == CONFIG):
        link, blob = folder / "snapshots" / commit / name, folder / "blobs" / digest
        if link.exists() and (link.is_symlink() or content_matches(link, digest)):
            continue
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)  # a dangling link, or a damaged copy
        try:
            link.symlink_to(os.path.relpath(blob, link.parent))
        except FileExistsError:  # another download of the same model linked it first
            continue
        except OSError:  # Windows without the right to create links
            shutil.copyfile(blob, link)
    if COMMIT.fullmatch(revision) is None:
        ref = folder / "refs" / revision
        ref.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(ref) as part:
            part.write_text(commit, encoding="utf-8")


def is_whole(blob: Path, size_bytes: int) -> bool:
    """Return whether a cached file exists with the right size and content."""
    try:
        return blob.is_file() and blob.stat().st_size == size_bytes and content_matches(blob, blob.name)
    except OSError:  # treat unreadable as missing: the download reports what is wrong
        return False


def content_matches(path: Path, digest: str) -> bool:
    """Return whether a file has the SHA-256 (64 hex digits) or git SHA-1 (40) ``digest``; True for other digests."""
    if re.fullmatch(r"[0-9a-f]{64}", digest):
        return file_sha256(path) == digest
    return COMMIT.fullmatch(digest) is None or git_sha1(path) == digest


def git_sha1(path: Path) -> str:
    """Return the SHA-1 that git gives a file's content."""
    with path.open("rb") as file:
        digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()


def check_content(snapshot: Path, names: Sequence[str], model_id: str) -> None:
    """Compare a snapshot's files with the hashes that they are stored under; delete a damaged file.

    Large files are read once per process, see ``file_sha256``. Copies, made where links are not possible, have no hash.

    Raises:
        DownloadError: A file's content does not match its hash; the next download fetches it again.
    """
    for name in names:
        link = snapshot / name
        try:
            if not link.is_symlink() or content_matches(link, link.readlink().name):
                continue
            blob = link.parent / link.readlink()
            link.unlink()
            blob.unlink(missing_ok=True)
        except OSError as error:
            raise DownloadError(f"{name} of {model_id} cannot be checked ({error.strerror}).") from error
        raise DownloadError(
            f"{name} of {model_id} was damaged (another hash) and is removed.",
            f"Run: python -m clip_core download {model_id}",
        )


def snapshot_files(snapshot: Path, towers: TowerFiles) -> tuple[str, ...]:
    """Return the names of all files of a snapshot that the model is loaded from."""
    optional = tuple(name for name in OPTIONAL if (snapshot / name).is_file())
    return (*NEEDED, *optional, towers.vision, towers.text, *towers.external)
