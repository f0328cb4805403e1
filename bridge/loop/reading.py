"""A file or folder of a labeling tool, read as it is: no store is needed."""

from __future__ import annotations

import gc
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from bridge.collector import paused
from bridge.errors import InputError, NotFoundError
from bridge.model.annotation import Document
from bridge.model.dataset import Reading
from bridge.model.finding import Finding
from bridge.plugin import Format, ReadOptions
from bridge.registry import Plugin, Registry


@dataclass(frozen=True, slots=True)
class Bare:
    """What stands in a bare file or folder: its format, its documents in memory, and what reading them showed."""

    format: str
    reading: Reading
    documents: tuple[Document, ...]
    findings: tuple[Finding, ...]


def read_path(registry: Registry, path: Path, options: ReadOptions, back_to: str | None = None) -> Bare:
    """Read a bare file or folder; raises what recognise and the format raise.

    back_to is the format that the documents are for: what only their tool knows is kept where it is the same one.
    """
    name = recognise(registry, path)
    options = replace(options, extras=name == back_to)
    reading = registry.format(name).read(path, options)
    documents = _held(reading.documents)
    return Bare(name, reading, documents, (*reading.findings, *(f for d in documents for f in d.findings)))


def _held(documents: Iterable[Document]) -> tuple[Document, ...]:
    """All documents in memory, where the collector need not look for garbage later either."""
    with paused():
        held = tuple(documents)
        gc.freeze()
    return held


def recognise(registry: Registry, path: Path) -> str:
    """The name of the format a path is in; raises NotFoundError or InputError when there is none or more than one."""
    if not path.exists():
        raise NotFoundError("path-missing", path=str(path))
    matching = [plugin.name for plugin, reader in registry.usable("format") if _fits(registry, plugin, reader, path)]
    if len(matching) != 1:
        rule = "format-unknown" if not matching else "format-ambiguous"
        raise InputError(rule, path=str(path), found=", ".join(matching), known=", ".join(registry.names("format")))
    return matching[0]


def _fits(registry: Registry, plugin: Plugin, reader: Format, path: Path) -> bool:
    """Whether a format recognises a path; somebody else's that raises is put aside, and the others are asked."""
    try:
        return reader.recognises(path)
    except Exception as error:
        if plugin.origin == "built-in":
            raise
        registry.put_aside("format", plugin.name, f"{type(error).__name__}: {error}")
        return False
