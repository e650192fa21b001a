"""The README's words, followed."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

from clip_core.config import FIELDS
from clip_core.encoders.catalogue import CATALOGUE

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def beside_the_sample(tmp_path: Path) -> dict[str, str]:
    """A folder where the README's relative paths lead to the sample, and its store is its own."""
    (tmp_path / "config.yaml").write_bytes((ROOT / "config.yaml").read_bytes())
    (tmp_path / "data").symlink_to(ROOT / "data")
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def test_the_python_example_runs_and_finds_moments(tmp_path: Path) -> None:
    (code,) = blocks("python")
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


def test_the_command_line_examples_run(tmp_path: Path) -> None:
    walk, judging = [block for block in blocks("sh") if "python -m clip_core" in block]
    assert "clip_core index" in walk
    env = beside_the_sample(tmp_path)
    index, *rest = walk.strip().splitlines()
    for line in [index, *judging.strip().splitlines(), *rest]:
        words = line.replace('"a dog"', "a_dog").split()
        words = [sys.executable, *(word.replace("a_dog", "a dog") for word in words[1:])]
        done = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        if "moments" in words:
            assert "a dog: there. Beats " in done.stderr
            assert "an elephant: not sure. Beats only " in done.stderr
    assert (tmp_path / "out" / "scores.csv").read_text(encoding="utf-8").startswith("frame,time_s,a dog,pizza\n")
    assert len(list((tmp_path / "out" / "clips").glob("*.mp4"))) == 8
    assert "Thresholds in z: a dog 2.50." in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))["overall"]["r1_70"] == 1.0
    assert "sample.mp4" in done.stdout


def test_the_options_it_names_are_those_of_the_commands() -> None:
    named = set(re.findall(r"`(--[a-z-]+)", README.split("## Command line")[1].split("\n## ")[0]))
    helps = "".join(
        subprocess.run(
            [sys.executable, "-m", "clip_core", *words, "--help"], cwd=ROOT, capture_output=True, text=True
        ).stdout
        for words in ([], ["moments"], ["clips"], ["forget"])
    )
    assert named <= set(re.findall(r"--[a-z-]+", helps))
    assert {"--confidence", "--candidates"} <= named


def test_the_config_table_names_every_key() -> None:
    table = README.split("## config.yaml")[1].split("##")[0]
    assert set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == set(FIELDS)


def test_what_it_names_is_there() -> None:
    for path in re.findall(r"!\[[^]]*\]\(([^)]+)\)", README):
        assert (ROOT / path).is_file(), path
    assert {"scripts/run", "scripts/test"} <= set(re.findall(r"^(scripts/\w+)", blocks("sh")[0], re.MULTILINE))


def test_the_table_of_models_is_the_catalogue() -> None:
    section = README.split("## Models")[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in section.splitlines() if "`" in line]
    listed = [row for row in rows if len(row) == 6]
    assert [row[0] for row in listed] == [model.name for model in CATALOGUE]
    for row, model in zip(listed, CATALOGUE, strict=True):
        sizes = " / ".join(str(model.sizes_mb.get(precision, "–")) for precision in ("int8", "fp16", "fp32"))
        commit = model.revision if model.revision == "main" else model.revision[:7]
        assert row[1:] == [f"`{model.id}`", commit, sizes, model.good_at, model.licence]


def test_the_two_commands_that_start_a_server_are_those_of_the_message() -> None:
    (block,) = [block for block in blocks("sh") if "inference" in block]
    assert block.split("\n") == ["pip install inference-cli", "inference server start", ""]
