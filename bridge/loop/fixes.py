"""The three safe fixes, applied to one picture's regions: clip, swap corners, drop an exact duplicate."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from math import isfinite

from bridge.model.annotation import Region
from bridge.model.finding import Finding, Fix
from bridge.model.likeness import likeness

Regions = tuple[Region, ...]


def apply_fix(regions: Regions, findings: Iterable[Finding], width: int, height: int) -> Regions:
    """The regions of one picture of width x height pixels after the fixes that its findings name, in the old order.

    Pure, and careful: all indices are meant in the regions as given; a finding that no longer fits (no such region,
    another shape, nothing left inside, no copy of it left) changes nothing. Two boxes that become equal by clipping
    are a new finding of the next check.
    """
    fixes = {(f.region, f.fix) for f in findings if f.region is not None and f.fix is not None}
    fixed = list(regions)
    for index, region in enumerate(regions):
        if (index, Fix.SWAP) in fixes:
            region = _swap(region)
        if (index, Fix.CLIP) in fixes:
            region = _clip(region, width, height)
        fixed[index] = region
    dropped = _copies(regions, {i for i, fix in fixes if fix is Fix.DROP_DUPLICATE})
    return tuple(region for index, region in enumerate(fixed) if index not in dropped)


def _swap(region: Region) -> Region:
    if not _is_rectangle(region):
        return region
    (ax, ay), (bx, by) = region.points
    return replace(region, points=((min(ax, bx), min(ay, by)), (max(ax, bx), max(ay, by))))


def _clip(region: Region, width: int, height: int) -> Region:
    if not _is_rectangle(region) or width <= 0 or height <= 0:
        return region
    points = tuple((min(max(x, 0.0), float(width)), min(max(y, 0.0), float(height))) for x, y in region.points)
    clipped = replace(region, points=points)
    inside = clipped.box
    return clipped if inside is not None and inside.width > 0 and inside.height > 0 else region


def _copies(regions: Regions, named: set[int]) -> set[int]:
    """Those of the named ones that have an equal which stays."""
    staying = {likeness(region) for index, region in enumerate(regions) if index not in named} - {None}
    return {index for index in named if 0 <= index < len(regions) and likeness(regions[index]) in staying}


def _is_rectangle(region: Region) -> bool:
    return region.kind == "rectangle" and len(region.points) == 2 and all(isfinite(c) for p in region.points for c in p)
