"""List the available models, and load an encoder by name.

Heavy libraries are imported only when a model is loaded.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from clip_core.config import SERVER, Config, is_server
from clip_core.encoders.catalogue import CATALOGUE, CatalogueModel, find_in_catalogue
from clip_core.encoders.model_files import AUTO, ModelSource
from clip_core.errors import DamagedModelError, EncoderError, NotDownloadedError, UnknownModelError, shown_name
from clip_core.text import printable, shorten, unicode_text

if TYPE_CHECKING:
    from clip_core.encoders.base import ShownEncoder

SAMPLE = "sample"
_PACKAGED = Path(__file__).parents[1] / "sample_model"  # where `pip install` puts it, see pyproject.toml
SAMPLE_FOLDER = _PACKAGED if _PACKAGED.is_dir() else Path(__file__).parents[2] / "data" / "models" / "sample"


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model that can be chosen.

    Attributes:
        name: The name for ``load_encoder``.
        folder: The folder of its files; None for a model of the hub that is not on this machine.
        title: The name to show; ``name`` if empty.
        hub: The catalogue entry of a model of the hub, else None.
    """

    name: str
    folder: Path | None
    title: str = ""
    hub: CatalogueModel | None = None

    def __post_init__(self) -> None:
        if not self.title:
            object.__setattr__(self, "title", self.name)

    @property
    def is_local(self) -> bool:
        """Whether it can be loaded without a download."""
        return self.hub is None or self.folder is not None


def available_models(config: Config | None = None) -> tuple[ModelChoice, ...]:
    """List the models: the sample first, then the folders directly below each of ``model_dirs``, then the catalogue.

    A folder counts if it contains config.json and onnx/. Names are unique: a second folder of the same
    name is called "name (2)". Without a config no folder is searched. No network is used.

    Raises:
        EncoderError: One of ``model_dirs`` cannot be listed.
    """
    choices = [ModelChoice(SAMPLE, SAMPLE_FOLDER)] if _looks_like_model(SAMPLE_FOLDER) else []
    names, seen = {SAMPLE, SERVER}, {SAMPLE_FOLDER.resolve()}
    for folder in _folders(config):
        if folder.resolve() in seen:
            continue
        seen.add(folder.resolve())
        name, number = folder.name, 2
        while name in names:
            name, number = f"{folder.name} ({number})", number + 1
        names.add(name)
        choices.append(ModelChoice(name, folder))
    return (*choices, *(_choice(model, config) for model in CATALOGUE))


def load_encoder(name: str, config: Config | None = None, *, download: bool = False) -> ShownEncoder:
    """Load a model.

    Args:
        name: "sample", a name from ``available_models``, the path of a folder, or a repository of the hub, such
            as "Xenova/clip-vit-base-patch32", optionally with "@" and a commit or branch. A folder of that name
            takes precedence. A path is relative to the current folder, that of the config's own model to the config.
            Models of the catalogue default to its revision. "roboflow" and "roboflow:VERSION" mean a Roboflow
            Inference server, which is contacted only when it has to embed.
        config: Supplies ``model_dirs``, ``precision``, ``crop`` and the server; None means the defaults, no folders.
        download: Whether to download a model of the hub that is not on this machine.

    Raises:
        UnknownModelError: There is no such model; the message lists the models in folders.
        NotDownloadedError: A model of the hub is not on this machine or is damaged, and ``download`` is false.
        EncoderError: The folder lacks a file, a file does not fit, the download failed, or the model failed its first
            trial (see ``trial.ensure_tried``).
    """
    if is_server(name):
        from clip_core.encoders.roboflow import RoboflowEncoder  # imports requests and Pillow: only now

        return RoboflowEncoder(name, config)
    config = config or Config()
    source = _source(name, config, may_download=download)
    from clip_core.encoders.onnx import OnnxEncoder  # imports ONNX Runtime: only now

    if name != SAMPLE:
        from clip_core.encoders.trial import ensure_tried

        ensure_tried(source)
    encoder = OnnxEncoder(source.folder, name, source.precision, root=source.root, title=source.title)
    return encoder.framed(config.crop)


def is_first_use(name: str, config: Config | None = None) -> bool:
    """Return whether ``load_encoder`` would first try the model in a child process, which takes seconds.

    Raises:
        EncoderError: The model is not there, or a file is missing or broken, as for ``load_encoder``.
    """
    if name == SAMPLE or is_server(name):
        return False
    from clip_core.encoders.trial import needs_trial

    return needs_trial(_source(name, config or Config()))


