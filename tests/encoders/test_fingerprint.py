"""Fingerprints: they follow bytes and settings, nothing else, and files are hashed once."""

import hashlib
import os
from pathlib import Path

import pytest

from clip_core.encoders import model_files as module
from clip_core.encoders.model_files import file_sha256, fingerprint


def test_a_file_is_hashed_once_while_it_stays_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    digest = hashlib.file_digest
    monkeypatch.setattr(module.hashlib, "file_digest", lambda *given: calls.append(1) or digest(*given))
    path = tmp_path / "w"
    path.write_bytes(b"abc")
    assert file_sha256(path) == hashlib.sha256(b"abc").hexdigest()
    (tmp_path / "link").symlink_to(path)
    assert file_sha256(tmp_path / "link") == file_sha256(path)
    assert len(calls) == 1
    path.write_bytes(b"xyz")
    os.utime(path, ns=(1, 1))
    assert file_sha256(path) == hashlib.sha256(b"xyz").hexdigest()
    assert len(calls) == 2


def test_roles_and_settings_count_and_their_order_does_not(tmp_path: Path) -> None:
    one, two = tmp_path / "1", tmp_path / "2"
    one.write_bytes(b"one")
    two.write_bytes(b"two")
    base = fingerprint({"a": one, "b": two}, {"x": 1, "y": [2, None]})
    assert len(base) == 64
    assert fingerprint({"b": two, "a": one}, {"y": (2, None), "x": 1}) == base
    assert fingerprint({"a": two, "b": one}, {"x": 1, "y": [2, None]}) != base
    assert fingerprint({"a": one, "b": two}, {"x": 2, "y": [2, None]}) != base
