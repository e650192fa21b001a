"""The words of README and docs/, followed: commands run, tables agree with the code, links lead somewhere."""

import ast
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from clip_core.__main__ import main
from clip_core.config import FIELDS, load_config
from clip_core.encoders.catalogue import CATALOGUE

ROOT = Path(__file__).parents[1]
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in [*ROOT.glob("*.md"), *sorted((ROOT / "docs").rglob("*.md"))]
}
LONGEST_README_BYTES = 8192
SERVER = ["pip install inference-cli", "inference server start"]
SHARED = (
    "scripts/run --share", "scripts/run --share --read-only", "scripts/run --read-only",
    "scripts/run --share --server.address 127.0.0.1 --server.port 8501 --browser.serverAddress clips.example "
    "--browser.serverPort 443",
)  # fmt: skip
"""Servers, which tests/pages/test_share.py starts in another way."""
NOT_RUN = {"scripts/run", "scripts/test", "scripts/test --quick", *SERVER, *SHARED}
"""They install packages, start a server, or run this test."""


def blocks(language: str) -> dict[str, list[str]]:
    """The code blocks of a language, by page."""
    found = {name: re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.M) for name, text in PAGES.items()}
    return {name: texts for name, texts in found.items() if texts}


def shell_lines() -> list[str]:
    """Every line of every sh block, without its comment, those of docs/command-line.md first."""
    pages = sorted(blocks("sh").items(), key=lambda page: page[0] != "docs/command-line.md")
    return [line.split("  #")[0].strip() for _, texts in pages for text in texts for line in text.strip().splitlines()]


