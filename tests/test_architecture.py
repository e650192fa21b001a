"""Rules of the architecture, proved by reading the code. The whole tree is parsed once."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import clip_core

ROOT = Path(__file__).parents[1]
CORE, PAGES, APP, TESTS = (ROOT / name for name in ("clip_core", "pages", "app.py", "tests"))
PRODUCT = (CORE, PAGES, APP)
GROUND = (
    "addresses", "config", "errors", "files", "filters", "prompts", "settings", "stretches", "subtitles", "tabular",
    "task_queue", "text", "types", "validation",
)  # fmt: skip
FLOORS = (
    GROUND,
    ("charts", "encoders", "evaluation", "export", "scoring", "store", "video"),
    ("library",),
    ("media",),
    ("indexing",),
    ("analysis",),
    ("retrieval",),
    ("distributed",),
    ("tasks",),
    ("folder_watcher",),
    ("cli",),
    ("__main__",),
)
"""From the ground up: what stands on one floor imports only itself and lower floors; the ground imports itself."""
PAGES_FLOORS = ("shared", "player", "regions")
"""The same for the folders in pages/; on top of them stand the pages."""
MOST_LINES, MOST_BODY_LINES, MEDIAN_FUNCTION_LINES = 400, 40, 12
MOST_APP_LINES, MOST_BROWSER_FILE_LINES = 60, 250

# The lists below name what breaks a rule today. They can only shrink: a test fails when an entry no longer applies.
KNOWN_LONG_FUNCTIONS: set[str] = set()
KNOWN_SHARED_KEYS: set[str] = set()
DISTRIBUTIONS = {
    "PIL": "pillow",
    "cv2": "opencv-python-headless",
    "streamlit_plotly_events": "streamlit-plotly-events",
    "webvtt": "webvtt-py",
    "yaml": "pyyaml",
}
"""Top-level import → name on PyPI, where they differ."""


@cache
def _files() -> tuple[Path, ...]:
    folders = (CORE, PAGES, TESTS, ROOT / "tools")
    return (*sorted(ROOT.glob("*.py")), *(path for top in folders for path in sorted(top.rglob("*.py"))))


@cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(text_of(path))


@cache
def nodes_of(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(tree_of(path)))


@cache
def imports_of(path: Path) -> frozenset[str]:
    return frozenset(_imports(nodes_of(path)))


def files(*tops: Path) -> list[Path]:
    return [path for path in _files() if any(path.is_relative_to(top) for top in tops)]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _imports(nodes: tuple[ast.AST, ...]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            for alias in node.names:
                yield node.module or ""
                yield f"{node.module}.{alias.name}"


def test_only_the_pages_know_streamlit() -> None:
    found = {
        name_of(path)
        for path in files(CORE)
        if any(name.split(".")[0] == "streamlit" or name.startswith("streamlit_") for name in imports_of(path))
    }
    assert found == set()


def test_a_folder_imports_only_lower_floors_and_itself() -> None:
    floor_of = {name: floor for floor, names in enumerate(FLOORS) for name in names}
    assert {_folder(path) for path in files(CORE)} == {*floor_of, "__init__"}
    wrong = []
    for path in files(CORE):
        folder = _folder(path)
        for name in imports_of(path) if folder != "__init__" else ():
            other = name.split(".")[1] if name.startswith("clip_core.") else folder
            allowed = other == folder or floor_of[other] < floor_of[folder] or {other, folder} <= set(GROUND)
            if not allowed:
                wrong.append(f"{name_of(path)}: {name}")
    assert wrong == []


def _folder(path: Path) -> str:
    return path.relative_to(CORE).parts[0].removesuffix(".py")


def test_the_pages_stand_on_regions_player_and_shared_in_this_order() -> None:
    wrong = []
    for path in files(PAGES):
        floor = _floor_of_pages(path.relative_to(PAGES).parts)
        for name in imports_of(path):
            parts = name.split(".")
            if parts[0] == "pages" and len(parts) > 1 and _floor_of_pages(tuple(parts[1:])) > floor:
                wrong.append(f"{name_of(path)}: {name}")
        assert "app" not in imports_of(path), path
    assert wrong == []


def _floor_of_pages(parts: tuple[str, ...]) -> int:
    """Return how high a module stands in pages/; the pages themselves are the top."""
    return PAGES_FLOORS.index(parts[0]) if parts[0] in PAGES_FLOORS else len(PAGES_FLOORS)


def test_imports_have_no_circles() -> None:
    names = {path: _module_name(path) for path in files(*PRODUCT)}
    modules = set(names.values())
    graph: dict[str, set[str]] = {}
    for path, name in names.items():
        if name != "clip_core":  # it imports nothing when it is imported: its names load their modules when used
            found = _imports(tuple(_walk_without_type_checking(tree_of(path))))
            graph[name] = {other for other in found if other in modules and other != name}
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


def _module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _walk_without_type_checking(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _walk_without_type_checking(child)


def test_only_the_tools_need_torch() -> None:
    for path in files(*PRODUCT, TESTS):
        assert not {"torch", "transformers", "tools"} & {name.split(".")[0] for name in imports_of(path)}, path


def test_pages_never_touch_arrays_of_vectors_or_open_models() -> None:
    for path in files(PAGES):
        if path.parent == PAGES:
            names = {name for name in imports_of(path) if name.startswith("clip_core.")}
            assert not [n for n in names if n.split(".")[1] in ("store", "encoders", "video")], path


def test_caches_stand_in_one_place_each_with_a_bound() -> None:
    for path in files(PAGES, APP):
        for node in nodes_of(path):
            if isinstance(node, ast.Attribute) and node.attr in ("cache_data", "cache_resource"):
                assert path == PAGES / "shared" / "cache.py", path
        for function in [n for n in nodes_of(path) if isinstance(n, ast.FunctionDef)]:
            for decorator in function.decorator_list:
                call = decorator.func if isinstance(decorator, ast.Call) else decorator
                if isinstance(call, ast.Attribute) and call.attr.startswith("cache_"):
                    assert isinstance(decorator, ast.Call), f"{function.name} has no bound"
                    assert "max_entries" in {keyword.arg for keyword in decorator.keywords}, function.name


def test_nothing_unpickles_evaluates_or_goes_through_a_shell() -> None:
    for path in _files():
        assert not {"pickle", "cPickle", "dill", "shelve", "marshal"} & {i.split(".")[0] for i in imports_of(path)}, (
            path
        )
        for node in nodes_of(path):
            if isinstance(node, ast.Call):
                assert not (isinstance(node.func, ast.Name) and node.func.id in ("eval", "exec")), path
                for keyword in node.keywords:
                    true = isinstance(keyword.value, ast.Constant) and keyword.value.value is True
                    assert not (true and keyword.arg in ("shell", "allow_pickle")), path


def test_modules_and_functions_are_short() -> None:
    lengths, long = [], set()
    for path in files(*PRODUCT):
        lines = len(text_of(path).splitlines())
        assert lines <= (MOST_APP_LINES if path == APP else MOST_LINES), f"{path} has {lines} lines"
        for node in nodes_of(path):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
                if body and (body[-1].end_lineno or 0) - body[0].lineno >= MOST_BODY_LINES:
                    long.add(f"{name_of(path)}:{node.name}")
                lengths.append(_code_lines(node))
    assert sorted(lengths)[len(lengths) // 2] <= MEDIAN_FUNCTION_LINES
    assert_only_known(long, KNOWN_LONG_FUNCTIONS)


def _code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function with its signature, without its docstring."""
    first = node.body[0]
    documented = ast.get_docstring(node, clean=False) is not None
    docstring = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
    return (node.end_lineno or 0) - node.lineno + 1 - docstring


