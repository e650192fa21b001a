"""Every table of the store says how it is merged: whoever adds one must say it too."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

from clip_core.store import kinds, tables

STORE = Path(tables.__file__).parent
USES = {"reading", "writing", "answered", "index", "delete"}


def test_every_table_that_the_store_uses_has_a_kind() -> None:
    """The constants that name a table in a call, alone or before a fingerprint, in all modules of the store."""
    used = set[str]()
    for path in STORE.glob("*.py"):
        module = import_module(f"clip_core.store.{path.stem}")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in USES:
                named = [leaf.id for arg in node.args[:1] for leaf in ast.walk(arg) if isinstance(leaf, ast.Name)]
                values = [getattr(module, name, None) for name in named if name.isupper()]
                used |= {value for value in values if isinstance(value, str)}
    assert {*kinds.KINDS} | {*kinds.KINDS_OF_MODELS} == used


def test_every_key_is_among_the_columns_and_what_is_newest_has_an_age() -> None:
    for name, kind in (kinds.KINDS | kinds.KINDS_OF_MODELS).items():
        assert {*kind.key} <= {*kind.columns}, name
        assert "at_ns" in kind.columns or kind.join != "newest", name
        found = kinds.kind_of(name + ("f0" * 32 if name in kinds.KINDS_OF_MODELS else ""))
        assert found is kind
    assert kinds.kind_of("later") is None
