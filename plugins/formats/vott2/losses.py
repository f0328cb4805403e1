"""What a VoTT 2 project cannot hold of a dataset: shapes that VoTT does not draw, names that lead out of a folder."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bridge.model.annotation import Document, Region
from bridge.model.dataset import Dataset
from bridge.model.finding import Finding, Severity
from plugins.formats.grid import Grid
from plugins.formats.loss import is_plain, region_loss
from plugins.formats.vott2.placing import kept_name
from plugins.formats.vott2.plain import KEY
from plugins.formats.vott2.records import record_of
from plugins.formats.vott2.region import LOST, read_region
from plugins.formats.vott2.shown import grid_of, stored


def losses(dataset: Dataset) -> list[Finding]:
    """Pictures under another name, and every region that comes back otherwise or not at all."""
    found: list[Finding] = []
    for document in dataset.documents:
        kept = document.extra.get(KEY)
        asset = kept.get("asset") if isinstance(kept, dict) else None
        if not isinstance(asset, dict):
            found += _renamed(document)
        grid: Grid | None = None
        for index, region in enumerate(document.regions or ()):
            if not (is_plain(region) and _in_order(region)):
                grid = grid or grid_of(asset if isinstance(asset, dict) else {}, document.image)
                found += region_loss(document.image.name, index, region, _again(region, document, grid))
    return found


def _renamed(document: Document) -> Iterator[Finding]:
    name = document.image.name
    if (kept := kept_name(name)) != name:
        yield Finding("name-changed", Severity.WARNING, name, {"name": kept})


def _in_order(region: Region) -> bool:
    (left, top), (right, bottom) = region.points
    return left <= right and top <= bottom


def _again(region: Region, document: Document, grid: Grid) -> Region | None:
    """The region as it would be read back."""
    record: Any = record_of(0, region, document.image.name, grid)
    if record is LOST:
        return None
    return stored(read_region(record)[0], grid)
