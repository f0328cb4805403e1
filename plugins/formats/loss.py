"""What a format would make of a region, against what the region is: what differs is told before anything is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bridge.model.annotation import Region, content_hash
from bridge.model.finding import Finding, Severity

_RULES = {"ellipse": "ellipse", "rotated": "rotated", "brush": "brush", "damaged": "bad-number"}
# Any picture is smaller; a number that is none fails the comparison too.
_FAR = 1e8


def is_plain(region: Region) -> bool:
    """Whether this is a rectangle of sound numbers, as nearly all regions are; every format has such."""
    if region.kind != "rectangle" or len(region.points) != 2:
        return False
    (left, top), (right, bottom) = region.points
    return abs(left) + abs(top) + abs(right) + abs(bottom) < _FAR


def region_loss(image: str, index: int, region: Region, again: Region | None) -> Iterator[Finding]:
    """The finding about a region that would be read back as `again`; None: there is no way to write it.

    Labels are not compared: why one changes, only the format can tell.
    """
    if again is None:
        yield finding(_RULES.get(region.kind, "shape-lost"), image, index, region, case="left-out")
    elif not _same(region, again):
        ordered = region.kind == again.kind == "rectangle" and _same(_in_order(region), again)
        rule = "swapped" if ordered else _RULES.get(region.kind, "shape-lost")
        finds = {} if again.kind == "damaged" else {"becomes": again.kind}
        yield finding(rule, image, index, region, case="export" if finds else "left-out", **finds)


def finding(rule: str, image: str, index: int | None, region: Region, **fields: object) -> Finding:
    """A warning about one region, with its labels, its id and where it lies."""
    box = region.box
    at = (box.left, box.top) if box else region.points[0] if region.points else None
    place = {"x": round(at[0], 2), "y": round(at[1], 2)} if at else {}
    own = {"id": region.region_id} if region.region_id else {}
    told = {"kind": region.kind, "labels": ", ".join(region.labels), **own, **place, **fields}
    return Finding(rule, Severity.WARNING, image, told, index)


def _same(a: Region, b: Region) -> bool:
    return content_hash("", 0, 0, [replace(a, labels=())]) == content_hash("", 0, 0, [replace(b, labels=())])


def _in_order(region: Region) -> Region:
    box = region.box
    return region if box is None else replace(region, points=((box.left, box.top), (box.right, box.bottom)))
