"""What a tool wrote and we do not know, kept beside its labels for the way back to a tool of the same format."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bridge.model.annotation import Document
from bridge.model.project import Source
from bridge.model.rectangles import Rectangles


def format_of(source: Source) -> str:
    """The format a source speaks; an import is named "<format>:<path>"."""
    return source.name.partition(":")[0] if source.kind == "import" else source.kind


def wrap(format_name: str, document: Document) -> dict[str, Any]:
    """What the store keeps beside a document's regions."""
    kept: dict[str, Any] = {"format": format_name}
    if document.extra:
        kept["extra"] = document.extra
    if document.held_out is not None:
        kept["held_out"] = document.held_out
    return kept


def unwrap(document: Document, format_name: str) -> Document:
    """A stored document for a format: with its own fields again, or without those that another tool wrote."""
    kept = document.extra
    held_out = kept.get("held_out")
    if kept.get("format") == format_name:
        return replace(document, extra=kept.get("extra", {}), held_out=held_out)
    regions = document.regions
    if not kept and isinstance(regions, Rectangles) and not regions.extras:
        return document
    if isinstance(regions, Rectangles):
        regions = replace(regions, extras=())
    elif regions is not None and any(region.extra for region in regions):
        regions = tuple(replace(region, extra={}) if region.extra else region for region in regions)
    elif not kept:
        return document
    return replace(document, regions=regions, extra={}, held_out=held_out)