def beside_the_sample(tmp_path: Path) -> dict[str, str]:
    """A folder where the relative paths of the pages lead to the sample, and its store is its own."""
    (tmp_path / "config.yaml").write_bytes((ROOT / "config.yaml").read_bytes())
    (tmp_path / "data").symlink_to(ROOT / "data")
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def test_the_python_example_runs_and_finds_moments(tmp_path: Path) -> None:
    ((code,),) = blocks("python").values()
    ast.parse(code)
    code = "seen = []\n" + code.replace("    moment.prompt,", "    seen.append(moment.prompt);  moment.prompt,")
    code += "\nassert {'a dog', 'pizza'} == set(seen), seen\n"
    code += "assert found.verdicts == {'a dog': 'there', 'an elephant': 'not sure'}, found.verdicts\n"
    code += "assert [round(m.start_s, 1) for m in found.moments] == [1.3, 41.7], found.moments\n"
    code += "assert {m.prompt for m in found.candidates} == {'an elephant'}, found.candidates\n"
    code += "assert found.confidence['a dog'] > 0.95 > found.confidence['an elephant'], found.confidence\n"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=beside_the_sample(tmp_path), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_the_command_line_examples_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first one runs in a process of its own, the others in this one, where the libraries are loaded once."""
    lines = [line for line in shell_lines() if line not in NOT_RUN]
    index, *rest = lines
    assert index.startswith("python -m clip_core index ")
    words, env = [sys.executable, *shlex.split(index)[1:]], beside_the_sample(tmp_path)
    done = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    monkeypatch.chdir(tmp_path)
    told = {}
    for line in sorted(rest, key=lambda line: "--sweep" not in line):
        python, option, package, *words = shlex.split(line)
        assert (python, option, package) == ("python", "-m", "clip_core"), line
        code = main(words)
        told[line], err = capsys.readouterr()
        assert code == 0, (line, err)
        if "moments" in words:
            assert "a dog: there. Beats " in err
            assert "an elephant: not sure. Beats only " in err
    assert (tmp_path / "out" / "scores.csv").read_text(encoding="utf-8").startswith("frame,time_s,a dog,pizza\n")
    assert len(list((tmp_path / "out" / "clips").glob("*.mp4"))) == 8
    assert "Thresholds in z: a dog 2.50." in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))["overall"]["r1_70"] == 1.0
    assert "sample.mp4" in told["python -m clip_core list"]
    assert told['python -m clip_core search "a dog"'].startswith("a dog: there. ")


def test_the_options_it_names_are_those_of_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    named = set(re.findall(r"`(--[a-z-]+)", PAGES["docs/command-line.md"]))
    for words in ([], ["index"], ["search"], ["moments"], ["clips"], ["forget"]):
        assert main([*words, "--help"]) == 0
    assert named <= set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    assert {"--confidence", "--candidates"} <= named


def test_the_config_table_names_every_key() -> None:
    assert set(re.findall(r"^\| `(\w+)`", PAGES["docs/config.md"], re.MULTILINE)) == set(FIELDS)


def test_links_and_pictures_lead_somewhere() -> None:
    for name, text in PAGES.items():
        for target in re.findall(r"\]\(([^)]+)\)", text):
            if not target.startswith("https://"):
                assert ((ROOT / name).parent / target).resolve().exists(), f"{name}: {target}"


def test_paths_in_the_documents_are_there() -> None:
    tops = "clip_core|pages|tests|tools|scripts|static|docs|data/models"
    named = {path for text in PAGES.values() for path in re.findall(rf"`((?:{tops})/[\w./-]*)`", text)}
    assert {path for path in named if "NAME" not in path and not (ROOT / path).exists()} == set()


def test_commands_within_a_line_are_there() -> None:
    helped = subprocess.run([sys.executable, "-m", "clip_core", "--help"], cwd=ROOT, capture_output=True, text=True)
    named = {name for text in PAGES.values() for name in re.findall(r"python -m clip_core (\w+)", text)}
    assert named >= {"index", "download", "doctor", "clips"}
    assert {name for name in named if not re.search(rf"^ +{name}\b", helped.stdout, re.MULTILINE)} == set()


def test_the_readme_is_short_and_begins_with_the_two_commands() -> None:
    assert len(PAGES["README.md"].encode()) <= LONGEST_README_BYTES
    first = blocks("sh")["README.md"][0]
    assert re.findall(r"^(\S+)", first, re.MULTILINE) == ["scripts/run", "scripts/test"]


def test_every_page_is_reached_from_the_readme() -> None:
    reached, new = set(), {"README.md"}
    while new:
        reached |= new
        links = {
            ((ROOT / name).parent / target).resolve().relative_to(ROOT).as_posix()
            for name in new
            for target in re.findall(r"\]\(([^):]+\.md)\)", PAGES[name])
        }
        new = links - reached
    assert set(PAGES) == reached


def test_every_decision_has_a_date_reasons_and_what_would_change_it() -> None:
    for name, text in PAGES.items():
        if name.startswith("docs/decisions/") and not name.endswith("README.md"):
            assert re.match(r"# .+\n\nDate: 20\d\d-\d\d-\d\d\b", text), name
            headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
            assert {"Decision", "Reasons", "What would change it", "Where it was measured"} <= set(headings), name


def test_the_table_of_models_is_the_catalogue() -> None:
    lines = PAGES["docs/models.md"].splitlines()
    rows = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines if "`" in line]
    listed = [row for row in rows if len(row) == 6]
    assert [row[0] for row in listed] == [model.name for model in CATALOGUE]
    for row, model in zip(listed, CATALOGUE, strict=True):
        sizes = " / ".join(str(model.sizes_mb.get(precision, "–")) for precision in ("int8", "fp16", "fp32"))
        commit = model.revision if model.revision == "main" else model.revision[:7]
        assert row[1:] == [f"`{model.id}`", commit, sizes, model.good_at, model.licence]


def test_the_two_commands_that_start_a_server_are_those_of_the_message() -> None:
    assert blocks("sh")["docs/inference-server.md"] == ["\n".join([*SERVER, ""])]


def test_the_settings_of_a_server_are_read_as_they_stand(tmp_path: Path) -> None:
    ((text,),) = blocks("yaml").values()
    (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
    config = load_config(tmp_path / "config.yaml")
    assert (config.model, config.clip_version, config.uses_server) == ("roboflow", "ViT-B-16", True)