def _source(name: str, config: Config, *, may_download: bool = False) -> ModelSource:
    """Find the files of a model; see ``load_encoder``."""
    folders = {choice.name: choice.folder for choice in available_models(config) if choice.hub is None}
    folder = SAMPLE_FOLDER if name == SAMPLE else folders.get(name) or _named_folder(name, config)
    if folder is not None:
        return ModelSource(folder, AUTO if name == SAMPLE else config.precision, folder)
    hub = hub_model(name)
    if hub is None:
        raise _unknown(name, config, list(folders))
    return _from_hub(name, *hub, config, may_download)


def hub_model(name: str) -> tuple[str, str] | None:
    """Return (repository, revision) of "REPOSITORY" or "REPOSITORY@REVISION", or None for other names."""
    from clip_core.encoders.hub_cache import MAIN, is_model_id, is_revision

    model_id, at, revision = name.partition("@")
    known = find_in_catalogue(model_id)
    if not at:
        revision = known.revision if known is not None else MAIN
    return (model_id, revision) if is_model_id(model_id) and is_revision(revision) else None


def _from_hub(name: str, model_id: str, revision: str, config: Config, may_download: bool) -> ModelSource:
    from clip_core.encoders.hub_cache import cache_root, cached_model, check_content, snapshot_files

    again = f"Run: python -m clip_core download {name}"
    try:
        cached = cached_model(model_id, revision, config.precision)
    except DamagedModelError as error:
        if not may_download:
            raise NotDownloadedError(f"{error.what} Its copy in huggingface_hub's cache is damaged.", again) from error
        cached = None
    if cached is None and may_download:
        from clip_core.encoders.hub import download, plan_download

        plan = plan_download(model_id, revision, config.precision)
        for _ in download(plan):
            pass
        cached = cached_model(model_id, plan.commit, plan.precision)
    if cached is None:
        own = _own_path(name, config)
        where = f", and {_shown_path(own)} is no folder" if own is not None and own.parent.is_dir() else ""
        raise NotDownloadedError(f"The model {model_id} of the Hugging Face hub is not on this machine{where}.", again)
    snapshot, towers = cached
    check_content(snapshot, snapshot_files(snapshot, towers), name)
    known = find_in_catalogue(model_id)
    title = known.name if known is not None else model_id
    return ModelSource(snapshot, towers.precision, cache_root(), title)


def _choice(model: CatalogueModel, config: Config | None) -> ModelChoice:
    from clip_core.encoders.hub_cache import find_cached

    precision = config.precision if config is not None else AUTO
    folder = find_cached(model.id, model.revision, precision, any_precision=True)
    return ModelChoice(model.id, folder, model.name, model)


def _folders(config: Config | None) -> Iterator[Path]:
    for directory in config.model_dirs if config is not None else ():
        try:
            folders = directory.iterdir() if directory.is_dir() else ()
            yield from sorted(folder for folder in folders if _looks_like_model(folder))
        except OSError as error:
            raise EncoderError(
                f"The model folder {shown_name(directory)} cannot be listed ({error.strerror}).",
                "Check its permissions, or take it out of model_dirs in config.yaml.",
            ) from error


def _own_path(name: str, config: Config) -> Path | None:
    """Return the path of the model that a config file names, relative to the file; None for other names."""
    if config.source is None or name != config.model:
        return None
    return config.source.resolve().parent / os.path.expanduser(name)  # noqa: PTH111 - Path's raises for unknown users


def _named_folder(name: str, config: Config) -> Path | None:
    path = _own_path(name, config) or Path(name)
    try:
        return path if name and path.is_dir() else None
    except OSError:  # name too long, or no permission
        return None


def _looks_like_model(folder: Path) -> bool:
    return (folder / "config.json").is_file() and (folder / "onnx").is_dir()


def _shown_path(path: Path) -> str:
    return shorten(printable(unicode_text(str(path))), 100, tail=66)


def _unknown(name: str, config: Config, names: list[str]) -> UnknownModelError:
    own = _own_path(name, config)
    where = f": {_shown_path(own)} is no folder" if own is not None and own.name != name else ""
    there_is = "There is: " + ", ".join(shown_name(known) for known in names[:10]) + "." if names else ""
    return UnknownModelError(f"There is no model {shown_name(name)!r}{where}.", there_is or "Give a model's folder.")
