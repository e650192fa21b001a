"""The README's words, followed."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

from clip_core.config_keys import READERS

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
    code = "found = []\n" + code.replace("    moment.prompt,", "    found.append(moment.prompt);  moment.prompt,")
    code += "\nassert {'a dog', 'pizza'} == set(found), found\n"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=beside_the_sample(tmp_path), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_the_command_line_examples_run(tmp_path: Path) -> None:
    (commands,) = [block for block in blocks("sh") if "clip_core index" in block]
    env = beside_the_sample(tmp_path)
    for line in commands.strip().splitlines():
        words = line.replace('"a dog"', "a_dog").split()
        words = [sys.executable, *(word.replace("a_dog", "a dog") for word in words[1:])]
        done = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "scores.csv").read_text(encoding="utf-8").startswith("frame,time_s,a dog,pizza\n")
    assert "sample.mp4" in done.stdout


def test_the_config_table_names_every_key() -> None:
    table = README.split("## config.yaml")[1].split("##")[0]
    assert set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == set(READERS)


def test_what_it_names_is_there() -> None:
    for path in re.findall(r"!\[[^]]*\]\(([^)]+)\)", README):
        assert (ROOT / path).is_file(), path
    assert {"scripts/run", "scripts/test"} <= set(re.findall(r"^(scripts/\w+)", blocks("sh")[0], re.MULTILINE))
