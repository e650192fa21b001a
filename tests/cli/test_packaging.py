"""What `pip install .` installs: the library, the sample model and the command."""

import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path
from zipfile import ZipFile

import pytest

import clip_core
from clip_core.__main__ import main

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def requirements() -> list[str]:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_the_command_is_the_module() -> None:
    module, _, name = PROJECT["project"]["scripts"]["clip-video"].partition(":")
    assert getattr(import_module(module), name) is main


def test_the_version_stands_in_one_place() -> None:
    assert "version" not in PROJECT["project"]
    assert PROJECT["tool"]["hatch"]["version"]["path"] == "clip_core/__init__.py"
    newest = re.search(r"^## (\S+) - \d{4}-\d\d-\d\d$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert newest is not None
    assert newest[1] == clip_core.__version__


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    pytest.importorskip("hatchling")  # scripts/test installs it
    folder = tmp_path_factory.mktemp("wheel")
    code = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"
    done = subprocess.run([sys.executable, "-c", code, str(folder)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return ZipFile(next(folder.glob("*.whl")))


def test_the_wheel_holds_the_library_with_its_data_and_nothing_else(wheel: ZipFile) -> None:
    library = {p.relative_to(ROOT) for p in (ROOT / "clip_core").rglob("*") if p.is_file() and p.suffix != ".pyc"}
    sample = ROOT / "data/models/sample"
    model = {p.relative_to(sample) for p in sample.rglob("*") if p.is_file()}
    packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert packed == {p.as_posix() for p in library} | {f"clip_core/sample_model/{p.as_posix()}" for p in model}
    assert {"clip_core/py.typed", "clip_core/sample_model/onnx/vision_model.onnx"} <= packed


def test_the_wheel_needs_what_requirements_name(wheel: ZipFile) -> None:
    (name,) = [name for name in wheel.namelist() if name.endswith("/METADATA")]
    metadata = wheel.read(name).decode()
    needed = re.findall(r"^Requires-Dist: ([\w.-]+)(?!.*; extra ==)", metadata, re.MULTILINE)
    wanted = [re.match(r"[\w.-]+", line)[0].lower().replace("_", "-") for line in requirements()]
    assert sorted(needed) == sorted(wanted)
    assert f"\nVersion: {clip_core.__version__}\n" in metadata


def test_an_installed_library_takes_the_sample_model_of_the_package(wheel: ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path / "site")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r}); import clip_core; "
        "e = clip_core.load_encoder('sample'); print(clip_core.__file__, e.embed_texts(['a dog']).shape)"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(tmp_path / "site" / "clip_core" / "__init__.py"), "(1,", "128)"]
