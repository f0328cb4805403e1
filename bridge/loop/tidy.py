"""Safe names for the pictures of a folder and the VoTT v1 project beside them; no store is needed."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, cast

from bridge.model.tidied import Names, Tidied
from bridge.plugin import ReadOptions
from bridge.registry import Registry


class Tidier(Protocol):
    """What the format offers beside reading and writing."""

    def tidy(self, path: Path, names: Names, options: ReadOptions, dry_run: bool = False) -> Tidied:
        """Give pictures and project safe names, or end what was begun; a dry run only says how."""

    def untidy(self, path: Path, options: ReadOptions, dry_run: bool = False) -> Tidied:
        """Give everything its old names back."""


def tidy(
    registry: Registry, path: Path, names: Names, options: ReadOptions, undo: bool = False, dry_run: bool = False
) -> Tidied:
    """Rename, or undo it; raises RefusedError when a person must decide first, and nothing is changed then."""
    tidier = cast(Tidier, registry.format("vott-v1"))
    return tidier.untidy(path, options, dry_run) if undo else tidier.tidy(path, names, options, dry_run)
