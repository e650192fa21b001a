"""The rules of the house, proved by reading the code."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import clip_core

ROOT = Path(__file__).parents[1]
CORE = ROOT / "clip_core"
HALL_MODULES = (
    *("values", "errors", "board", "cells", "config", "config_keys"),
    *("edit", "recipe", "recipe_checks", "recipe_link"),
    *("text", "files", "filters", "prompts"),
)
HALL = {f"clip_core.{name}" for name in HALL_MODULES}
JOINERS = {
    "pipeline",
    "jobs",
    "proxies",
    "clips",
    "cli",
    "__main__",
    "__init__",
}  # cli: the commands that __main__ dispatches to
MOST_LINES, MOST_FUNCTION_LINES = 400, 40
SKIPPED = {".venv", ".git", "data", "embeddings"}


def sources(*tops: Path) -> Iterator[tuple[Path, ast.Module]]:
    for top in tops:
        for path in [top] if top.is_file() else sorted(top.rglob("*.py")):
            if not SKIPPED & set(path.relative_to(ROOT).parts):
                yield path, ast.parse(path.read_text(encoding="utf-8"))


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            for alias in node.names:
                yield node.module or ""
                yield f"{node.module}.{alias.name}"


def room_of(path: Path) -> str:
    first = path.relative_to(CORE).parts[0]
    return first.removesuffix(".py")


def test_only_the_front_rooms_know_streamlit() -> None:
    found = {
        str(path.relative_to(ROOT))
        for path, tree in sources(CORE)
        if any(name.split(".")[0] == "streamlit" or name.startswith("streamlit_") for name in imports(tree))
    }
    assert found == set()


def test_a_room_imports_only_the_hall_and_itself() -> None:
    wrong = []
    for path, tree in sources(CORE):
        room = room_of(path)
        if room in JOINERS:
            continue
        for name in imports(tree):
            inside = name.startswith("clip_core.")
            at_home = name == f"clip_core.{room}" or name.startswith(f"clip_core.{room}.")
            in_hall = any(name == hall or name.startswith(hall + ".") for hall in HALL)
            if inside and not in_hall and not (at_home and f"clip_core.{room}" not in HALL):
                wrong.append(f"{path.relative_to(ROOT)}: {name}")
    assert wrong == []


def test_the_hall_imports_no_room() -> None:
    for name in (
        "values",
        "errors",
        "board",
        "config",
        "config_keys",
        "edit",
        "recipe",
        "recipe_checks",
        "recipe_link",
        "text",
        "files",
        "filters",
        "prompts",
    ):
        tree = ast.parse((CORE / f"{name}.py").read_text(encoding="utf-8"))
        assert {i for i in imports(tree) if i.startswith("clip_core.")} <= {
            i for i in imports(tree) if any(i == hall or i.startswith(hall + ".") for hall in HALL)
        }


def test_imports_have_no_circles() -> None:
    graph: dict[str, set[str]] = {}
    modules = {".".join(p.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for p, _ in sources(CORE)}
    for path, tree in sources(CORE):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        if name != "clip_core":  # it imports nothing when it is imported: its names load their rooms when used
            graph[name] = {i for i in imports(_without_type_checking(tree)) if i in modules and i != name}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, f"a circle: {' → '.join([*trail, name])}"
        if name not in done:
            for other in graph.get(name, ()):
                visit(other, (*trail, name))
            done.add(name)

    for name in graph:
        visit(name, ())
    assert done == modules - {"clip_core"}


def _without_type_checking(tree: ast.Module) -> ast.Module:
    class Strip(ast.NodeTransformer):
        def visit_If(self, node: ast.If) -> ast.AST | None:
            return None if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING" else node

    return ast.fix_missing_locations(Strip().visit(tree))


def test_only_the_tools_need_torch() -> None:
    for path, tree in sources(CORE, ROOT / "pages", ROOT / "app.py", ROOT / "tests"):
        assert not {"torch", "transformers", "tools"} & {name.split(".")[0] for name in imports(tree)}, path


def test_pages_never_touch_arrays_of_vectors_or_open_models() -> None:
    for path, tree in sources(ROOT / "pages"):
        if path.parent.name != "parts":
            names = {name for name in imports(tree) if name.startswith("clip_core.")}
            assert not [n for n in names if n.split(".")[1] in ("store", "encoders", "video")], path


def test_caches_stand_in_one_place_each_with_a_bound() -> None:
    for path, tree in sources(ROOT / "pages", ROOT / "app.py"):
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in ("cache_data", "cache_resource"):
                assert path == ROOT / "pages/parts/cached.py", path
        for function in [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]:
            for decorator in function.decorator_list:
                call = decorator.func if isinstance(decorator, ast.Call) else decorator
                if isinstance(call, ast.Attribute) and call.attr.startswith("cache_"):
                    assert isinstance(decorator, ast.Call), f"{function.name} has no bound"
                    assert "max_entries" in {keyword.arg for keyword in decorator.keywords}, function.name


def test_nothing_unpickles_evaluates_or_goes_through_a_shell() -> None:
    for path, tree in sources(ROOT):
        assert not {"pickle", "cPickle", "dill", "shelve", "marshal"} & {i.split(".")[0] for i in imports(tree)}, path
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                assert not (isinstance(node.func, ast.Name) and node.func.id in ("eval", "exec")), path
                for keyword in node.keywords:
                    true = isinstance(keyword.value, ast.Constant) and keyword.value.value is True
                    assert not (true and keyword.arg in ("shell", "allow_pickle")), path


def test_modules_and_functions_are_short() -> None:
    functions = []
    for path, tree in sources(CORE, ROOT / "pages", ROOT / "app.py"):
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= (60 if path.name == "app.py" else MOST_LINES), f"{path} has {lines} lines"
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                functions.append((_code_lines(node), f"{path.relative_to(ROOT)}:{node.name}"))
    lengths = sorted(length for length, _ in functions)
    long = [f"{name} ({length})" for length, name in functions if length >= MOST_FUNCTION_LINES]
    assert len(long) <= len(functions) // 10, long
    assert lengths[len(lengths) // 2] <= 12


def _code_lines(node: ast.FunctionDef) -> int:
    """Lines of a function without its docstring."""
    first = node.body[0]
    doc = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    documented = (first.end_lineno or 0) - first.lineno + 1 if doc else 0
    return (node.end_lineno or 0) - node.lineno + 1 - documented


PLAYER = ROOT / "pages" / "parts" / "player"


def _files(*kinds: str) -> list[Path]:
    return sorted(path for path in PLAYER.iterdir() if path.suffix in kinds)


def test_the_players_scripts_run_no_text_and_ask_no_other_host() -> None:
    scripts = _files(".js")
    assert {"entry.js", "clock.js", "screen.js", "timeline.js", "ranking.js"} <= {path.name for path in scripts}
    for path in scripts:
        text = path.read_text(encoding="utf-8")
        wrong = re.findall(r"\beval\b|\bnew Function\b|\bFunction\(|document\.write|insertAdjacentHTML|outerHTML", text)
        assert wrong == [], path
        assert re.findall(r"set(?:Timeout|Interval)\(\s*[\"'`]", text) == [], path
        for given in re.findall(r"innerHTML\s*\+?=\s*([^;]*);", text):  # a literal, and nothing put into it
            assert re.fullmatch(r"\"[^\"]*\"|'[^']*'|`[^`$]*`", given.strip()), f"{path}: {given}"
        assert len(re.findall(r"innerHTML", text)) == len(re.findall(r"innerHTML\s*\+?=[^;]*;", text)), path
    for path in _files(".js", ".css", ".html"):
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert re.findall(r"(?:https?|wss?):|[\"'(]//\w|@import|url\(", text) == [], path
        assert re.findall(r"\son\w+=|javascript:", text if path.suffix == ".html" else "") == [], path


def test_the_players_files_are_short_and_none_is_left_over() -> None:
    every = {path.name: path.read_text(encoding="utf-8") for path in _files(".js", ".css", ".html")}
    assert {name: len(text.splitlines()) for name, text in every.items() if len(text.splitlines()) >= MOST_LINES} == {}
    components = (PLAYER / "components.py").read_text(encoding="utf-8")
    drawn = set(re.findall(r'draw_part\("(\w+)"', (PLAYER / "draw.py").read_text(encoding="utf-8")))
    reached = {f"{part}.{kind}" for part in drawn for kind in ("html", "css", "js")}
    reached |= {name for name in every if f'"{name}"' in components}
    while (
        more := {
            name
            for known in reached & set(every)
            for name in re.findall(r'(?:from|import)\s*\(?"\./([\w.-]+)"', every[known])
        }
        - reached
    ):
        reached |= more
    assert reached == set(every)


def test_the_public_names_are_there_and_no_others() -> None:
    assert {"load_config", "open_video", "load_encoder", "EmbeddingStore", "index_video"} <= set(clip_core.__all__)
    assert {"score_prompts", "find_moments", "detect_moments", "Detection"} <= set(clip_core.__all__)
    for name in clip_core.__all__:
        assert getattr(clip_core, name).__name__ == name
    public = {n for n in vars(clip_core) if not n.startswith("_")} - {
        "annotations",
        "import_module",
        "TYPE_CHECKING",
        "Any",
    }
    modules = {n for n in public if type(getattr(clip_core, n)).__name__ == "module"}
    assert public - modules <= set(clip_core.__all__)


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import sys, clip_core; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = set(done.stdout.split())
    assert "clip_core" in loaded
    assert not {"onnxruntime", "av", "cv2", "lancedb", "streamlit", "pyarrow", "opentimelineio"} & loaded


def test_no_library_leaves_a_device_id_or_reports_home(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if "TELEMETRY" not in name}
    environment |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "CI": ""}  # in CI it keeps quiet by itself
    code = (
        "import clip_core; clip_core.load_encoder('sample').embed_texts(['a dog']);"
        "from huggingface_hub import constants; assert constants.HF_HUB_DISABLE_TELEMETRY"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env=environment)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_the_commands_may_be_run() -> None:
    for name in ("scripts/run", "scripts/test", ".ci/run"):
        assert os.access(ROOT / name, os.X_OK), name


def test_uploads_copies_and_embeddings_stay_out_of_git() -> None:
    for folder in ("data/uploads", "data/proxies", "data/exports", "embeddings"):
        assert (ROOT / folder / ".gitignore").read_text() == "*\n!.gitignore\n"


def test_every_dependency_has_its_reason_in_the_readme() -> None:
    names = [
        line.split(">=")[0]
        for line in (ROOT / "requirements.txt").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in names if f"`{name}`" not in readme] == []