def assert_only_known(found: set[str], known: set[str]) -> None:
    """Fail for what breaks a rule and is not on its list, and for what is on the list and no longer breaks it."""
    assert (found - known, known - found) == (set(), set()), "(breaks the rule, to be removed from the list of known)"


def test_no_type_name_is_defined_twice() -> None:
    defined: dict[str, set[str]] = defaultdict(set)
    for path in files(*PRODUCT):
        for name in _types_of(path):
            defined[name].add(name_of(path))
    assert {name: places for name, places in defined.items() if len(places) > 1} == {}


def _types_of(path: Path) -> Iterator[str]:
    """Classes, and aliases of types: module-level names in CamelCase, such as ``Figure = dict[str, Any]``."""
    yield from (node.name for node in nodes_of(path) if isinstance(node, ast.ClassDef))
    for node in tree_of(path).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        for target in targets:
            if isinstance(target, ast.Name) and re.fullmatch(r"_?[A-Z]\w*[a-z]\w*", target.id):
                yield target.id


def test_no_session_key_is_written_in_two_modules() -> None:
    written: dict[str, set[str]] = defaultdict(set)
    for path in files(PAGES, APP):
        for key in _keys_written(path):
            written[key].add(name_of(path))
    assert len(written) > 20  # the test still finds them
    assert_only_known({key for key, places in written.items() if len(places) > 1}, KNOWN_SHARED_KEYS)


def test_the_state_of_a_region_is_imported_only_in_its_folder() -> None:
    every = [
        (_module_name(path.parent), name)
        for path in files(PAGES, APP)
        for name in imports_of(path)
        if re.fullmatch(r"pages\.regions\.\w+\.state", name)
    ]
    assert every  # the test still finds them
    assert [(folder, name) for folder, name in every if name != f"{folder}.state"] == []


