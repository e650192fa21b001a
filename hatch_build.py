"""Tell the build which packages the library needs: those of requirements.txt, so that they stand in one place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class RequirementsHook(MetadataHookInterface):
    """Read the dependencies from requirements.txt."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the dependencies to the metadata of the package."""
        lines = (Path(self.root) / "requirements.txt").read_text(encoding="utf-8").splitlines()
        metadata["dependencies"] = [line for line in map(str.strip, lines) if line and not line.startswith("#")]