def _keys_written(path: Path) -> Iterator[str]:
    """Literal keys that a module sets, removes, or gives to a widget."""
    states = set(_names_of_state(path))

    def is_state(node: ast.AST) -> bool:
        return _is_session_state(node) or (isinstance(node, ast.Name) and node.id in states)

    for node in nodes_of(path):
        written = isinstance(getattr(node, "ctx", None), ast.Store | ast.Del)
        if written and isinstance(node, ast.Attribute) and is_state(node.value):
            yield node.attr
        elif written and isinstance(node, ast.Subscript) and is_state(node.value):
            yield from _texts(node.slice)
        elif isinstance(node, ast.Call):
            method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            if method in ("setdefault", "pop") and isinstance(node.func, ast.Attribute) and is_state(node.func.value):
                yield from _texts(node.args[0])
            if method != "container":  # whose key is a CSS class and not in the session
                yield from (text for keyword in node.keywords if keyword.arg == "key" for text in _texts(keyword.value))


def _names_of_state(path: Path) -> Iterator[str]:
    """Names that a module gives the session state, as in ``state, unit = st.session_state, recipe.unit``."""
    for node in nodes_of(path):
        if isinstance(node, ast.Assign):
            target, value = node.targets[0], node.value
            both = isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
            pairs = zip(target.elts, value.elts, strict=True) if both else [(target, value)]  # type: ignore[attr-defined]
            yield from (name.id for name, given in pairs if isinstance(name, ast.Name) and _is_session_state(given))


def _is_session_state(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "session_state"


def _texts(node: ast.AST) -> list[str]:
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


PLAYER = PAGES / "player"


def _browser_files(*kinds: str) -> list[Path]:
    return sorted(path for path in PLAYER.iterdir() if path.suffix in kinds)


def test_the_players_scripts_run_no_text_and_ask_no_other_host() -> None:
    scripts = _browser_files(".js")
    assert {"entry.js", "clock.js", "screen.js", "timeline.js", "ranking.js"} <= {path.name for path in scripts}
    for path in scripts:
        text = path.read_text(encoding="utf-8")
        wrong = re.findall(r"\beval\b|\bnew Function\b|\bFunction\(|document\.write|insertAdjacentHTML|outerHTML", text)
        assert wrong == [], path
        assert re.findall(r"set(?:Timeout|Interval)\(\s*[\"'`]", text) == [], path
        for given in re.findall(r"innerHTML\s*\+?=\s*([^;]*);", text):  # a literal, and nothing put into it
            assert re.fullmatch(r"\"[^\"]*\"|'[^']*'|`[^`$]*`", given.strip()), f"{path}: {given}"
        assert len(re.findall(r"innerHTML", text)) == len(re.findall(r"innerHTML\s*\+?=[^;]*;", text)), path
    for path in _browser_files(".js", ".css", ".html"):
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert re.findall(r"(?:https?|wss?):|[\"'(]//\w|@import|url\(", text) == [], path
        assert re.findall(r"\son\w+=|javascript:", text if path.suffix == ".html" else "") == [], path


def test_the_players_files_are_short_and_none_is_left_over() -> None:
    every = {path.name: path.read_text(encoding="utf-8") for path in _browser_files(".js", ".css", ".html")}
    lengths = {name: len(text.splitlines()) for name, text in every.items()}
    assert {name: length for name, length in lengths.items() if length >= MOST_BROWSER_FILE_LINES} == {}
    components = text_of(PLAYER / "components.py")
    regions = (text_of(path) for path in files(PAGES / "regions"))
    drawn = {part for text in regions for part in re.findall(r'draw_part\(\s*"(\w+)"', text)}
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
    assert {"search", "SearchQuery", "Like", "SearchFilter", "SearchResult", "Hit"} <= set(clip_core.__all__)
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


def _required(file: str) -> set[str]:
    """The distributions that a requirements file names."""
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    return {re.split(r"[<>=]", line)[0] for line in lines if line and not line.startswith(("#", "-r "))}


def _extra(name: str) -> set[str]:
    """The distributions that an extra of the package adds."""
    extras = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]["optional-dependencies"]
    return {re.split(r"[<>=]", line)[0] for line in extras[name]}


def test_only_functions_import_what_an_extra_adds() -> None:
    found = {
        name_of(path)
        for path in files(*PRODUCT)
        for node in tree_of(path).body
        if _extra("cluster") & {name.split(".")[0] for name in _imports(tuple(_walk_outside_functions(node)))}
    }
    assert found == set()


def _walk_outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield node
        for child in ast.iter_child_nodes(node):
            yield from _walk_outside_functions(child)


def test_what_is_imported_stands_in_the_requirements() -> None:
    product = _required("requirements.txt")
    assert _distributions(*PRODUCT) - product - _extra("cluster") == set()
    assert _distributions(TESTS) - product - _required("requirements-dev.txt") == set()


def _distributions(*tops: Path) -> set[str]:
    known = {*sys.stdlib_module_names, "clip_core", "pages", "tests"}
    found = {name.split(".")[0] for path in files(*tops) for name in imports_of(path)}
    return {DISTRIBUTIONS.get(name, name) for name in found - known}


def test_every_dependency_has_its_reason_in_the_docs() -> None:
    reasons = text_of(ROOT / "docs" / "dependencies.md")
    needed = _required("requirements.txt") | _extra("cluster")
    assert [name for name in sorted(needed) if f"| `{name}` | " not in reasons] == []
